//! The log of a person's own messages.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chatapp_e2e::{Home, Process, Room, Screen, received_by};
use serde_json::Value;
use tempfile::tempdir;

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Returns a line without its time.
fn said(line: &str) -> &str {
    let (time, said) = line.split_at("2026-11-30 20:15:00 ".len());
    assert!(time.ends_with(' ') && time.starts_with("20"), "{line}");
    said
}

#[test]
fn enters_what_was_sent_and_shown() {
    let (room, folder) = (Room::open(), tempdir().unwrap());
    let path = folder.path().join("chat.log");
    let option = ["--log-file", path.to_str().unwrap()];
    let mut bob = room.join("bob");
    let mut alice = Screen::join(room.address(), "alice", &option);
    alice.types("send bob hi\u{202e} there\r");
    alice.shows(&received_by("bob"));
    bob.types("send alice hello");
    alice.shows("bob: hello");
    bob.types("send_all all of you");
    alice.shows("Channel_Message bob: all of you");
    alice.types("history 2\r");
    alice.waits_until("the last two lines again", |screen| {
        let rows: Vec<String> = screen.rows(0, 80).collect();
        let shown = |text: &str| rows.iter().filter(|row| row.contains(text)).count();
        shown("bob: hello") == 2 && shown("all of you") == 2
    });
    alice.types("\x04");
    assert_eq!(alice.ends(), 0);
    let expected = [
        "to bob: hi\\u{202e} there",
        "bob: hello",
        "Channel_Message bob: all of you",
    ];
    let entries = lines(&path);
    assert_eq!(
        entries.iter().map(|line| said(line)).collect::<Vec<_>>(),
        expected
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn continues_a_log_of_objects() {
    let (room, folder) = (Room::open(), tempdir().unwrap());
    let path = folder.path().join("chat.jsonl");
    let (port, file) = (room.port.to_string(), path.to_str().unwrap());
    let arguments = ["-c", "alice", "127.0.0.1", &port, "0", "--log-file", file];
    let home = Home::of("alice");
    let mut bob = room.join("bob");
    for text in ["one", "two"] {
        let mut alice = Process::start_at(&home, &arguments);
        alice.types(&format!("send_all {text}"));
        alice.shows(&received_by("Server"));
        if text == "two" {
            bob.types("send alice three");
            bob.shows(&received_by("alice"));
        }
        alice.leaves();
    }
    let entries: Vec<Value> = lines(&path)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let texts: Vec<&Value> = entries.iter().map(|entry| &entry["text"]).collect();
    assert_eq!(texts, ["one", "two", "three"]);
    assert_eq!(entries[2]["event"], "message");
    assert_eq!(entries[2]["from"], "bob");
    assert!(entries[2]["message_id"].is_string());
    assert_eq!(entries[0]["event"], "sent");
    assert_eq!(entries[0]["to"], Value::Null);
    assert!(
        entries[0]["at"]
            .as_u64()
            .is_some_and(|at| at > 1_600_000_000)
    );
}
