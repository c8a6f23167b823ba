//! Pinned keys: none yields to another key, whatever the room does, and a name with another key is
//! recognised wherever it appears.

use chatapp_e2e::{BYE, Home, POSTED, Process, Room, TABLE, received_by};

/// Starts the server of a room again without its names, and registers bob with another key. Those
/// who stay write to the channel, so that they return at once.
fn succeed_bob(mut room: Room, stay: &mut [&mut Process]) -> (Room, Process) {
    room.server.is_killed();
    let room = Room::open_at(room.port, &[]);
    let thief = room.join_from(&Home::new(), "bob", &[]);
    for one in stay {
        one.types("send_all I stay");
        one.shows(POSTED);
    }
    (room, thief)
}

/// Sends a message that arrives.
fn sends(from: &mut Process, to: &str, text: &str) {
    from.types(&format!("send {to} {text}"));
    from.shows(&received_by(to));
}

fn refuses_to_send_to_bob(alice: &mut Process) {
    alice.types("send bob a secret");
    alice.shows_where("a refusal", |line| {
        line.starts_with("[The key of bob has changed: nothing was sent.")
    });
}

fn assert_heard_nothing(thief: &mut Process) {
    thief.leaves();
    let heard = thief.lines().iter().any(|line| line.contains("secret"));
    assert!(!heard, "{thief}");
}

#[test]
fn keeps_pin_beyond_a_small_table() {
    let room = Room::open();
    let mut alice = room.join_from(&Home::new(), "alice", &["--peers", "3"]);
    let mut bob = room.join("bob");
    sends(&mut alice, "bob", "hi");
    bob.leaves();
    let others = ["carol", "dave", "erin", "frank", "grace"];
    let _others = others.map(|name| {
        let other = room.join(name);
        sends(&mut alice, name, "hello");
        other
    });
    let (_room, mut thief) = succeed_bob(room, &mut [&mut alice]);
    refuses_to_send_to_bob(&mut alice);
    thief.types("send alice it is me");
    alice.shows_where("a warning", |line| {
        line.starts_with("[The key of bob has changed: a message under that name is not shown.")
    });
    let shown = alice.lines();
    assert!(!shown.iter().any(|line| line.contains("it is me")));
    assert_heard_nothing(&mut thief);
}

#[test]
fn trusts_no_new_name_while_pins_are_full() {
    let room = Room::open();
    let home = Home::new();
    let pins = ["--pins", "1"];
    let mut alice = room.join_from(&home, "alice", &pins);
    let mut bob = room.join("bob");
    let mut carol = room.join("carol");
    sends(&mut alice, "bob", "hi");
    let full = "the pin store is full. `ChatApp keys forget name <NAME>` makes room.]";
    alice.types("send carol hi");
    alice.shows(&format!("[Nothing was sent to carol: {full}"));
    carol.types("send alice it is carol");
    alice.shows(&format!("[A message is not shown from carol: {full}"));
    sends(&mut alice, "bob", "still here");
    sends(&mut bob, "alice", "me too");
    alice.shows("bob: me too");
    alice.leaves();
    let lines = [alice.lines(), carol.lines()].concat();
    assert!(!lines.iter().any(|line| line.contains("it is carol")));
    assert!(!lines.contains(&"alice: hi".to_owned()));

    let forget = ["keys", "forget", "name", "bob"];
    assert_eq!(Process::start_at(&home, &forget).ends(), 0);
    let mut alice = room.join_from(&home, "alice", &pins);
    sends(&mut alice, "carol", "hi");
    carol.shows("alice: hi");
}

#[cfg(unix)]
#[test]
fn shares_pins_of_two_processes() {
    let room = Room::open();
    let home = Home::new();
    let mut first = room.join_from(&home, "alice", &[]);
    first.stands_still();
    let mut bob = room.join("bob");
    // The first process does not answer, so another one gets the name.
    let mut second = room.join_from(&home, "alice", &[]);
    sends(&mut second, "bob", "hi");
    second.leaves();
    bob.leaves();
    let (_room, mut thief) = succeed_bob(room, &mut []);
    first.goes_on();
    first.types("dereg alice");
    first.shows(BYE);
    first.types("reg alice");
    first.shows(TABLE);
    refuses_to_send_to_bob(&mut first);
    first.leaves();
    assert_heard_nothing(&mut thief);
}

#[test]
fn marks_and_withholds_a_name_with_another_key() {
    let room = Room::open();
    let home = Home::new();
    let mut alice = room.join_from(&home, "alice", &[]);
    let mut bob = room.join("bob");
    let mut carol = room.join("carol");
    sends(&mut alice, "bob", "hi");
    bob.types("send_all good morning");
    alice.shows("Channel_Message bob: good morning");
    bob.leaves();
    let (room, mut thief) = succeed_bob(room, &mut [&mut alice, &mut carol]);
    for text in ["it is me", "it is really me"] {
        thief.types(&format!("send_all {text}"));
        thief.shows(POSTED);
        carol.shows(&format!("Channel_Message bob: {text}"));
    }
    carol.types("send_all and me");
    alice.shows("Channel_Message carol: and me");
    let is_warning = |line: &&String| {
        line.starts_with("[The key of bob has changed: messages to all under that name are not")
    };
    let lines = alice.lines();
    assert_eq!(lines.iter().filter(is_warning).count(), 1, "{alice}");
    assert!(!lines.iter().any(|line| line.contains("it is")), "{alice}");

    alice.types("table");
    alice.shows_where("a mark", |line| {
        line.starts_with("bob (other key)  127.0.0.1:") && line.ends_with("  online")
    });
    alice.shows_where("its meaning", |line| line.starts_with("[(other key): "));
    assert!(lines.iter().all(|line| !line.starts_with("carol (other")));
    alice.leaves();

    let mut alice = room.start_from(&home, "alice", &["--json"]);
    alice.shows(r#"{"event":"table_updated"}"#);
    thief.types("send_all it is me again");
    alice.shows(concat!(
        r#"{"event":"not_shown","from":"bob","foreign_key":true,"#,
        r#""channel":true,"reason":"foreign_key"}"#
    ));
    alice.types(r#"{"command":"table"}"#);
    alice.shows_where("a mark", |line| {
        let row = |name, foreign_key| {
            line.contains(&format!(r#""name":"{name}""#))
                && line.contains(&format!(r#""online":true,"foreign_key":{foreign_key}"#))
        };
        line.contains(r#""event":"table""#) && row("bob", true) && row("carol", false)
    });
    alice.types(r#"{"command":"quit"}"#);
    assert_eq!(alice.ends(), 0);
    assert!(!alice.lines().iter().any(|line| line.contains("it is me")));
}

/// Another process opens the same file while the client runs, and closes it: `keys forget`. It must
/// not take the client's log away.
#[test]
fn keeps_pins_after_another_process_looked() {
    let room = Room::open();
    let [_bob, _carol] = room.join_all(["bob", "carol"]);
    let home = Home::of("alice");
    let mut alice = room.join_from(&home, "alice", &[]);
    sends(&mut alice, "bob", "hi");
    let forget = ["keys", "forget", "name", "nobody"];
    assert_eq!(Process::run(&home, &forget).0, 2);
    sends(&mut alice, "carol", "hi");
    alice.is_killed();
    let (code, keys) = Process::run(&home, &["keys", "show"]);
    assert_eq!(code, 0);
    for name in ["bob", "carol"] {
        assert!(keys.contains(name), "{name} is forgotten: {keys}");
    }
}
