//! A server, or a peer, that does not answer.

use std::net::SocketAddr;
use std::time::Duration;

use chatapp_e2e::{
    BYE, Direction, POSTED, Process, Relay, Room, SAVED, SILENT, Seen, TABLE, Weather, free_port,
    no_ack_from, received_by,
};

/// Six datagrams, each about 500 ms after the one before it. A busy machine can only make it later.
fn assert_six(seen: &[Seen]) {
    assert_eq!(seen.len(), 6, "first send and 5 retries: {seen:?}");
    for pair in seen.windows(2) {
        let pause = pair[1].at - pair[0].at;
        assert!(
            pause >= Duration::from_millis(400),
            "{pause:?} between two sendings"
        );
    }
}

/// Of what was seen, the datagrams as long as the last one: an acknowledgement of what went before
/// may have been on its way. Encrypted, a retransmission is never the same.
fn like_the_last(mut seen: Vec<Seen>) -> Vec<Seen> {
    if let Some(last) = seen.last().map(|last| last.bytes.len()) {
        seen.retain(|seen| seen.bytes.len() == last);
    }
    let copies = (1..seen.len()).any(|at| seen[..at].iter().any(|one| one.bytes == seen[at].bytes));
    assert!(!copies, "each is sealed anew: {seen:?}");
    seen
}

/// Checks that an error before a client runs is on stderr.
fn assert_no_server(client: &Process, address: SocketAddr) {
    assert_eq!(client.lines(), Vec::<String>::new());
    assert_eq!(
        client.log(),
        [format!("ChatApp: the server at {address} does not respond")]
    );
}

#[test]
fn registration_at_a_silent_server_takes_six_datagrams_and_exit_3() {
    let nothing = Relay::before_nothing();
    let mut alice = Room::start_client(nothing.address(), "alice", 0);
    assert_eq!(alice.ends(), 3);
    assert_no_server(&alice, nothing.address());
    let seen = nothing.seen(Direction::ToServer);
    assert_six(&seen);
    assert!(
        seen.iter().all(|one| one.bytes == seen[0].bytes),
        "all six are the same"
    );
}

#[test]
fn registration_where_nothing_listens_ends_with_exit_3_too() {
    let room = Room::open();
    let address = room.address();
    drop(room);
    let mut alice = Room::start_client(address, "alice", 0);
    assert_eq!(alice.ends(), 3);
    assert_no_server(&alice, address);
}

#[test]
fn send_all_to_a_silent_server_takes_six_datagrams_and_the_client_stays() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let port = free_port();
    let mut bob = Room::join_at(relay.address(), "bob", 0);
    let mut alice = Room::join_at(relay.address(), "alice", port);
    alice.types("send_all settled");
    bob.shows("Channel_Message alice: settled");
    // Before alice has acknowledged its answer: the server takes alice for gone when alice finds it
    // silent, and bob hears of it during the handshake with alice.
    relay.cut_for(Direction::ToServer, port);
    alice.shows(POSTED);
    relay.cut_for(Direction::FromServer, port);
    relay.forget();
    alice.types("send_all hi");
    assert_eq!(alice.shows_next(), SILENT);
    // Direct chat goes on.
    alice.types("send bob still here");
    assert_eq!(alice.shows_next(), received_by("bob"));
    bob.shows("alice: still here");
    let mut seen = relay.seen(Direction::ToServer);
    seen.retain(|seen| seen.from.port() == port);
    assert_six(&like_the_last(seen));
}

#[test]
fn a_silent_peer_gets_six_datagrams_and_the_server_keeps_the_message() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let [mut alice, mut bob] = Room::join_all_at(relay.address(), ["alice", "bob"]);
    alice.types("send bob settled");
    alice.shows(&received_by("bob"));
    bob.shows("alice: settled");
    bob.is_killed();
    relay.forget();
    alice.types("send bob are you there");
    assert_eq!(alice.shows_next(), no_ack_from("bob"));
    assert_six(&relay.seen(Direction::BetweenClients));
    // The server noticed as well, when it tried to hand the message over.
    alice.shows_all(&[SAVED, TABLE]);
}

#[test]
fn with_the_server_killed_direct_chat_goes_on_and_the_rest_says_so() {
    let mut room = Room::open();
    let [mut alice, mut bob, mut carol] = room.join_all(["alice", "bob", "carol"]);
    room.server.is_killed();
    for round in 0..3 {
        alice.types(&format!("send bob {round}"));
        assert_eq!(alice.shows_next(), received_by("bob"));
        assert_eq!(bob.shows_next(), format!("alice: {round}"));
    }
    carol.is_killed();
    alice.types("send carol hi");
    bob.types("send_all hi");
    assert_eq!(bob.shows_next(), SILENT);
    assert_eq!(alice.shows_next(), no_ack_from("carol"));
    assert_eq!(alice.shows_next(), SILENT);
    assert_eq!(alice.shows_next(), "[Message to carol was not delivered.]");
    bob.types("send alice still here");
    assert_eq!(bob.shows_next(), received_by("alice"));
    alice.types("dereg alice");
    bob.types("dereg bob");
    leaves_in_vain(&mut alice);
    leaves_in_vain(&mut bob);
}

fn leaves_in_vain(client: &mut Process) {
    client.shows(SILENT);
    assert_eq!(client.shows_next(), "[Exiting]");
    assert_eq!(client.ends(), 3);
}

#[test]
fn dereg_at_a_silent_server_takes_six_datagrams_and_exit_3() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let mut alice = Room::join_at(relay.address(), "alice", 0);
    alice.types("send_all settled");
    alice.shows(POSTED);
    relay.cut(Direction::ToServer);
    relay.cut(Direction::FromServer);
    relay.forget();
    alice.types("dereg alice");
    leaves_in_vain(&mut alice);
    assert_six(&like_the_last(relay.seen(Direction::ToServer)));
}

#[test]
fn reg_at_a_silent_server_says_so_and_the_client_stays() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let mut alice = Room::join_at(relay.address(), "alice", 0);
    alice.types("dereg alice");
    assert_eq!(alice.shows_next(), BYE);
    relay.cut(Direction::ToServer);
    alice.types("reg alice");
    assert_eq!(alice.shows_next(), SILENT);
    relay.mend();
    alice.types("reg alice");
    alice.shows(TABLE);
    alice.types("send alice hi");
    alice.shows("alice: hi");
}

#[test]
fn the_end_of_input_at_a_silent_server_ends_with_exit_3() {
    let mut room = Room::open();
    let mut alice = room.join("alice");
    room.server.is_killed();
    alice.closes_input();
    assert_eq!(alice.ends(), 3);
    assert_eq!(
        alice.lines().iter().filter(|line| *line == SILENT).count(),
        1
    );
}

#[test]
fn a_server_that_starts_anew_gets_its_clients_back() {
    let mut room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    room.server.is_killed();
    let mut room = Room::open_at(room.port, &[]);
    for client in [&mut alice, &mut bob] {
        client.types("send_all back again");
        client.shows(POSTED);
    }
    room.server.logs("alice");
    room.server.logs("bob");
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    bob.shows("alice: hi");
}
