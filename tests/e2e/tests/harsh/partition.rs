//! Two clients that reach the server, but not each other.

use chatapp_e2e::{Machine, Namespaces, Process, SAVED, received_by};

use crate::talk::{assert_showed_all, finds_the_direct_path, shows_line, types_lines};

const ALICE: u8 = 1;
const BOB: u8 = 2;

/// Number of lines: through the server they take seconds, but 3 s of delay for each would exceed
/// the time limit.
const LINES: usize = 200;

struct Rig {
    network: Namespaces,
    server: Process,
    alice: Process,
    bob: Process,
}

/// Creates a server and two clients on three networks.
fn rig() -> Option<Rig> {
    let network = Namespaces::with_machines(&[Machine::Kernel; 3])?;
    let (server, [alice, bob]) = network.room(["alice", "bob"], &[]);
    Some(Rig {
        network,
        server,
        alice,
        bob,
    })
}

impl Rig {
    /// Lets both clients send at once. The direct path is cut meanwhile, and messages then go
    /// through the server.
    fn talk_while_split(&mut self) {
        let Self {
            network,
            alice,
            bob,
            ..
        } = self;
        alice.types("send bob line 1");
        alice.shows(&received_by("bob"));
        network.cut_between(ALICE, BOB);
        for number in 2..=LINES {
            alice.types(&format!("send bob line {number}"));
        }
        types_lines(bob, "send alice", LINES);
        for (client, other) in [(&mut *alice, "bob"), (&mut *bob, "alice")] {
            shows_line(client, other, LINES);
            assert_showed_all(client, other, LINES);
            while client.count(SAVED) + client.count(&received_by(other)) < LINES {
                client.shows(SAVED);
            }
            // Retransmissions delayed the first lines after the cut once, and not each line.
            assert!(client.count(SAVED) >= LINES - 1, "{client}");
        }
    }
}

#[test]
fn chats_through_the_server_without_a_path() {
    let Some(mut rig) = rig() else { return };
    rig.talk_while_split();
}

#[test]
#[ignore = "takes 30 s"]
fn returns_to_the_direct_path() {
    let Some(mut rig) = rig() else { return };
    rig.talk_while_split();
    let Rig {
        network,
        server,
        alice,
        bob,
    } = &mut rig;
    network.join_again(ALICE, BOB);
    finds_the_direct_path(alice, "bob");
    finds_the_direct_path(bob, "alice");
    server.stands_still();
    for (client, other, command) in [
        (&mut *alice, "bob", "send bob"),
        (&mut *bob, "alice", "send alice"),
    ] {
        client.types(&format!("{command} line {}", LINES + 1));
        client.shows(&received_by(other));
    }
    shows_line(alice, "bob", LINES + 1);
    shows_line(bob, "alice", LINES + 1);
    assert_showed_all(alice, "bob", LINES + 1);
    assert_showed_all(bob, "alice", LINES + 1);
    server.goes_on();
}
