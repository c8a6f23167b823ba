//! A server or a peer that does not answer.

use std::net::SocketAddr;
use std::time::Duration;

use chatapp_e2e::{
    BYE, Direction, POSTED, Process, Relay, Room, SAVED, SILENT, Seen, TABLE, Weather, free_port,
    no_ack_from, received_by,
};
use serde_json::Value;

/// Checks for six datagrams, each about 500 ms after the one before it. A busy machine can only
/// delay them.
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

/// Returns the datagrams of the same length as the last one: an acknowledgement may precede them.
/// Each retransmission is encrypted anew, so their bytes differ.
fn like_the_last(mut seen: Vec<Seen>) -> Vec<Seen> {
    if let Some(last) = seen.last().map(|last| last.bytes.len()) {
        seen.retain(|seen| seen.bytes.len() == last);
    }
    let copies = (1..seen.len()).any(|at| seen[..at].iter().any(|one| one.bytes == seen[at].bytes));
    assert!(
        !copies,
        "a retransmission has the bytes of another: {seen:?}"
    );
    seen
}

/// Checks that stderr has the error for a client that never registered.
fn assert_no_server(client: &Process, address: SocketAddr) {
    assert_eq!(client.lines(), Vec::<String>::new());
    assert_eq!(
        client.log(),
        [format!("ChatApp: the server at {address} does not respond")]
    );
}

#[test]
fn registers_six_times_then_ends_with_exit_3() {
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
fn ends_with_exit_3_at_a_closed_port() {
    let room = Room::open();
    let address = room.address();
    drop(room);
    let mut alice = Room::start_client(address, "alice", 0);
    assert_eq!(alice.ends(), 3);
    assert_no_server(&alice, address);
}

#[test]
fn posts_six_times_and_stays_running() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let port = free_port();
    let mut bob = Room::join_at(relay.address(), "bob", 0);
    let mut alice = Room::join_at(relay.address(), "alice", port);
    alice.types("send_all settled");
    bob.shows("Channel_Message alice: settled");
    // Cut before alice has acknowledged the answer: the server then declares alice offline when
    // alice finds it silent. Bob learns of it during the handshake with alice.
    relay.cut_for(Direction::ToServer, port);
    alice.shows(POSTED);
    relay.cut_for(Direction::FromServer, port);
    relay.forget();
    alice.types("send_all hi");
    assert_eq!(alice.shows_next(), SILENT);
    // Direct chat continues.
    alice.types("send bob still here");
    assert_eq!(alice.shows_next(), received_by("bob"));
    bob.shows("alice: still here");
    let mut seen = relay.seen(Direction::ToServer);
    seen.retain(|seen| seen.from.port() == port);
    assert_six(&like_the_last(seen));
}

#[test]
fn sends_six_times_then_stores_the_message() {
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
    // The server has also declared the peer offline, because it could not deliver the message.
    alice.shows_all(&[SAVED, TABLE]);
}

#[test]
fn chats_directly_without_a_server() {
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
fn deregisters_six_times_then_ends_with_exit_3() {
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
fn reports_a_silent_server_to_reg_and_stays() {
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
fn ends_input_with_exit_3_at_a_silent_server() {
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

const STALE: &str =
    "[The server is silent. Direct messages still work; the table may be out of date.]";
const BACK: &str = "[The server is back.]";

fn object(line: &str) -> Value {
    serde_json::from_str(line).expect("each line is an object")
}

#[test]
fn reports_a_silent_server_and_its_return() {
    let mut room = Room::open();
    let mut alice = room.join("alice");
    let port = room.port.to_string();
    let mut bob = Process::start(&["-c", "bob", "127.0.0.1", &port, "0", "--json"]);
    bob.shows_where("the table", |line| object(line)["event"] == "table_updated");
    #[cfg(unix)]
    let carol = chatapp_e2e::Screen::join(room.address(), "carol", &[]);
    let is_old = |line: &str| line.starts_with("[This table is ") && line.contains(" old: ");

    room.server.is_killed();
    alice.shows(STALE);
    bob.shows_where("the silence", |line| {
        object(line)["event"] == "server_silent"
    });
    #[cfg(unix)]
    carol.shows("[The server is silent.");
    alice.types("table");
    alice.shows_where("its age", is_old);
    bob.types(r#"{"command":"table"}"#);
    bob.shows_where("its age", |line| object(line)["age_s"].is_u64());

    let _room = Room::open_at(room.port, &[]);
    alice.shows(BACK);
    bob.shows_where("the return", |line| object(line)["event"] == "server_back");
    #[cfg(unix)]
    carol.shows(BACK);
    alice.types("table");
    alice.types("send alice done");
    alice.shows("alice: done");
    bob.types(r#"{"command":"table"}"#);
    bob.shows_where("no age", |line| {
        let table = object(line);
        table["event"] == "table" && table["age_s"].is_null()
    });
    let ages = alice.lines().iter().filter(|line| is_old(line)).count();
    assert_eq!((ages, alice.count(STALE), alice.count(BACK)), (1, 1, 1));
}

#[test]
fn reports_a_silence_once_if_a_command_found_it() {
    let mut room = Room::open();
    let mut alice = room.join("alice");
    room.server.is_killed();
    alice.types("send_all hi");
    assert_eq!(alice.shows_next(), SILENT);
    alice.types("table");
    alice.shows_where("its age", |line| line.contains(" old: "));
    let _room = Room::open_at(room.port, &[]);
    alice.types("send_all hi");
    alice.shows(BACK);
    alice.shows(POSTED);
    assert_eq!(alice.count(STALE), 0, "{alice}");
}

#[test]
fn reconnects_clients_to_a_restarted_server() {
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
