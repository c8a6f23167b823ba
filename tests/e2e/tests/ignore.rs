//! Names that a person ignores: nothing of theirs is shown, and they are told no lie.

use chatapp_e2e::{Home, Process, Room, SAVED, TABLE, received_by};

const NO_ACK: &str = "[No ACK from alice, message sent to server.]";
const POSTED: &str = "[Message received by Server.]";
const IGNORES: &str = "[You ignore bob from now on. `unignore bob` ends it.]";

/// Sends a private message to alice, which goes through the server, and one to all.
fn speaks(bob: &mut Process, text: &str) {
    bob.types(&format!("send alice {text}"));
    bob.shows(NO_ACK);
    bob.shows(SAVED);
    bob.types(&format!("send_all {text}"));
    bob.shows(POSTED);
}

fn count_of(process: &Process, text: &str) -> usize {
    let lines = process.lines();
    lines.iter().filter(|line| line.contains(text)).count()
}

#[test]
fn shows_nothing_of_an_ignored_name() {
    let room = Room::open();
    let home = Home::new();
    let mut alice = room.join_from(&home, "alice", &[]);
    let mut bob = room.join("bob");
    let mut carol = room.join("carol");
    bob.types("send alice first");
    alice.shows("bob: first");
    bob.shows(&received_by("alice"));
    alice.types("ignore bob");
    alice.shows(IGNORES);
    speaks(&mut bob, "unwanted");
    carol.types("send alice welcome");
    alice.shows("carol: welcome");
    // The server sends in order: before this one, it has sent all of bob's.
    carol.types("send_all welcome");
    alice.shows("Channel_Message carol: welcome");
    assert_eq!(count_of(&alice, "unwanted"), 0, "{alice}");

    // Alice can still write to bob, whose answer is not shown.
    alice.types("send bob are you there?");
    alice.shows(&received_by("bob"));
    bob.types("send alice unwanted reply");
    bob.shows(NO_ACK);
    bob.shows(SAVED);
    alice.leaves();
    let log = alice.lines().join("\n");
    assert!(!log.contains("unwanted"), "{log}");

    // The next process remembers it, also for messages that were kept.
    speaks(&mut bob, "unwanted later");
    let mut alice = room.join_from(&home, "alice", &[]);
    alice.types("ignored");
    alice.shows_where("bob's key", |line| {
        line.starts_with("[You ignore bob, key ")
    });
    alice.types("unignore bob");
    alice.shows("[You do not ignore bob any more.]");
    alice.types("unignore bob");
    alice.shows("[You do not ignore bob.]");
    bob.types("send alice welcome again");
    alice.shows("bob: welcome again");
    alice.types("ignored");
    alice.shows("[You ignore nobody.]");
    alice.leaves();
    assert_eq!(count_of(&alice, "unwanted"), 0, "{alice}");
    assert_eq!(alice.count("[You have messages]"), 0, "{alice}");
}

#[test]
fn says_what_cannot_be_ignored() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.types("ignore alice");
    alice.shows("[That is your own name.]");
    alice.types("ignore bob");
    alice.shows("[No key of bob is known: the name is not in the table.]");
    alice.types("ignore");
    alice.shows("[Usage: ignore <name>]");
    alice.types("unignore bob");
    alice.shows("[You do not ignore bob.]");
    let _bob = room.join("bob");
    alice.shows(TABLE);
    for _ in 0..2 {
        alice.types("ignore bob");
        alice.shows(IGNORES);
    }
    alice.leaves();
}

#[test]
fn tells_programs_about_ignored_keys() {
    let room = Room::open();
    let home = Home::new();
    let mut bob = room.join("bob");
    let mut alice = room.start_from(&home, "alice", &["--json"]);
    alice.shows(r#"{"event":"table_updated"}"#);
    alice.types(r#"{"command":"ignored","tag":1}"#);
    alice.shows(r#"{"event":"ignored","keys":[],"tag":1}"#);
    alice.types(r#"{"command":"ignore","name":"bob","tag":2}"#);
    let is_bob = |line: &str, tag: u8| {
        line.starts_with(r#"{"event":"ignored","keys":[{"name":"bob","key":""#)
            && line.ends_with(&format!(r#""}}],"tag":{tag}}}"#))
    };
    alice.shows_where("bob", |line| is_bob(line, 2));
    alice.types("table");
    alice.shows_where("the mark of bob", |line| {
        line.contains(r#""name":"bob""#) && line.contains(r#""verified":false,"ignored":true}"#)
    });
    alice.types(r#"{"command":"ignore","name":"carol","tag":3}"#);
    alice.shows(concat!(
        r#"{"event":"rejected","reason":"no_key","#,
        r#""message":"no key of this name is known","tag":3}"#
    ));
    speaks(&mut bob, "unwanted");
    alice.types("quit");
    assert_eq!(alice.ends(), 0);
    let lines = alice.lines().join("\n");
    assert!(!lines.contains("unwanted"), "{lines}");
    assert!(!lines.contains(r#""event":"not_shown""#), "{lines}");

    let mut alice = room.start_from(&home, "alice", &["--json"]);
    alice.types(r#"{"command":"ignored","tag":4}"#);
    alice.shows_where("bob", |line| is_bob(line, 4));
    alice.types(r#"{"command":"unignore","name":"bob","tag":5}"#);
    alice.shows(r#"{"event":"ignored","keys":[],"tag":5}"#);
    alice.types(r#"{"command":"unignore","name":"bob","tag":6}"#);
    alice.shows(concat!(
        r#"{"event":"rejected","reason":"not_ignored","#,
        r#""message":"this name is not ignored","tag":6}"#
    ));
    alice.types("quit");
    assert_eq!(alice.ends(), 0);
}

#[cfg(unix)]
#[test]
fn ignores_from_within_a_conversation() {
    use chatapp_e2e::Screen;

    let room = Room::open();
    let mut bob = room.join("bob");
    let alice = Screen::join(room.address(), "alice", &["--bell", "all"]);
    alice.types("to bob\r");
    alice.shows("[Lines without a command go to bob now.]");
    alice.types("ignore bo\t\r");
    alice.shows(IGNORES);
    alice.types("table\r");
    alice.shows("bob (ignored)  ");
    bob.types("send_all unwanted");
    bob.shows(POSTED);
    let mut carol = room.join("carol");
    carol.types("send_all welcome");
    alice.shows("Channel_Message carol: welcome");
    let rows = alice.all_rows().join("\n");
    assert!(!rows.contains("unwanted"), "{rows}");
}
