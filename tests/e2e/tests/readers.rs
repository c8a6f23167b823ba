//! Readers that hang or vanish, and signals: the room goes on, and a program ends on the first
//! signal.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use chatapp_e2e::{
    Home, PATIENCE, POSTED, Process, Room, SAVED, TABLE, binary, ends, free_port, received_by,
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running `ChatApp` whose standard error the test reads only if it wants to.
struct Bare {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: Option<ChildStderr>,
    port: u16,
    _home: Home,
}

impl Bare {
    /// Starts a server with these options, and waits until it serves.
    fn serve(options: &[&str]) -> Self {
        let port = free_port();
        let home = Home::new();
        let mut child = Command::new(binary())
            .args(["-s", &port.to_string(), "--data-dir"])
            .arg(home.path())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        assert!(line.starts_with("The server starts!"), "{line}");
        Self {
            stderr: child.stderr.take(),
            child,
            stdout,
            port,
            _home: home,
        }
    }

    fn types(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("the input is open");
        stdin.write_all(text.as_bytes()).expect("it takes input");
    }

    fn join(&self, name: &str) -> Process {
        Room::join_at(([127, 0, 0, 1], self.port).into(), name, 0)
    }

    fn is_sent(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    /// Waits for the end of the process, and returns its exit code and the rest of its output.
    fn ends(&mut self) -> (Option<i32>, String) {
        let code = ends(&mut self.child);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        (code, rest)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a sane name")
}

/// More commands than the pipe of the input holds, so that a server has executed most of them once
/// all are written. Their answers are more than the log holds.
fn much_help() -> String {
    "help\n".repeat(40_000)
}

#[test]
fn serves_on_while_the_log_reader_hangs() {
    for (word, signal) in [("", Some(Signal::TERM)), ("quit\n", None)] {
        let mut server = Bare::serve(&[]);
        server.types(&much_help());
        let mut alice = server.join("alice");
        alice.types("send_all hi");
        alice.shows(POSTED);
        server.types(word);
        signal.into_iter().for_each(|signal| server.is_sent(signal));
        let (code, rest) = server.ends();
        assert_eq!(code, Some(0));
        assert!(rest.contains(" lines of the log were lost."), "{rest}");
    }
}

#[test]
fn counts_lost_lines_once_the_log_reader_is_back() {
    let mut server = Bare::serve(&[]);
    server.types(&much_help());
    let mut alice = server.join("alice");
    alice.types("send_all hi");
    alice.shows(POSTED);
    let log = BufReader::new(server.stderr.take().expect("a pipe"));
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        log.lines()
            .try_for_each(|line| sender.send(line.expect("text")))
    });
    let deadline = Instant::now() + PATIENCE;
    let says = |line: String| line.contains("lines of the log were lost");
    // Each line is an opportunity to say it.
    while !lines.try_iter().any(says) {
        assert!(Instant::now() < deadline, "the log does not say it");
        server.types("help\n");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn serves_on_after_the_log_reader_died() {
    for (word, signal) in [("quit\n", None), ("", Some(Signal::INT))] {
        let mut server = Bare::serve(&[]);
        server.stderr = None;
        server.types("help\nstats\n");
        let mut alice = server.join("alice");
        alice.types("send_all hi");
        alice.shows(POSTED);
        server.types(word);
        signal.into_iter().for_each(|signal| server.is_sent(signal));
        let (code, rest) = server.ends();
        assert_eq!(code, Some(0));
        assert!(rest.contains(" lines of the log were lost."), "{rest}");
    }
}

/// A client whose output nobody reads leaves the room on the first signal.
#[test]
fn leaves_while_the_output_reader_hangs() {
    let mut room = Room::open_with(&["--text-kib", "0", "--requests", "0"]);
    let mut alice = room.join("alice");
    let home = Home::new();
    let mut ear = Command::new(binary())
        .args(["-c", "ear", "127.0.0.1", &room.port.to_string(), "0"])
        .args(["--listen", "--data-dir", text(home.path())])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    alice.shows(TABLE);
    for number in 0..200 {
        alice.types(&format!("send_all {number} {}", "x".repeat(700)));
    }
    for _ in 0..200 {
        alice.shows(POSTED);
    }
    kill_process(Pid::from_child(&ear), Signal::TERM).expect("it is there");
    ends(&mut ear);
    alice.types("send ear late");
    alice.shows(SAVED);
    room.server.logs("ear departed: left");
}

fn fifo(folder: &TempDir, name: &str) -> (std::path::PathBuf, File) {
    let path = folder.path().join(name);
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo runs").success());
    // It opens without a partner, and is never read.
    let reader = File::options().read(true).write(true).open(&path);
    (path, reader.expect("the pipe opens"))
}

#[test]
fn serves_on_while_the_capture_reader_stalls() {
    let folder = TempDir::new().expect("a folder");
    let (capture, _stalled) = fifo(&folder, "capture");
    let (keys, _too) = fifo(&folder, "keys");
    let (capture, keys) = (text(&capture), text(&keys));
    let limits = ["--text-kib", "0", "--requests", "0"];
    let options = [&["--pcap", capture, "--keylog", keys], &limits[..]].concat();
    let mut room = Room::open_with(&options);
    let mut alice = room.join("alice");
    // More than the pipe and the queue hold, in both directions.
    for _ in 0..20 {
        for number in 0..100 {
            alice.types(&format!("send_all {number} {}", "x".repeat(900)));
        }
        for _ in 0..100 {
            alice.shows(POSTED);
        }
    }
    let mut bob = room.join("bob");
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    bob.shows("alice: hi");
    room.server
        .logs("the capture is not complete: its reader is too slow");
    room.server.is_sent(Signal::TERM);
    assert_eq!(room.server.ends(), 0);
    room.server.logs("the capture lacks ");
    let log = room.server.log();
    let said = log.iter().filter(|line| line.contains("not complete"));
    assert_eq!(said.count(), 1, "{log:?}");
}

/// A reader that only pauses gets whole records.
#[test]
fn captures_into_a_pipe_that_is_read() {
    let folder = TempDir::new().expect("a folder");
    let (path, mut reader) = fifo(&folder, "capture");
    let mut room = Room::open_with(&["--pcap", text(&path)]);
    let mut alice = room.join("alice");
    alice.types("send_all hi");
    alice.shows(POSTED);
    room.server.is_sent(Signal::TERM);
    assert_eq!(room.server.ends(), 0);
    let mut header = [0; 24 + 16];
    reader
        .read_exact(&mut header)
        .expect("a header and a packet");
    assert_eq!(header[..4], 0xa1b2_c3d4_u32.to_le_bytes());
    assert!(
        !room
            .server
            .log()
            .iter()
            .any(|line| line.contains("capture"))
    );
}

#[test]
fn reloads_the_allow_list_on_a_hangup() {
    let folder = TempDir::new().expect("a folder");
    let list = folder.path().join("people");
    fs::write(&list, "alice\n").expect("a file");
    let mut room = Room::open_with(&["--allow-file", text(&list)]);
    let mut alice = room.join("alice");
    let mut bob = Room::start_client(room.address(), "bob", 0);
    assert_eq!(bob.ends(), 4);

    fs::write(&list, "bob\nalice\n").expect("a file");
    room.server.is_sent(Signal::HUP);
    room.server.logs("the allow list is reloaded: 2 names");
    let mut bob = room.join("bob");
    alice.types("send bob hi");
    bob.shows("alice: hi");

    // A mistake in the list changes nothing, and neither does a name that is gone from it.
    fs::write(&list, "alice not-a-key\n").expect("a file");
    room.server.is_sent(Signal::HUP);
    room.server.logs("the allow list stays as it was");
    bob.types("send alice hi");
    alice.shows("bob: hi");
    fs::write(&list, "alice\n").expect("a file");
    room.server.is_sent(Signal::HUP);
    room.server.logs("the allow list is reloaded: 1 name");
    room.server
        .logs("bob departed: not on the allow list any more");
    assert_eq!(bob.ends(), 4, "{bob}");
    let reason = |line: &str| line.starts_with("[The server does not admit bob");
    bob.shows_where("the reason", reason);
    alice.types("send bob are you there");
    alice.shows("[Client bob does not exist.]");
    let mut bob = Room::start_client(room.address(), "bob", 0);
    assert_eq!(bob.ends(), 4);
}

#[test]
fn serves_on_after_a_hangup_without_a_list() {
    let mut room = Room::open();
    room.server.is_sent(Signal::HUP);
    room.server.logs("there is no allow or deny list to reload");
    drop(room.join("alice"));
}

#[test]
fn fails_to_store_beyond_the_file_size_limit() {
    let port = free_port().to_string();
    let home = Home::of_server(port.parse().expect("a port"));
    let mut command = Command::new("prlimit");
    command.arg("--fsize=131072").arg(binary());
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: there is no prlimit");
        return;
    }
    let arguments = ["-s", &port];
    let mut server = Process::start_command("limited ChatApp", command, &home, &arguments);
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    let address = ([127, 0, 0, 1], port.parse().expect("a port")).into();
    let [mut alice, bob] = Room::join_all_at(address, ["alice", "bob"]);
    let refused = "[The server could not store the message; it was not sent.]";
    let is_answer = |line: &str| line == POSTED || line == refused;
    let mut sent = 0;
    loop {
        alice.types(&format!("send_all {}", "x".repeat(700)));
        if alice.shows_where("an answer", is_answer) == refused {
            break;
        }
        sent += 1;
        assert!(sent < 1_000, "no limit");
    }
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    drop(bob);
    server.is_sent(Signal::TERM);
    assert_eq!(server.ends(), 0);
}

#[test]
fn ends_quietly_when_the_output_is_closed() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("room");
    drop(Room::open_in(&data, free_port()));
    let (data, copy) = (text(&data), folder.path().join("copy"));
    for words in [
        &["man"] as &[&str],
        &["completions", "bash"],
        &["dissector"],
        &["keys", "show", "--data-dir", data],
        &["store", data],
        &["store", "--json", data],
        &["store", "check", data],
        &["store", "backup", data, text(&copy)],
        &["--help"],
        &["--version"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(binary())
            .args(words)
            .stdout(writer)
            .output()
            .expect("the binary can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "", "{words:?}");
        assert_eq!(output.status.code(), Some(0), "{words:?}");
    }
}

/// A full disk behind each output at once.
#[cfg(target_os = "linux")]
#[test]
fn serves_on_while_all_outputs_are_full() {
    let port = free_port();
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" 2>/dev/full"]);
    shell.arg(binary());
    let options = ["-s", &port.to_string(), "--ephemeral"];
    let outputs = ["--pcap", "/dev/full", "--keylog", "/dev/full"];
    let arguments = [&options[..], &outputs].concat();
    let home = Home::of_server(port);
    let mut server = Process::start_command("ChatApp", shell, &home, &arguments);
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    let address = ([127, 0, 0, 1], port).into();
    let [mut alice, mut bob] = Room::join_all_at(address, ["alice", "bob"]);
    alice.types("send_all hi");
    alice.shows(POSTED);
    bob.shows("Channel_Message alice: hi");
    server.is_sent(Signal::TERM);
    assert_eq!(server.ends(), 0);
    server.shows_where("the loss", |line| line.ends_with("of the log were lost."));
}
