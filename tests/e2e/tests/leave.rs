//! Tests of the ways to leave.

use chatapp_e2e::{BYE, Direction, Process, Relay, Room, SAVED, TABLE, Weather};

#[test]
fn settles_commands_at_the_end_of_input() {
    let mut room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    alice.is_piped("send bob one\nsend_all two\nsend bob three");
    assert_eq!(alice.ends(), 0);
    bob.shows_all(&["alice: one", "Channel_Message alice: two", "alice: three"]);
    assert_eq!(alice.count("[Message received by bob.]"), 2);
    assert_eq!(alice.count("[Message received by Server.]"), 1);
    assert_eq!(alice.lines().last().map(String::as_str), Some(BYE));
    left(&mut room, &mut bob);
}

/// Checks that the other clients know that alice is offline.
fn left(room: &mut Room, bob: &mut Process) {
    bob.shows(TABLE);
    bob.types("send alice late");
    bob.shows(SAVED);
    room.server.logs("alice");
}

#[test]
fn deregisters_on_quit() {
    let mut room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    alice.types("quit");
    assert_eq!(alice.ends(), 0);
    assert_eq!(alice.lines().last().map(String::as_str), Some(BYE));
    left(&mut room, &mut bob);
}

#[test]
fn quits_silently_while_offline() {
    let room = Room::open();
    let mut alice = room.join("alice");
    alice.types("dereg alice");
    alice.shows(BYE);
    alice.closes_input();
    assert_eq!(alice.ends(), 0);
    assert_eq!(alice.count(BYE), 1);
}

#[test]
fn lists_itself_as_offline_after_it_left() {
    let room = Room::open();
    for (name, options, online, offline) in [
        ("alice", &[][..], "  online", "  offline"),
        ("bob", &["--json"], r#""online":true"#, r#""online":false"#),
    ] {
        let address = room.address().to_string();
        let (host, port) = address.split_once(':').expect("a port");
        let mut alice = Process::start(&[&["-c", name, host, port, "0"], options].concat());
        let commands = if options.is_empty() {
            ["table", "dereg alice", "table", "reg alice", "table"]
        } else {
            [
                r#"{"command":"table"}"#,
                r#"{"command":"dereg"}"#,
                r#"{"command":"table"}"#,
                r#"{"command":"reg"}"#,
                r#"{"command":"table"}"#,
            ]
        };
        for (command, state) in commands.iter().zip([online, "", offline, "", online]) {
            alice.types(command);
            alice.shows_where(state, |line| {
                line.contains(state) && (state.is_empty() || line.contains("127.0.0.1"))
            });
        }
        alice.closes_input();
        assert_eq!(alice.ends(), 0, "{alice}");
    }
}

#[test]
fn serves_on_after_the_end_of_input() {
    let mut room = Room::open();
    room.server.closes_input();
    let mut alice = room.join("alice");
    alice.types("send_all hi");
    alice.shows("[Message received by Server.]");
}

#[cfg(unix)]
#[test]
fn deregisters_on_a_signal() {
    use rustix::process::Signal;

    let mut room = Room::open();
    let mut bob = room.join("bob");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut alice = room.join("alice");
        bob.shows(TABLE);
        alice.is_sent(signal);
        assert_eq!(alice.ends(), 0);
        assert_eq!(alice.lines().last().map(String::as_str), Some(BYE));
        left(&mut room, &mut bob);
    }
}

#[cfg(unix)]
#[test]
fn exits_at_once_on_a_second_signal() {
    use rustix::process::Signal;

    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let mut alice = Room::join_at(relay.address(), "alice", 0);
    alice.types("send_all settled");
    alice.shows("[Message received by Server.]");
    relay.cut(Direction::ToServer);
    relay.forget();
    alice.is_sent(Signal::TERM);
    // The client has sent its deregistration and retransmissions, and up to two earlier
    // acknowledgements. So it has handled the first signal, and does not merge the second with it.
    relay.sees_datagrams(Direction::ToServer, 4);
    alice.is_sent(Signal::TERM);
    assert_ne!(alice.ends(), 0, "the client exited normally");
    assert_eq!(
        alice.lines().last().map(String::as_str),
        Some("[Message received by Server.]")
    );
}

#[cfg(unix)]
#[test]
fn stops_the_server_on_a_signal() {
    use rustix::process::Signal;

    for signal in [Signal::TERM, Signal::INT] {
        let mut room = Room::open();
        room.server.is_sent(signal);
        assert_eq!(room.server.ends(), 0);
    }
}
