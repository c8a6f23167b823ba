//! Starting `ChatApp`: arguments, prompt, exit codes.

use std::process::Stdio;

use chatapp_e2e::{BYE, Process, Room, TABLE, WELCOME, chatapp, free_port};

#[test]
fn explains_wrong_usage_with_exit_2() {
    let long = "n".repeat(33);
    let wrong: &[(&[&str], &str)] = &[
        (&["-s"], "PORT"),
        (&["-s", "1023"], "1024"),
        (&["-s", "0"], "1024"),
        (&["-s", "65536"], "65536"),
        (&["-s", "-1"], "-1"),
        (&["-s", "abc"], "abc"),
        (&["-s", "5000", "extra"], "extra"),
        (&["-c"], "-c"),
        (&["-c", "alice", "127.0.0.1", "5000"], "-c"),
        (&["-c", "alice", "127.0.0.1", "1023", "5001"], "1024"),
        (&["-c", "alice", "127.0.0.1", "5000", "1023"], "1024"),
        (&["-c", "alice", "127.0.0.1", "5000", "65536"], "65536"),
        (&["-c", "a b", "127.0.0.1", "5000", "5001"], "name"),
        (&["-c", "", "127.0.0.1", "5000", "5001"], "name"),
        (&["-c", &long, "127.0.0.1", "5000", "5001"], "32"),
        (&["-s", "5000", "--bind", "nowhere"], "nowhere"),
        (&["--frobnicate"], "--frobnicate"),
        (&["frobnicate"], "frobnicate"),
    ];
    for (arguments, part) in wrong {
        let mut process = Process::start(arguments);
        assert_eq!(process.ends(), 2, "{process}");
        assert_eq!(process.lines(), Vec::<String>::new(), "{process}");
        assert!(
            process.log().join("\n").contains(part),
            "{part:?} is explained: {process}"
        );
    }
}

/// A line that goes into a pipe, or to a program that reads lines, is one line however long it is.
#[test]
fn wraps_no_line() {
    let part = "n".repeat(60);
    let port = [part.as_str(); 4].join(" ");
    let host = [part.as_str(); 3].join(".");
    let server = free_port().to_string();
    // A file cannot be a folder.
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    let folder = file.path().join(&port);
    let folder = folder.to_str().expect("the path is text");
    let long: &[(&[&str], i32, &str)] = &[
        (&["-c", "alice", "127.0.0.1", &port, "0"], 2, &port),
        (&["-s", &server, "--data-dir", folder], 2, folder),
        (&["-c", "alice", &host, &server, "0"], 3, &host),
    ];
    for (arguments, code, text) in long {
        let mut process = Process::start(arguments);
        assert_eq!(process.ends(), *code, "{process}");
        let log = process.log();
        assert!(log.iter().any(|line| line.contains(text)), "{process}");
    }
}

#[test]
fn prints_help_and_version() {
    let mut help = Process::start(&["--help"]);
    assert_eq!(help.ends(), 0);
    let text = help.lines().join("\n");
    for part in [
        "-s", "-c", "--bind", "send ", "send_all", "dereg", "reg", "1024", "exit",
    ] {
        assert!(text.to_lowercase().contains(part), "{part:?} in {text}");
    }
    let mut version = Process::start(&["--version"]);
    assert_eq!(version.ends(), 0);
    assert!(
        version.lines().join("").contains(env!("CARGO_PKG_VERSION")),
        "{version}"
    );
}

#[test]
fn asks_for_a_line_without_arguments() {
    let port = free_port();
    let mut server = Process::start::<&str>(&[]);
    server.types(&format!("ChatApp -s {port}"));
    server.shows_where("the start", |line| line.contains("The server starts!"));

    let mut alice = Process::start::<&str>(&[]);
    alice.types(&format!("ChatApp -c alice 127.0.0.1 {port} 0"));
    alice.shows_where("the welcome", |line| line.ends_with(WELCOME));
    alice.shows(TABLE);
    alice.types("send alice hi");
    alice.shows("alice: hi");
    alice.closes_input();
    assert_eq!(alice.ends(), 0);
    assert_eq!(alice.lines().last().map(String::as_str), Some(BYE));
}

