//! Ownership of names: processes that return, are refused, take over, or are evicted.

use chatapp_e2e::{
    BYE, Home, KEPT, Process, Room, SAVED, TABLE, WELCOME, free_port, is_stamped, no_ack_from,
    received_by,
};

#[test]
fn refuses_an_active_name_with_exit_4() {
    let mut room = Room::open();
    let mut alice = room.join("alice");
    let mut other = Room::start_client(room.address(), "alice", 0);
    assert_eq!(other.ends(), 4);
    assert_eq!(
        other.lines(),
        ["[The name alice is active elsewhere. Choose another one.]"]
    );
    room.server.logs("refused");
    alice.types("send alice still here");
    alice.shows("alice: still here");
}

#[test]
fn delivers_to_a_process_that_restarts() {
    let room = Room::open();
    let port = free_port();
    let mut bob = room.join("bob");
    let mut alice = Room::join_at(room.address(), "alice", port);
    bob.shows(TABLE);
    alice.is_killed();
    bob.types("send alice one");
    bob.shows(&no_ack_from("alice"));
    bob.shows(SAVED);
    bob.types("send_all two");
    bob.shows("[Message received by Server.]");

    let mut alice = Room::restart_client(alice.home(), room.address(), "alice", port);
    assert_eq!(alice.shows_next(), WELCOME);
    assert_eq!(alice.shows_next(), KEPT);
    let kept = [alice.shows_next(), alice.shows_next()];
    assert!(
        kept.iter().any(|line| is_stamped(line, "bob", "one")),
        "{kept:?}"
    );
    assert!(
        kept.iter()
            .any(|line| is_stamped(line, "Channel_Message bob", "two")),
        "{kept:?}"
    );
    assert_eq!(alice.shows_next(), TABLE);
    alice.types("table");
    alice.types("send alice end");
    alice.shows("alice: end");
    let rows = alice
        .lines()
        .iter()
        .filter(|line| line.split_whitespace().any(|word| word == "alice"))
        .count();
    assert_eq!(rows, 1, "the name is there once: {alice}");
    bob.types("send alice hi");
    bob.shows(&received_by("alice"));
    alice.shows("bob: hi");
}

#[test]
fn chats_at_once_after_a_quick_restart() {
    let room = Room::open();
    let port = free_port();
    let mut bob = room.join("bob");
    for round in 0..3 {
        let mut alice = Room::join_at(room.address(), "alice", port);
        bob.shows(TABLE);
        bob.types(&format!("send alice {round}"));
        bob.shows(&received_by("alice"));
        alice.shows(&format!("bob: {round}"));
        alice.types(&format!("send bob {round}"));
        alice.shows(&received_by("bob"));
        bob.shows(&format!("alice: {round}"));
        alice.is_killed();
    }
}

#[test]
fn takes_over_the_name_of_a_vanished_process() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    alice.types("dereg alice");
    alice.shows(BYE);
    bob.shows(TABLE);
    bob.types("send alice one");
    bob.shows(SAVED);
    alice.types("reg alice");
    alice.shows(TABLE);
    assert!(
        is_stamped(&alice.lines()[alice.lines().len() - 2], "bob", "one"),
        "{alice}"
    );
    bob.shows(TABLE);
    alice.is_killed();
    bob.types("send alice two");
    bob.shows(SAVED);

    let mut heir = Room::restart_client(alice.home(), room.address(), "alice", 0);
    heir.shows(WELCOME);
    assert_eq!(heir.shows_next(), KEPT);
    let line = heir.shows_next();
    assert!(is_stamped(&line, "bob", "two"), "{line}");
    assert_eq!(heir.shows_next(), TABLE);
    bob.types("send alice three");
    bob.shows(&received_by("alice"));
    heir.shows("bob: three");
}

#[cfg(unix)]
#[test]
fn ends_an_evicted_process_with_exit_4() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.stands_still();
    let mut heir = Room::join_at(room.address(), "alice", 0);
    alice.goes_on();
    alice.types("send_all am I still here");
    assert_eq!(alice.ends(), 4);
    assert_eq!(
        alice.count("[Another process has taken over the name alice.]"),
        1
    );
    heir.types("send alice hi");
    heir.shows("alice: hi");
}

#[cfg(unix)]
#[test]
fn reconnects_a_stopped_process() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.stands_still();
    alice.types("send bob one");
    // The server has also declared bob offline.
    alice.shows_all(&[&no_ack_from("bob"), SAVED, TABLE]);
    alice.types("send_all two");
    alice.shows("[Message received by Server.]");
    bob.goes_on();
    bob.shows_where("one, direct or kept", |line| {
        line == "alice: one" || is_stamped(line, "alice", "one")
    });
    bob.shows_where("two", |line| {
        is_stamped(line, "Channel_Message alice", "two")
    });
    // Bob is reachable again at once, directly or through the server.
    alice.shows(TABLE);
    alice.types("send bob three");
    bob.shows("alice: three");
    let shown = bob.lines();
    for text in ["one", "two"] {
        assert_eq!(
            shown.iter().filter(|line| line.ends_with(text)).count(),
            1,
            "{bob}"
        );
    }
}

