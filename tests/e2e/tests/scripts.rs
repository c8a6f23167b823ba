//! Interface for scripts: JSON, `--exec`, `--listen`, the log of the server, and all stable texts.
//!
//! The tests compare texts with the files in `expected/`; `UPDATE_EXPECT=1` overwrites those.

use chatapp_e2e::{
    BYE, Home, KEPT, POSTED, Process, Room, SAVED, TABLE, WELCOME, free_port, received_by,
};
use expect_test::{ExpectFile, expect_file};
use serde_json::Value;

/// Runs the program without input to its end; returns its exit code and output.
fn run(arguments: &[&str]) -> (i32, String) {
    let mut process = Process::start(arguments);
    process.closes_input();
    let code = process.ends();
    let lines = [process.lines(), process.log()].concat();
    (code, lines.join("\n") + "\n")
}

#[test]
fn prints_the_expected_help_and_manual() {
    for (arguments, expected) in [
        (&["--help"][..], expect_file!["../expected/help.txt"]),
        (&["-h"], expect_file!["../expected/help-short.txt"]),
        (&["man"], expect_file!["../expected/ChatApp.1"]),
    ] {
        let (code, text) = run(arguments);
        assert_eq!(code, 0, "{arguments:?}");
        expected.assert_eq(&text);
    }
}

#[test]
fn completes_every_option() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script) = run(&["completions", shell]);
        assert_eq!(code, 0, "{shell}");
        for option in ["exec", "json", "no-history", "log-format", "completions"] {
            assert!(script.contains(option), "{option} for {shell}");
        }
    }
}

#[test]
fn completes_files_only_for_file_arguments() {
    let (_, script) = run(&["completions", "fish"]);
    let offers = |option: &str| {
        let line = script
            .lines()
            .find(|line| line.contains(&format!(" -l {option} ")))
            .unwrap_or_else(|| panic!("{option}"));
        line.contains(" -r -F")
    };
    for option in ["pcap", "keylog", "data-dir", "allow-file", "room-key"] {
        assert!(offers(option), "{option}");
    }
    for option in ["exec", "names", "keep", "bind", "drop", "color", "log"] {
        assert!(!offers(option), "{option}");
    }
}

#[test]
fn answers_every_wrong_line() {
    let room = Room::open();
    let mut alice = room.join("alice");
    let long_text = format!("send bob {}", "x".repeat(1_001));
    let long_name = format!("send {} hi", "n".repeat(33));
    let very_long = "x".repeat(70_000);
    let mut answers = String::new();
    for wrong in [
        "send",
        "send bob",
        "send_all",
        "reg",
        "dereg",
        "dereg alice now",
        "table all",
        "help me",
        "quit now",
        "frobnicate",
        "sned bob hi",
        "SEND bob hi",
        "exit",
        "/frobnicate",
        "/send",
        "send a\u{200b}b hi",
        &long_name,
        &long_text,
        &very_long,
        "reg bob",
        "dereg bob",
        "reg alice",
        "send nobody hi",
    ] {
        alice.types(wrong);
        let shown: String = wrong.chars().take(30).collect();
        answers += &format!("{shown:?}\n    {}\n", alice.shows_next());
    }
    alice.types("dereg alice");
    alice.shows(BYE);
    for wrong in ["send alice hi", "send_all hi", "dereg alice"] {
        alice.types(wrong);
        answers += &format!("{wrong:?}, offline\n    {}\n", alice.shows_next());
    }
    expect_file!["../expected/wrong-lines.txt"].assert_eq(&answers);
}

#[test]
fn explains_every_wrong_start() {
    let client = ["-c", "alice", "127.0.0.1", "5000", "0"];
    let mut answers = String::new();
    for wrong in [
        &["-s", "80"][..],
        &["-s"],
        &["-c", "alice"],
        &["-c", "a b", "127.0.0.1", "5000", "0"],
        &["-c", "alice", "127.0.0.1", "80", "0"],
        &["-c", "alice", "127.0.0.1", "5000", "80"],
        &["-s", "5000", "--bind", "nowhere"],
        &["-s", "5000", "--json"],
        &["-s", "5000", "--log", "loud"],
        &["--exec", "send bob hi"],
        &[&client[..], &["--exec", "sned bob hi"]].concat(),
        &[&client[..], &["--exec", ""]].concat(),
        &[&client[..], &["--color", "sometimes"]].concat(),
        &[&client[..], &["--log", "debug"]].concat(),
        &["frobnicate"],
        &["--frobnicate"],
        &["completions", "cmd"],
    ] {
        let (code, text) = run(wrong);
        answers += &format!("$ ChatApp {}\n{text}exit code {code}\n\n", wrong.join(" "));
    }
    expect_file!["../expected/wrong-starts.txt"].assert_eq(&answers);
}