#[test]
fn takes_quotes_at_the_prompt() {
    let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
    let data = folder.path().join("my room");
    let data = data.to_str().expect("a sane name");
    let port = free_port();
    let mut server = Process::start::<&str>(&[]);
    server.types(&format!("ChatApp -s {port} --data-dir \"{data}\""));
    server.shows_where("the start", |line| line.contains("The server starts!"));
    assert!(std::path::Path::new(data).join("room.db").exists());

    let mut alice = Process::start::<&str>(&[]);
    alice.types(&format!(
        "ChatApp -c 'alice' 127.0.0.1 {port} 0 --exec='send alice it is \"quoted\"'"
    ));
    alice.shows("alice: it is \"quoted\"");
    assert_eq!(alice.ends(), 0, "{alice}");
    // A quote that ends no argument is a character of the name.
    let mut brien = Process::start::<&str>(&[]);
    brien.types(&format!("ChatApp -c o'brien 127.0.0.1 {port} 0"));
    brien.shows(TABLE);
    brien.types("send o'brien \"hi\" there");
    brien.shows("o'brien: \"hi\" there");
}

#[test]
fn explains_a_start_that_is_not_utf8() {
    let mut process = Process::start::<&str>(&[]);
    process.is_piped(&b"ChatApp -c caf\xe9 127.0.0.1 4119 0\n"[..]);
    assert_eq!(process.ends(), 2, "{process}");
    assert_eq!(process.log(), ["ChatApp: the line is not UTF-8"]);
}

#[test]
fn rejects_a_port_in_use() {
    let room = Room::open();
    let mut second = Process::start(&["-s", &room.port.to_string()]);
    assert_ne!(second.ends(), 0);
    assert!(
        second.log().join("\n").contains(&room.port.to_string()),
        "{second}"
    );
    assert_eq!(second.lines(), Vec::<String>::new());
}

#[test]
fn ends_a_demo_with_a_closed_output() {
    let mut demo = chatapp()
        .arg("demo")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(demo.stdout.take());
    let output = demo.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("standard output"), "{error}");
}

#[test]
fn completes_the_demo() {
    let mut demo = Process::start(&["demo"]);
    assert_eq!(demo.ends(), 0);
    let text = demo.lines().join("\n");
    for part in [
        WELCOME,
        TABLE,
        BYE,
        "[You have messages]",
        "[Message received by Server.]",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[cfg(unix)]
mod terminal {
    use chatapp_e2e::{Room, Terminal, free_port};

    #[test]
    fn begins_every_terminal_line_with_the_prompt() {
        let room = Room::open();
        let port = room.port.to_string();
        let mut alice = Terminal::start(&["-c", "alice", "127.0.0.1", &port, "0"]);
        alice.shows("[Welcome, You are registered.]");
        alice.shows("[Client table updated.]");
        alice.types("send alice hi\n");
        alice.shows("[Message received by alice.]");
        alice.types("quit\n");
        assert_eq!(alice.ends(), 0);
        for line in [
            "[Welcome, You are registered.]",
            "[Client table updated.]",
            "alice: hi",
        ] {
            assert!(
                alice.screen().contains(&format!(">>> {line}")),
                "{line:?} in {:?}",
                alice.screen()
            );
        }
    }

    #[test]
    fn asks_again_after_a_wrong_line() {
        let port = free_port();
        let mut server = Terminal::start(&[]);
        server.shows("$ ");
        server.types("ChatApp -s 80\n");
        server.shows("1024");
        server.shows("$ ");
        server.types(&format!("ChatApp -s {port}\n"));
        server.shows("The server starts!");
    }
}