#[test]
fn distinguishes_similar_names() {
    let room = Room::open();
    let names = ["../x", "a,b", "Zoë", "名前", "send_all", &"n".repeat(32)];
    let mut clients = room.join_all(names);
    for (from, name) in names.iter().enumerate() {
        let to = (from + 1) % names.len();
        clients[from].types(&format!("send {} hello", names[to]));
        clients[from].shows(&received_by(names[to]));
        clients[to].shows(&format!("{name}: hello"));
    }
}

#[test]
fn refuses_names_that_cannot_be_seen() {
    // A mark and an override of the writing direction, and a tag character.
    for name in ["alice\u{200f}", "\u{202e}ecila", "alice\u{e0061}"] {
        let mut client = Process::start(&["-c", name, "127.0.0.1", "4119", "0"]);
        assert_eq!(client.ends(), 2, "{name:?}: {client}");
        assert!(client.log()[0].contains("invisible characters"), "{client}");
    }
}

#[test]
fn refuses_names_that_look_like_others() {
    let mut room = Room::open();
    for name in [
        "alice\u{fe0f}",
        "\u{2800}",
        "alice:",
        "[Server",
        "\u{430}lice",
        "Channel_Message",
        // A pictograph.
        "\u{1f980}",
    ] {
        let mut client = Room::start_client(room.address(), name, 0);
        assert_eq!(client.ends(), 4, "{name:?}: {client}");
        assert!(
            client.lines()[0].ends_with(". Use letters and digits.]"),
            "{client}"
        );
    }
    room.server.logs("the name is not valid");
}

#[test]
fn takes_all_spellings_of_a_name_for_one() {
    let room = Room::open();
    let arguments = ["-c", "Zoe\u{308}", "127.0.0.1", &room.port.to_string(), "0"];
    let mut zoe = Process::start_at(&Home::of("Zo\u{eb}"), &arguments);
    zoe.shows(WELCOME);
    let mut bob = room.join("bob");
    for spelling in ["Zo\u{eb}", "Zoe\u{308}", "\u{ff3a}o\u{eb}"] {
        bob.types(&format!("send {spelling} hi"));
        bob.shows(&received_by("Zo\u{eb}"));
        zoe.shows("bob: hi");
    }
}

/// A room may have names that are older than the rule about spellings. They stay, with their keys
/// and messages, and can be told and forgotten in their old spelling.
#[test]
fn reaches_names_of_an_old_spelling() {
    let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
    let data = folder.path().to_str().expect("a sane name");
    for name in ["Zoe\u{308}", "\u{ff3a}oe"] {
        let mut room = Room::open_with(&["--any-name", "--data-dir", data]);
        let mut zoe = room.join(name);
        let mut bob = room.join("bob");
        bob.types(&format!("send {name} hi"));
        bob.shows(&received_by(name));
        zoe.shows("bob: hi");
        bob.types(&format!("keys verify {name}"));
        bob.shows_where("a code", |line| line.starts_with("[Compare it with"));
        zoe.types(&format!("dereg {name}"));
        zoe.shows(BYE);
        bob.types(&format!("send {name} later"));
        bob.shows(SAVED);
        bob.types("quit");
        assert_eq!(bob.ends(), 0);
        room.server.is_killed();
        for arguments in [
            &["keys", "show", name] as &[&str],
            &["keys", "forget", "name", name],
            &["store", "forget", data, name],
        ] {
            let home = if arguments[1] == "show" { &zoe } else { &bob }.home();
            let mut first = Process::start_at(home, arguments);
            assert_eq!(first.ends(), 0, "{arguments:?} {first}");
            if arguments[1] == "forget" {
                let mut again = Process::start_at(home, arguments);
                assert_eq!(again.ends(), 2, "{arguments:?} {again}");
            }
        }
    }
}

/// A name is typed in whichever spelling the keyboard makes, also where it is forgotten.
#[test]
fn forgets_a_name_in_every_spelling() {
    let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
    let data = folder.path().to_str().expect("a sane name");
    let mut room = Room::open_with(&["--data-dir", data]);
    let [_zoe, mut bob] = room.join_all(["Zo\u{eb}", "bob"]);
    bob.types("send Zo\u{eb} hi");
    bob.shows(&received_by("Zo\u{eb}"));
    bob.types("quit");
    assert_eq!(bob.ends(), 0);
    room.server.is_killed();
    for arguments in [
        ["keys", "forget", "name", "\u{ff3a}oe\u{308}"],
        ["store", "forget", data, "Zoe\u{308}"],
    ] {
        let mut forget = Process::start_at(bob.home(), &arguments);
        assert_eq!(forget.ends(), 0, "{arguments:?} {forget}");
    }
}
