//! Tests of all kinds of addresses.

use chatapp_e2e::{
    BYE, Direction, POSTED, Process, Relay, Room, TABLE, WELCOME, Weather, can_use_ipv6, free_port,
    received_by,
};

/// Offset of the kind of a datagram, and the kinds that open a session.
const KIND_AT: usize = 1;
const CLIENT_HELLO: u8 = 3;
const PEER_HELLO: u8 = 4;

fn joins(room: &Room, name: &str, host: &str) -> Process {
    let mut client = Process::start(&["-c", name, host, &room.port.to_string(), "0"]);
    client.shows(WELCOME);
    client.shows(TABLE);
    client
}

fn chat(mut alice: Process, mut bob: Process) {
    alice.shows(TABLE);
    alice.types("send bob over here");
    alice.shows(&received_by("bob"));
    bob.shows("alice: over here");
    bob.types("send_all and here");
    bob.shows("[Message received by Server.]");
    alice.shows("Channel_Message bob: and here");
}

#[test]
fn chats_over_ipv6_loopback() {
    if !can_use_ipv6() {
        return;
    }
    let room = Room::open();
    chat(joins(&room, "alice", "::1"), joins(&room, "bob", "::1"));
}

#[test]
fn accepts_a_host_name() {
    let room = Room::open();
    chat(
        joins(&room, "alice", "localhost"),
        joins(&room, "bob", "localhost"),
    );
}

#[test]
fn mixes_ipv4_and_ipv6_in_one_room() {
    if !can_use_ipv6() {
        return;
    }
    let room = Room::open();
    let mut alice = joins(&room, "alice", "::1");
    let mut bob = joins(&room, "bob", "127.0.0.1");
    alice.shows(TABLE);
    bob.types("send_all from IPv4");
    alice.shows("Channel_Message bob: from IPv4");
    alice.types("send_all from IPv6");
    bob.shows("Channel_Message alice: from IPv6");
}

#[test]
fn serves_on_one_bound_address() {
    if !can_use_ipv6() {
        return;
    }
    for (bind, host) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1")] {
        let room = Room::open_with(&["--bind", bind]);
        chat(joins(&room, "alice", host), joins(&room, "bob", host));
    }
}

#[test]
fn binds_a_client_to_an_address_and_port() {
    let room = Room::open();
    let (server, port) = (room.port.to_string(), free_port());
    let mut alice = Process::start(&[
        "-c",
        "alice",
        "127.0.0.1",
        &server,
        &port.to_string(),
        "--bind",
        "127.0.0.1",
    ]);
    alice.shows(TABLE);
    alice.types("table");
    alice.shows_where("the own row", |line| {
        line.contains(&format!("127.0.0.1:{port}"))
    });
}

/// A phone changes its address like this between two networks, without noticing it.
#[test]
fn keeps_the_session_when_an_address_changes() {
    let mut room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let port = free_port();
    let mut bob = Room::join_at(relay.address(), "bob", 0);
    let mut alice = Room::join_at(relay.address(), "alice", port);
    bob.shows(TABLE);
    alice.types("send bob on the way");
    alice.shows(&received_by("bob"));
    bob.types("send alice me too");
    bob.shows(&received_by("alice"));
    alice.types("send_all on the way");
    alice.shows(POSTED);
    bob.shows("Channel_Message alice: on the way");
    let row = |client: &mut Process| {
        client.types("table");
        client.shows_where("the row of alice", |line| line.starts_with("alice"))
    };
    let before = row(&mut bob);

    relay.moves(port);
    relay.forget();
    alice.types("send_all in the office");
    alice.shows(POSTED);
    bob.shows_all(&["Channel_Message alice: in the office", TABLE]);
    assert_ne!(row(&mut bob), before, "the table has the old address");
    bob.types("send alice there already?");
    alice.shows("bob: there already?");
    bob.shows(&received_by("alice"));
    alice.types("send bob in the office");
    bob.shows("alice: in the office");
    alice.shows(&received_by("bob"));
    bob.types("send_all alice is there");
    bob.shows(POSTED);
    alice.shows("Channel_Message bob: alice is there");

    for (direction, handshakes) in [
        (Direction::ToServer, CLIENT_HELLO),
        (Direction::BetweenClients, PEER_HELLO),
    ] {
        let seen = relay.seen(direction);
        assert!(!seen.is_empty());
        assert!(
            seen.iter().all(|seen| seen.bytes[KIND_AT] != handshakes),
            "{seen:?}"
        );
    }
    // The log before this point concerns arrivals.
    bob.types("dereg bob");
    bob.shows(BYE);
    room.server.logs("bob departed");
    let log = room.server.log();
    let about_alice: Vec<_> = log.iter().filter(|line| line.contains("alice")).collect();
    assert_eq!(about_alice.len(), 1, "{log:?}");
}
