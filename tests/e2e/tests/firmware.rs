//! Firmware on emulated boards, together with programs of this machine.
#![cfg(target_os = "linux")]

use std::cell::Cell;
use std::path::Path;

use chatapp_e2e::{
    ASKS_SETTINGS, BYE, Board, KEPT, POSTED, Process, Relay, Room, SAVED, TABLE, WELCOME, Weather,
    no_ack_from, received_by,
};

/// Runs a conversation with all kinds of messages; returns the lines that the first client showed.
fn talks(alice: &mut Process, bob: &mut Process) -> Vec<String> {
    let start = alice.lines().len();
    alice.types("send bob from alice");
    bob.shows("alice: from alice");
    alice.shows(&received_by("bob"));
    bob.types("send alice from bob, Zoë \u{1b}[2J");
    bob.shows(&received_by("alice"));
    alice.types("send_all to all");
    bob.shows("Channel_Message alice: to all");
    alice.shows(POSTED);
    bob.types("send_all back to all");
    bob.shows(POSTED);
    alice.shows("Channel_Message bob: back to all");

    alice.types("dereg alice");
    alice.shows(BYE);
    bob.shows(TABLE);
    bob.types("send alice for later");
    bob.shows(&no_ack_from("alice"));
    bob.shows(SAVED);
    bob.types("send_all for all, later");
    bob.shows(POSTED);
    alice.types("send bob not now");
    alice.types("reg alice");
    alice.shows(KEPT);
    alice.shows(TABLE);
    bob.shows(TABLE);

    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    alice.types("send bob for later");
    alice.shows(SAVED);

    for mistake in [
        "hello",
        "send bob",
        "reg bob",
        "send nobody hi",
        "sned bob hi",
    ] {
        alice.types(mistake);
        alice.shows_where("what to do", |line| line.starts_with('['));
    }
    alice.types("help");
    alice.types("table");
    alice.shows_where("the table", |line| line.starts_with("bob"));
    alice.lines().split_off(start)
}

