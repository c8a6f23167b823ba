//! Typed commands and displayed lines.

use chatapp_e2e::{
    BYE, Direction, KEPT, POSTED, Relay, Room, SAVED, TABLE, WELCOME, Weather, free_port,
    is_stamped, no_ack_from, received_by,
};

#[test]
fn shows_exactly_the_lines_of_a_first_session() {
    let room = Room::open();
    let mut alice = Room::start_client(room.address(), "alice", 0);
    assert_eq!(alice.shows_next(), WELCOME);
    assert_eq!(alice.shows_next(), TABLE);
    let mut bob = room.join("bob");
    assert_eq!(alice.shows_next(), TABLE);

    alice.types("send bob hi");
    assert_eq!(alice.shows_next(), received_by("bob"));
    assert_eq!(bob.shows_next(), "alice: hi");
    bob.types("send_all hello there");
    assert_eq!(bob.shows_next(), POSTED);
    assert_eq!(alice.shows_next(), "Channel_Message bob: hello there");
    bob.types("dereg bob");
    assert_eq!(bob.shows_next(), BYE);
    assert_eq!(alice.shows_next(), TABLE);
    bob.types("reg bob");
    assert_eq!(bob.shows_next(), TABLE);
    assert_eq!(alice.shows_next(), TABLE);
}

#[test]
fn delivers_a_message_to_oneself() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.types("send alice hi");
    alice.shows_all(&["alice: hi", "[Message received by alice.]"]);
}

#[test]
fn queues_commands_until_the_table_arrives() {
    let room = Room::open();
    let mut bob = room.join("bob");
    let mut alice = Room::start_client(room.address(), "alice", 0);
    alice.is_piped("send bob first\nsend_all second\n");
    assert_eq!(alice.ends(), 0);
    assert_eq!(&alice.lines()[..2], [WELCOME, TABLE]);
    assert_eq!(alice.count("[Message received by bob.]"), 1);
    assert_eq!(alice.count(POSTED), 1);
    bob.shows_all(&["alice: first", "Channel_Message alice: second"]);
}

#[test]
fn preserves_a_text_exactly() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    for text in [
        "two  spaces",
        "tab\tinside",
        "Zoë 名前 🦀",
        "  leading",
        "dereg bob",
        "a|b,c;d",
        &"x".repeat(1_000),
    ] {
        alice.types(&format!("send bob {text}"));
        alice.shows("[Message received by bob.]");
        // A tab moves the cursor, so it is escaped; all other characters are shown unchanged.
        assert_eq!(
            bob.shows_next(),
            format!("alice: {}", text.replace('\t', "\\t"))
        );
    }
}

#[test]
fn rejects_a_long_text_with_size_and_limit() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    for command in ["send bob", "send_all"] {
        alice.types(&format!("{command} {}", "é".repeat(501)));
        assert_eq!(
            alice.shows_next(),
            "[The text has 1002 bytes, the limit is 1000; it was not sent.]"
        );
    }
    alice.types("send bob and on it goes");
    assert_eq!(alice.shows_next(), received_by("bob"));
    assert_eq!(bob.shows_next(), "alice: and on it goes");
}

#[test]
fn reports_an_unknown_name() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.types("send nobody hi");
    alice.shows("[Client nobody does not exist.]");
    assert_eq!(alice.count(SAVED), 0);
    alice.types("send alice still here");
    alice.shows("alice: still here");
}

#[test]
fn answers_incomplete_and_unknown_commands() {
    let room = Room::open();
    let mut alice = room.join("alice");
    for (wrong, answer) in [
        ("send", "[Usage: send <name> <text>]"),
        ("send bob", "[Usage: send <name> <text>]"),
        ("send_all", "[Usage: send_all <text>]"),
        ("dereg", "[Usage: dereg <name>]"),
        ("reg", "[Usage: reg <name>]"),
        (
            "frobnicate",
            "[There is no command frobnicate. Type help to see all commands.]",
        ),
        ("reg alice", "[You are registered already.]"),
    ] {
        alice.types(wrong);
        assert_eq!(alice.shows_next(), answer, "{wrong:?}");
    }
    alice.types(&format!("send {} hi", "n".repeat(33)));
    assert!(
        alice
            .shows_next()
            .contains("at most 32 bytes, this one has 33")
    );
    // An empty line has no answer.
    alice.types("");
    alice.types("   ");
    alice.types("send alice hi");
    let lines = [alice.shows_next(), alice.shows_next()];
    assert!(lines.contains(&"alice: hi".to_owned()), "{lines:?}");
    assert_eq!(
        alice.log(),
        Vec::<String>::new(),
        "errors in typed commands are on stdout"
    );
}

#[test]
fn rejects_reg_and_dereg_of_other_names() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let [mut alice, mut bob] = Room::join_all_at(relay.address(), ["alice", "bob"]);
    alice.types("send bob settled");
    bob.shows("alice: settled");
    alice.shows(&received_by("bob"));
    for command in ["dereg bob", "reg bob"] {
        relay.forget();
        alice.types(command);
        assert_eq!(
            alice.shows_next(),
            "[You can only use reg and dereg with your own name, alice.]"
        );
        assert_eq!(
            relay.seen(Direction::ToServer).len(),
            0,
            "the client sent a datagram"
        );
    }
    bob.types("send alice still here");
    assert_eq!(bob.shows_next(), received_by("alice"));
}

