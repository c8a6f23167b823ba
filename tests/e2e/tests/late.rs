//! Senders who learn that messages which the server kept were delivered.

use chatapp_e2e::{Process, Room, SAVED, TABLE};

const TWO: &str = "[bob has received 2 messages that the server kept.]";

/// Starts a client that sends two messages to bob, who is offline.
fn sends_two(room: &Room, name: &str, options: &[&str]) -> Process {
    let port = room.port.to_string();
    let arguments = [&["-c", name, "127.0.0.1", &port, "0"], options].concat();
    let mut sender = Process::start(&arguments);
    for text in ["one", "two"] {
        sender.types(&format!("send bob {text}"));
    }
    sender
}

#[test]
fn tells_programs_and_those_who_ask() {
    let room = Room::open();
    room.join("bob").leaves();
    let mut asks = sends_two(&room, "asks", &["--receipts"]);
    let mut plain = sends_two(&room, "plain", &[]);
    let mut program = sends_two(&room, "program", &["--json"]);
    for lines in [&mut asks, &mut plain] {
        lines.shows(SAVED);
        lines.shows(SAVED);
    }
    for _ in 0..2 {
        program.shows_where("a message is saved", |line| {
            line.contains(r#""status":"saved""#)
        });
    }
    let mut bob = room.join("bob");
    asks.shows(TWO);
    let object = r#"{"event":"kept_delivered","to":"bob","count":2}"#;
    program.shows(object);
    // All that the server has for them came before the table.
    bob.types("dereg bob");
    plain.shows(TABLE);
    for (process, line, count) in [(&mut asks, TWO, 1), (&mut program, object, 1)] {
        process.leaves();
        assert_eq!(process.count(line), count);
    }
    plain.leaves();
    assert_eq!(plain.count(TWO), 0, "the lines of the original stay");
}

#[cfg(unix)]
#[test]
fn tells_a_person_at_a_terminal() {
    use chatapp_e2e::Screen;

    let room = Room::open();
    room.join("bob").leaves();
    let alice = Screen::join(room.address(), "alice", &[]);
    alice.types("send bob hi\r");
    alice.shows(SAVED);
    let _bob = room.join("bob");
    alice.shows("[bob has received 1 message that the server kept.]");
}