/// Returns a line without times and ports, which differ from run to run.
fn without_numbers(line: &str) -> String {
    let number = |part: &str| part.chars().all(|c| c.is_ascii_digit() || ":-".contains(c));
    line.split_inclusive([' ', '<', '>', ':'])
        .map(|part| {
            let (word, end) = part.split_at(part.len().saturating_sub(1));
            if !word.is_empty() && number(word) {
                format!("#{end}")
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[test]
fn shows_the_same_lines_on_a_board() {
    let room = Room::open();
    let Some(mut alice) = Board::join(room.address(), "alice") else {
        return;
    };
    let mut bob = room.join("bob");
    alice.shows(TABLE);
    let on_board = talks(&mut alice, &mut bob);
    alice.types("quit");
    alice.shows_where("the end", |line| line.starts_with(ASKS_SETTINGS));

    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    let in_program = talks(&mut alice, &mut bob);

    let [on_board, in_program] = [on_board, in_program].map(|lines| {
        lines
            .iter()
            // The board has no pins that outlive it, and no commands about keys.
            .filter(|line| {
                !["keys ", "ignore", "unignore"]
                    .iter()
                    .any(|it| line.starts_with(it))
            })
            .map(|line| without_numbers(line))
            .collect::<Vec<_>>()
    });
    assert_eq!(on_board, in_program);
}

/// Types many messages as fast as the client takes them.
fn sends(client: &mut Process, to: &str, count: usize) {
    for number in 1..=count {
        client.types(&format!("send {to} message {number}"));
    }
}

/// Waits until the client has shown all messages from `other`, and settled all to it: completely,
/// in order, and once.
fn shows_all(client: &mut Process, other: &str, count: usize) {
    let (from, delivered) = (format!("{other}: "), received_by(other));
    let (shown, settled) = (Cell::new(0), Cell::new(0));
    client.shows_where("all messages", |line| {
        if let Some(text) = line.strip_prefix(&from) {
            shown.set(shown.get() + 1);
            assert_eq!(text, format!("message {}", shown.get()));
        } else if line == delivered || line == SAVED {
            settled.set(settled.get() + 1);
        }
        (shown.get(), settled.get()) == (count, count)
    });
}

#[test]
fn delivers_on_a_board_at_twenty_percent_loss() {
    const COUNT: usize = 25;
    let room = Room::open();
    let weather = Weather {
        loss_percent: 20,
        ..Weather::default()
    };
    let relay = Relay::before(room.address(), weather);
    let Some(mut alice) = Board::join(relay.address(), "alice") else {
        return;
    };
    let mut bob = Room::join_at(relay.address(), "bob", 0);
    alice.shows(TABLE);
    sends(&mut alice, "bob", COUNT);
    sends(&mut bob, "alice", COUNT);
    shows_all(&mut alice, "bob", COUNT);
    shows_all(&mut bob, "alice", COUNT);
    // A duplicate would arrive before this message.
    alice.types("send_all done");
    alice.shows(POSTED);
    bob.shows("Channel_Message alice: done");
    let again = |line: &String| line.starts_with("alice: message");
    assert_eq!(bob.lines().iter().filter(|line| again(line)).count(), COUNT);
}

#[test]
fn frees_memory_after_ten_thousand_messages() {
    const COUNT: usize = 5_000;
    let room = Room::open();
    let Some(mut alice) = Board::join(room.address(), "alice") else {
        return;
    };
    let mut bob = room.join("bob");
    alice.shows(TABLE);
    sends(&mut bob, "alice", COUNT);
    sends(&mut alice, "bob", COUNT);
    shows_all(&mut alice, "bob", COUNT);
    shows_all(&mut bob, "alice", COUNT);
    alice.types("send bob and one more");
    alice.shows(&received_by("bob"));
    bob.shows("alice: and one more");
    let through_server = |line: &String| line.starts_with("[No ACK");
    assert!(
        !alice.lines().iter().any(through_server),
        "nothing stood still"
    );
}

#[test]
fn replays_scripts_identically_on_a_board() {
    let Some(mut board) = Board::with_scripts() else {
        return;
    };
    board.console.shows("all scripts are played");
    let lines = board.console.lines();
    let played: Vec<&str> = lines.iter().map(String::as_str).skip(1).collect();
    let expected: Vec<&str> = ["script chat"]
        .into_iter()
        .chain(include_str!("../../../bins/firmware/scripts/chat.expected").lines())
        .chain(["script loss"])
        .chain(include_str!("../../../bins/firmware/scripts/loss.expected").lines())
        .chain(["all scripts are played"])
        .collect();
    assert_eq!(played, expected);
}

/// Returns the lines of a board about each test vector, and the total.
fn findings(image: &Path) -> Vec<String> {
    let mut board = Board::of_image(image);
    board
        .console
        .shows_where("the total", |line| line.ends_with("test vectors agree"));
    board.console.lines().split_off(1)
}

#[test]
fn checks_test_vectors_on_a_board() {
    let Some(image) = Board::image_with_vectors() else {
        return;
    };
    let document = include_str!("../../../core/PROTOCOL.md");
    let mut expected: Vec<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("```vector "))
        // A board knows neither medium-term keys nor orders of an operator.
        .filter(|name| !name.starts_with("medium-"))
        .filter(|name| !name.contains("banned") && !name.contains("muted"))
        .map(|name| format!("{name} agrees"))
        .collect();
    let count = expected.len();
    expected.push(format!("{count} of {count} test vectors agree"));
    expected.sort();
    let mut found = findings(&image);
    found.sort();
    assert_eq!(found, expected);

    // Changes one digit of the document inside the image.
    let mut bytes = std::fs::read(&image).unwrap();
    let vector = b"```vector leave\n00";
    let at = bytes.windows(vector.len()).position(|part| part == vector);
    bytes[at.unwrap() + vector.len() - 1] = b'1';
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("vectors");
    std::fs::write(&image, bytes).unwrap();
    let found = findings(&image);
    let wrong: Vec<_> = found
        .iter()
        .filter(|line| !line.ends_with(" agrees"))
        .collect();
    let total = format!("{} of {count} test vectors agree", count - 1);
    assert_eq!(wrong, ["leave differs", &total]);
}

#[test]
fn completes_the_demonstration() {
    let Some(mut demo) = Board::demonstration() else {
        return;
    };
    demo.shows(WELCOME);
    demo.types("send bob hi");
    demo.shows_all(&["    bob sees: alice: hi".to_owned(), received_by("bob")]);
    demo.types("quit");
    demo.shows(BYE);
    assert_eq!(demo.ends(), 0);
}