#[test]
fn stores_a_message_with_its_time() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    alice.types("send bob one");
    assert_eq!(alice.shows_next(), no_ack_from("bob"));
    assert_eq!(alice.shows_next(), SAVED);
    alice.types("send_all two");
    assert_eq!(alice.shows_next(), POSTED);
    bob.types("reg bob");
    assert_eq!(bob.shows_next(), KEPT);
    let kept = [bob.shows_next(), bob.shows_next()];
    assert!(is_stamped(&kept[0], "alice", "one"), "{kept:?}");
    assert!(
        is_stamped(&kept[1], "Channel_Message alice", "two"),
        "{kept:?}"
    );
    assert_eq!(bob.shows_next(), TABLE);
}

#[test]
fn stores_channel_messages_alone() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    for text in ["one", "two"] {
        alice.types(&format!("send_all {text}"));
        assert_eq!(alice.shows_next(), POSTED);
    }
    bob.types("reg bob");
    assert_eq!(bob.shows_next(), KEPT);
    for text in ["one", "two"] {
        let line = bob.shows_next();
        assert!(is_stamped(&line, "Channel_Message alice", text), "{line}");
    }
    assert_eq!(bob.shows_next(), TABLE);
}

#[test]
fn explains_how_to_return_while_offline() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.types("dereg alice");
    assert_eq!(alice.shows_next(), BYE);
    for command in ["send bob hi", "send alice hi", "send_all hi"] {
        alice.types(command);
        assert_eq!(
            alice.shows_next(),
            "[You are Offline. Use reg alice first.]",
            "{command}"
        );
    }
    alice.types("reg alice");
    assert_eq!(alice.shows_next(), TABLE);
    alice.types("send_all hi");
    assert_eq!(alice.shows_next(), POSTED);
}

#[test]
fn delivers_to_a_recipient_that_has_returned() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let port = free_port();
    let mut alice = Room::join_at(relay.address(), "alice", port);
    let mut bob = Room::join_at(relay.address(), "bob", 0);
    alice.shows(TABLE);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    // Alice's client does not learn that bob returns.
    relay.cut_for(Direction::FromServer, port);
    bob.types("reg bob");
    bob.shows(TABLE);
    relay.forget();
    alice.types("send bob are you there");
    assert_eq!(alice.shows_next(), no_ack_from("bob"));
    // The question for bob's medium-term key: header and tag of the datagram, and the name.
    relay.sees_long(Direction::ToServer, port, 34 + 4 + 6);
    relay.mend();
    alice.shows_all(&["[Client bob exists!!]", TABLE, "[Message received by bob.]"]);
    bob.shows("alice: are you there");
    assert_eq!(bob.count("alice: are you there"), 1);
}

#[test]
fn escapes_control_characters_from_peers() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    alice.types("send bob \u{1b}[2J\u{7}\u{9b}31m\u{202e}fin");
    alice.shows("[Message received by bob.]");
    let direct = bob.shows_next();
    alice.types("send_all \u{1b}]0;owned\u{7}fin");
    let channel = bob.shows_next();
    for line in [direct, channel] {
        assert!(line.ends_with("fin"), "{line:?}");
        assert!(
            !line
                .chars()
                .any(|c| chatapp_core::drives_display(c) || c.is_control()),
            "{line:?}"
        );
    }
}

#[test]
fn help_names_every_command() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.types("help");
    alice.types("send alice end");
    alice.shows("alice: end");
    let shown = alice.lines().join("\n");
    for command in ["send ", "send_all", "reg", "dereg", "table", "help", "quit"] {
        assert!(shown.contains(command), "{command:?} in {shown}");
    }
}

#[test]
fn lists_all_names_with_their_status() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    alice.types("table");
    let row =
        |name: &'static str| move |line: &str| line.split_whitespace().any(|word| word == name);
    let own = alice.shows_where("alice's row", row("alice"));
    let other = alice.shows_where("bob's row", row("bob"));
    assert!(own.contains("online"), "{own}");
    assert!(own.contains("127.0.0.1:"), "{own}");
    assert!(other.contains("offline"), "{other}");
}

#[test]
fn logs_arrivals_and_departures_without_texts() {
    let mut room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    room.server.logs("alice");
    room.server.logs("bob");
    alice.types("send_all secret-text");
    bob.shows("Channel_Message alice: secret-text");
    alice.types("dereg alice");
    alice.shows(BYE);
    bob.shows(TABLE);
    bob.types("send alice secret-text");
    bob.shows(SAVED);
    room.server.logs("alice");
    bob.types("dereg bob");
    bob.shows(BYE);
    room.server.logs("bob");
    assert_eq!(
        room.server.lines().len(),
        2,
        "stdout has the lines that it started, and with which limits"
    );
    assert!(!room.server.log().join("\n").contains("secret-text"));
}

#[test]
fn reports_a_full_mailbox() {
    let room = Room::open_with(&["--mail-share", "100"]);
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    let text: String = (1..=1_001)
        .map(|number| format!("send bob {number}\n"))
        .collect();
    alice.is_piped(text);
    assert_eq!(alice.ends(), 0);
    assert_eq!(alice.count(SAVED), 1_000);
    assert_eq!(
        alice.count("[Mailbox of bob is full; the message was not saved.]"),
        1
    );
    bob.types("reg bob");
    assert_eq!(bob.shows_next(), KEPT);
    for number in 1..=1_000 {
        let line = bob.shows_next();
        assert!(is_stamped(&line, "alice", &number.to_string()), "{line}");
    }
    assert_eq!(bob.shows_next(), TABLE);
}