/// Waits for an object with these fields, and skips the objects before it.
fn objects_until(process: &mut Process, fields: &[(&str, Value)]) {
    process.shows_where(&format!("{fields:?}"), |line| {
        let object: Value = serde_json::from_str(line).expect("each line is an object");
        fields.iter().all(|(name, value)| object[*name] == *value)
    });
}

fn final_of(id: u32) -> [(&'static str, Value); 2] {
    [("id", id.into()), ("final", true.into())]
}

/// Compares all objects of a process with the expected ones, after replacing values that differ in
/// each run.
fn assert_objects(process: &Process, ports: &[u16], expected: ExpectFile) {
    let mut all = String::new();
    for line in process.lines() {
        let mut line = line;
        for port in ports {
            line = line.replace(&format!(":{port}"), ":PORT");
        }
        if let Some((before, behind)) = line.split_once("\"message_id\":\"")
            && let Some((_, counter)) = behind.split_once('-')
        {
            line = format!("{before}\"message_id\":\"PROCESS-{counter}");
        }
        if let Some((before, _)) = line.split_once("\"key\":\"") {
            line = format!("{before}\"key\":\"KEY\",\"fingerprint\":\"DIGITS\"}}");
        }
        if let Some((before, behind)) = line.split_once("\"kept_at\":")
            && let rest = behind.trim_start_matches(|c: char| c.is_ascii_digit())
            && rest.len() < behind.len()
        {
            line = format!("{before}\"kept_at\":SECONDS{rest}");
        }
        all += &(line + "\n");
    }
    expected.assert_eq(&all);
}

#[test]
fn writes_a_session_as_json() {
    let room = Room::open();
    let mut bob = room.join("bob");
    let (server, port) = (room.port.to_string(), free_port());
    let arguments = [
        "-c",
        "alice",
        "127.0.0.1",
        &server,
        &port.to_string(),
        "--json",
    ];
    let mut alice = Process::start(&arguments);
    objects_until(&mut alice, &final_of(1));
    bob.shows(TABLE);
    bob.types("send alice to \"you\"\\");
    objects_until(&mut alice, &[("event", "message".into())]);
    bob.types("send_all to everybody");
    objects_until(&mut alice, &[("channel", true.into())]);
    alice.types(r#"{"command":"send","to":"bob","text":"one\ntwo","tag":"first"}"#);
    objects_until(&mut alice, &final_of(2));
    bob.shows(r"alice: one\ntwo");
    alice.types(r#"{"command":"send_all","text":"all","tag":{"n":2}}"#);
    objects_until(&mut alice, &final_of(3));
    alice.types(r#"{"command":"send","to":"nobody","text":"?"}"#);
    objects_until(&mut alice, &final_of(4));
    for wrong in [
        r#"{"command":"send","to":"bob"}"#,
        r#"{"command":"sing","tag":1}"#,
        r#"{"command":"send_all","text":"","tag":[2]}"#,
        r#"{"command":"reg","name":"bob"}"#,
        "sned bob hi",
        "{",
    ] {
        alice.types(wrong);
        objects_until(&mut alice, &[("event", "rejected".into())]);
    }
    bob.types("dereg bob");
    objects_until(&mut alice, &[("event", "table_updated".into())]);
    alice.types("send bob typed as ever");
    objects_until(&mut alice, &final_of(5));
    alice.types(r#"{"command":"dereg"}"#);
    objects_until(&mut alice, &final_of(6));
    bob.types("reg bob");
    bob.shows(KEPT);
    bob.shows(TABLE);
    bob.types("send alice late");
    bob.shows(SAVED);
    alice.types(r#"{"command":"reg"}"#);
    objects_until(&mut alice, &final_of(7));
    alice.types(r#"{"command":"help"}"#);
    objects_until(&mut alice, &[("event", "help".into())]);
    alice.types(r#"{"command":"table"}"#);
    objects_until(&mut alice, &[("event", "table".into())]);
    alice.types(r#"{"command":"quit"}"#);
    assert_eq!(alice.ends(), 0);
    // The system chooses Bob's port, which the table contains.
    let lines = alice.lines();
    let table = lines
        .iter()
        .find(|line| line.contains(r#""event":"table""#));
    let table: Value =
        serde_json::from_str(table.expect("the table has the port")).expect("an object");
    let address = table["clients"][1]["address"].as_str().expect("an address");
    let bobs_port = address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    let ports = [port, bobs_port.expect("a port")];
    assert_objects(&alice, &ports, expect_file!["../expected/session.jsonl"]);
}

#[test]
fn writes_final_events_as_json() {
    let port = free_port().to_string();
    let mut alone = Process::start(&["-c", "alice", "127.0.0.1", &port, "0", "--json"]);
    assert_eq!(alone.ends(), 3);
    assert_objects(&alone, &[], expect_file!["../expected/silent-server.jsonl"]);

    let room = Room::open();
    let _alice = room.join("alice");
    let port = room.port.to_string();
    let arguments = ["-c", "alice", "127.0.0.1", &port, "0", "--json"];
    let mut second = Process::start_at(&Home::of("alice"), &arguments);
    assert_eq!(second.ends(), 4);
    assert_objects(&second, &[], expect_file!["../expected/refused.jsonl"]);
}

#[test]
fn settles_exec_commands_before_the_end() {
    let room = Room::open();
    let mut bob = room.join("bob");
    let home = Home::new();
    let exec = |commands: &[&str]| {
        let port = room.port.to_string();
        let mut arguments = vec!["-c", "robot", "127.0.0.1", &port, "0"];
        for command in commands {
            arguments.extend(["--exec", command]);
        }
        let mut robot = Process::start_at(&home, &arguments);
        (robot.ends(), robot)
    };
    // The program reads no input: it ends although the input stays open.
    let (code, robot) = exec(&["send bob hi", "send_all done", "table"]);
    assert_eq!(code, 0, "{robot}");
    assert_eq!(robot.lines()[..2], [WELCOME, TABLE]);
    assert_eq!(robot.count(&received_by("bob")), 1);
    assert_eq!(robot.count(POSTED), 1);
    assert_eq!(robot.lines().last().map(String::as_str), Some(BYE));
    assert!(
        robot.lines().iter().any(|line| line.starts_with("bob ")),
        "the table has come before it is shown: {robot}"
    );
    bob.shows_all(&["robot: hi", "Channel_Message robot: done"]);

    let (code, robot) = exec(&["send nobody hi", "send bob still here"]);
    assert_eq!(code, 6, "{robot}");
    bob.shows("robot: still here");
    let too_long = format!("send bob {}", "x".repeat(1_001));
    assert_eq!(exec(&[&too_long]).0, 6);

    bob.types("dereg bob");
    bob.shows(BYE);
    let (code, robot) = exec(&["send bob for later"]);
    assert_eq!(code, 0, "a stored message counts as a failure: {robot}");
    assert_eq!(robot.count(SAVED), 1);
}

#[cfg(unix)]
#[test]
fn ignores_input_while_listening() {
    use rustix::process::Signal;

    let room = Room::open();
    let mut bob = room.join("bob");
    let port = room.port.to_string();
    let mut listener = Process::start(&["-c", "ear", "127.0.0.1", &port, "0", "--listen"]);
    listener.closes_input();
    listener.shows(TABLE);
    bob.shows(TABLE);
    bob.types("send ear hi");
    listener.shows("bob: hi");
    listener.is_sent(Signal::TERM);
    assert_eq!(listener.ends(), 0);
}

#[test]
fn logs_at_the_selected_level() {
    let mut quiet = Room::open_with(&["--log", "warn"]);
    let mut objects = Room::open_with(&["--log", "debug", "--log-format", "json"]);
    for room in [&quiet, &objects] {
        let mut alice = room.join("alice");
        let mut second = Room::start_client(room.address(), "alice", 0);
        assert_eq!(second.ends(), 4);
        alice.closes_input();
        assert_eq!(alice.ends(), 0);
    }
    let line = quiet.server.logs("refused");
    assert!(
        line.contains(" WARN  refused alice from 127.0.0.1:"),
        "{line}"
    );
    assert!(!quiet.server.log().join("\n").contains("registered"));

    objects.server.logs("departed");
    objects.server.logs("traffic");
    for line in objects.server.log() {
        let object: Value = serde_json::from_str(&line).expect("each line is an object");
        let level = object["level"].as_str();
        match object["event"].as_str() {
            Some("registered" | "departed") => assert_eq!(level, Some("info"), "{line}"),
            Some("refused") => {
                assert_eq!(level, Some("warn"), "{line}");
                assert_eq!(object["name"], "alice", "{line}");
            }
            Some("traffic") => assert_eq!(level, Some("debug"), "{line}"),
            other => panic!("{other:?} was not expected: {line}"),
        }
        assert!(
            object["time"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
        assert!(object["message"].is_string());
    }
}
