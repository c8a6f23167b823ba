//! Runs the examples of the adapters against the real program.

use std::process::Command;

use chatapp_e2e::{Home, Process, Room, example, received_by};

/// Starts an example as a client of a room.
fn start(name: &str, arguments: &[&str]) -> Process {
    let command = Command::new(example(name));
    Process::start_command(name, command, &Home::new(), arguments)
}

#[test]
fn chats_from_the_udp_example() {
    let room = Room::open();
    let mut alice = room.join("alice");
    let server = format!("127.0.0.1:{}", room.port);
    let mut bob = start("udp", &["bob", &server]);
    bob.shows("Registered");
    bob.types("alice hello from a plain socket");
    alice.shows("bob: hello from a plain socket");
    bob.shows("alice: Delivered");
    alice.types("send bob hello back");
    bob.shows("alice: hello back");
    alice.shows(&received_by("bob"));
    bob.closes_input();
    assert_eq!(bob.ends(), 0);
}

#[test]
fn chats_between_the_mio_examples() {
    let mut server = start("server", &["0"]);
    let line = server.shows_where("its address", |line| line.contains("listens"));
    let port = line.trim_end_matches('.').rsplit(':').next();
    let address = format!("127.0.0.1:{}", port.expect("a port"));
    let mut alice = start("client", &["alice", &address]);
    alice.shows("Registered");
    let mut bob = start("client", &["bob", &address]);
    bob.shows("Registered");
    bob.types("hello, room");
    alice.shows_where("the message", |line| {
        line.starts_with("Message") && line.contains("hello, room")
    });
    for client in [&mut alice, &mut bob] {
        client.closes_input();
        assert_eq!(client.ends(), 0);
    }
}
