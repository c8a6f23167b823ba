//! Addresses of every kind.

use chatapp_tests::e2e::{Process, Room, TABLE, WELCOME, can_use_ipv6, free_port, received_by};

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
fn ipv6_loopback() {
    if !can_use_ipv6() {
        return;
    }
    let room = Room::open();
    chat(joins(&room, "alice", "::1"), joins(&room, "bob", "::1"));
}

#[test]
fn a_host_name() {
    let room = Room::open();
    chat(
        joins(&room, "alice", "localhost"),
        joins(&room, "bob", "localhost"),
    );
}

#[test]
fn a_room_with_both_kinds_of_addresses() {
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
fn a_server_bound_to_one_address() {
    if !can_use_ipv6() {
        return;
    }
    for (bind, host) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1")] {
        let room = Room::open_with(&["--bind", bind]);
        chat(joins(&room, "alice", host), joins(&room, "bob", host));
    }
}

#[test]
fn a_client_at_a_port_and_address_of_its_choice() {
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
    alice.shows_where("her own row", |line| {
        line.contains(&format!("127.0.0.1:{port}"))
    });
}
