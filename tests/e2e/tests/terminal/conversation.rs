//! Conversations at a terminal: lines without a command.

use chatapp_e2e::{Room, Screen, received_by};

#[test]
fn sends_lines_without_a_command_to_the_partner() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let [mut bob, mut carol] = room.join_all(["bob", "carol"]);
    alice.types("to bob\r");
    alice.shows("[Lines without a command go to bob now.]");
    alice.types_at("bob>>> ");
    alice.types("to be or not\r");
    bob.shows("alice: to be or not");
    alice.shows(&received_by("bob"));
    // A command is one as ever, and a slash never begins a text.
    alice.types("send carol table?\r");
    carol.shows("alice: table?");
    alice.types("table is booked\r");
    alice.shows("type say in front of it.]");
    alice.types("say table is booked\r");
    bob.shows("alice: table is booked");
    alice.types("/tabel\r");
    alice.shows("There is no command /tabel.");
    // The latest sender gets the answer; the partner stays.
    carol.types("send alice yes");
    alice.shows("carol: yes");
    // It is acknowledged once the client knows that the terminal has it.
    carol.shows(&received_by("alice"));
    alice.types("reply fine\r");
    carol.shows("alice: fine");
    alice.types_at("bob>>> ");
    alice.types("to all\r");
    alice.types_at("to all>>> ");
    alice.types("good night\r");
    bob.shows("Channel_Message alice: good night");
    carol.shows("Channel_Message alice: good night");
    alice.types("to\r");
    alice.shows("[Each line needs a command again.]");
    alice.types("good night\r");
    alice.shows("There is no command good.");
}

/// A room that takes any name may have two that are spellings of one. A reply goes to the one who
/// has written.
#[test]
fn replies_to_the_sender_in_its_spelling() {
    let room = Room::open_with(&["--any-name"]);
    let alice = Screen::join(room.address(), "alice", &[]);
    let (old, usual) = ("Zoe\u{308}", "Zo\u{eb}");
    let [mut first, mut second] = room.join_all([usual, old]);
    for (from, text) in [(&mut second, "one"), (&mut first, "two")] {
        from.types(&format!("send alice {text}"));
        from.shows(&received_by("alice"));
        alice.types(&format!("reply {text}\r"));
        if text == "two" {
            // Another one wrote a moment before.
            alice.shows("type it again");
            alice.types(&format!("reply {text}\r"));
        }
        from.shows(&format!("alice: {text}"));
        alice.types("reply\r");
        alice.shows("go to");
        alice.types(&format!("again {text}\r"));
        from.shows(&format!("alice: again {text}"));
    }
}

#[test]
fn needs_commands_in_a_script() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.types("to bob");
    alice.shows("[There is no command to. Type help to see all commands.]");
}

#[test]
fn rings_for_messages_that_concern_the_person() {
    let room = Room::open();
    let options = ["--bell", "mention", "--no-joins"];
    let alice = Screen::join(room.address(), "alice", &options);
    let sounds = |alice: &Screen| alice.bytes().iter().filter(|byte| **byte == 7).count();
    let mut bob = room.join("bob");
    bob.types("send_all malice and others");
    alice.shows("Channel_Message bob: malice and others");
    assert_eq!(sounds(&alice), 0);
    bob.types("send_all ask Alice!");
    alice.shows("Channel_Message bob: ask Alice!");
    assert_eq!(sounds(&alice), 1);
    // Only the line about the own entry into the room is shown.
    let updates = alice.all_rows();
    let updates = updates.iter().filter(|row| row.contains("table updated"));
    assert_eq!(updates.count(), 1, "{alice}");
}
