//! The bots of the examples, with real servers of other protocols.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chatapp_e2e::{Home, PATIENCE, Process, Room, binary};
use rustix::process::Signal;
use tempfile::tempdir;

const BOTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../bins/chatapp/examples/bots"
);

/// A server of another protocol, which ends with the test.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Other {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null());
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }
}

/// Returns whether the programs are installed. Reports that a test is skipped if they are not.
fn has(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let is_missing = |program: &&&str| !folders.iter().any(|it| it.join(program).exists());
    let Some(missing) = programs.iter().find(is_missing) else {
        return true;
    };
    assert!(
        std::env::var_os("CHATAPP_NO_SKIP").is_none(),
        "there is no {missing}"
    );
    eprintln!("skipped: there is no {missing}");
    false
}

fn bot(room: &Room, program: &str, more: &[&str]) -> Process {
    let mut command = Command::new("python3");
    command.arg(Path::new(BOTS).join(program));
    command.env("CHATAPP", binary());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let port = room.port.to_string();
    let arguments = [&["robot", "127.0.0.1", &port][..], more].concat();
    Process::start_command(program, command, &Home::new(), &arguments)
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

fn connect(port: &str) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect(format!("127.0.0.1:{port}")) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                return stream;
            }
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads lines until one has this part.
fn read_until(lines: &mut impl BufRead, part: &str) -> String {
    let mut all = String::new();
    loop {
        let start = all.len();
        let len = lines.read_line(&mut all).unwrap();
        assert!(len > 0, "no {part} in\n{all}");
        if all[start..].contains(part) {
            return all[start..].trim_end().to_owned();
        }
    }
}

fn post(port: &str, body: &str) -> String {
    let mut stream = connect(port);
    let len = body.len();
    write!(
        stream,
        "POST / HTTP/1.0\r\nContent-Length: {len}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn echoes_private_messages() {
    if !has(&["python3"]) {
        return;
    }
    let room = Room::open();
    let mut alice = room.join("alice");
    let _robot = bot(&room, "echo.py", &[]);
    alice.shows_where("the bot's arrival", |line| {
        line == "[Client table updated.]"
    });
    alice.types("send robot hi \u{1f980}");
    alice.shows("robot: echo: hi \u{1f980}");
    alice.types("send_all hi all");
    alice.types("send robot echo: no");
    alice.types("send robot last");
    alice.shows("robot: echo: last");
    assert_eq!(alice.count("robot: echo: hi all"), 0);
    assert_eq!(alice.count("robot: echo: echo: no"), 0);
}

#[test]
fn sends_what_is_posted_and_answers_with_the_status() {
    if !has(&["python3"]) {
        return;
    }
    let (room, port) = (Room::open(), free_port());
    let mut bob = room.join("bob");
    let _robot = bot(&room, "webhook.py", &[&port]);
    let answer = post(&port, r#"{"to": "bob", "text": "Build 7 failed"}"#);
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    assert!(answer.ends_with("delivered"), "{answer}");
    bob.shows("robot: Build 7 failed");
    let answer = post(&port, r#"{"text": "Good morning"}"#);
    assert!(answer.ends_with("posted"), "{answer}");
    bob.shows("Channel_Message robot: Good morning");
    let answer = post(&port, r#"{"to": "nobody", "text": "hi"}"#);
    assert!(answer.starts_with("HTTP/1.0 502"), "{answer}");
    assert!(answer.ends_with("no_such_client"), "{answer}");
    let answer = post(&port, r#"{"to": "bob", "text": ""}"#);
    assert!(answer.ends_with("empty_text"), "{answer}");
    for body in [
        "[1]",
        r#"{"to": "", "text": "hi"}"#,
        r#"{"to": 5, "text": "hi"}"#,
    ] {
        assert!(post(&port, body).starts_with("HTTP/1.0 400"), "{body}");
    }
}

#[test]
fn joins_a_room_and_an_irc_channel() {
    if !has(&["python3", "ngircd"]) {
        return;
    }
    let (room, port, folder) = (Room::open(), free_port(), tempdir().unwrap());
    let config = folder.path().join("ngircd.conf");
    let settings = format!(
        "[Global]\nName = irc.example.net\nInfo = Test\nListen = 127.0.0.1\nPorts = {port}\n\
        MotdPhrase = Hi\n[Options]\nIdent = no\nPAM = no\nDNS = no\n"
    );
    fs::write(&config, settings).unwrap();
    let _server = Other::start("ngircd", &["-n", "-f", config.to_str().unwrap()]);
    let mut carol = connect(&port);
    let mut heard = BufReader::new(carol.try_clone().unwrap());
    write!(carol, "NICK carol\r\nUSER carol 0 * :carol\r\n").unwrap();
    read_until(&mut heard, " 001 ");
    write!(carol, "JOIN #room\r\n").unwrap();
    read_until(&mut heard, " 366 ");
    let mut alice = room.join("alice");
    let _robot = bot(&room, "irc.py", &["127.0.0.1", &port, "#room"]);
    read_until(&mut heard, "JOIN");
    write!(carol, "PRIVMSG #room :hi: room\r\n").unwrap();
    alice.shows("Channel_Message robot: <carol> hi: room");
    alice.types("send_all hi IRC");
    let line = read_until(&mut heard, "hi IRC");
    assert!(line.ends_with("PRIVMSG #room :<alice> hi IRC"), "{line}");
    // A long text takes several lines, and no character is cut.
    alice.types(&format!("send_all {}!", "\u{20ac}".repeat(300)));
    let mut long = String::new();
    while !long.ends_with('!') {
        let line = read_until(&mut heard, "PRIVMSG #room :<alice> ");
        long += line.rsplit("> ").next().unwrap();
    }
    assert_eq!(long.matches('\u{20ac}').count(), 300);
}

#[test]
fn joins_a_room_and_an_mqtt_broker() {
    if !has(&[
        "python3",
        "mosquitto",
        "mosquitto_pub",
        "mosquitto_sub",
        "stdbuf",
    ]) {
        return;
    }
    let (room, port, folder) = (Room::open(), free_port(), tempdir().unwrap());
    let config = folder.path().join("mosquitto.conf");
    let settings = format!("listener {port} 127.0.0.1\nallow_anonymous true\n");
    fs::write(&config, settings).unwrap();
    let _broker = Other::start("mosquitto", &["-c", config.to_str().unwrap()]);
    connect(&port);
    // In a pipe, it holds its lines back. After a minute, it gives up.
    let mut listener = Command::new("stdbuf")
        .args(["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", &port])
        .args(["-q", "1", "-d", "-W", "60", "-t", "home/said"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = BufReader::new(listener.stdout.take().unwrap());
    let _listener = Other(listener);
    read_until(&mut heard, "SUBACK");
    let mut alice = room.join("alice");
    let mut robot = bot(&room, "mqtt.py", &["127.0.0.1", &port, "home"]);
    // The broker keeps it until the bot listens.
    let published = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &port, "-q", "1", "-r"])
        .args(["-t", "home/say", "-m", "22.5 degrees"])
        .status();
    assert!(published.unwrap().success());
    alice.shows("Channel_Message robot: 22.5 degrees");
    alice.types("send robot warmer");
    let line = read_until(&mut heard, "warmer");
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(said["from"], "alice");
    assert_eq!(said["channel"], false);
    // The bot ends the programs that it started.
    robot.is_sent(Signal::TERM);
    assert_eq!(robot.ends(), 0);
}
