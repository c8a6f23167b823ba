//! Rooms that are found on the local network.
#![cfg(target_os = "linux")]

use chatapp_e2e::{Machine, Namespaces, Process, TABLE, WELCOME, received_by};

const PORT: &str = "4119";
const OTHER_PORT: &str = "4120";

/// Searches before both rooms are announced. A search takes some seconds.
const SEARCHES_MAX: usize = 10;

/// Two machines on one link.
fn linked() -> Option<Namespaces> {
    let network = Namespaces::with_machines(&[Machine::Kernel, Machine::Kernel])?;
    network.link(0, 1, "net5");
    for (machine, ip) in [(0, "10.99.0.1/24"), (1, "10.99.0.2/24")] {
        network.ip(machine, &format!("address add {ip} dev net5"));
    }
    Some(network)
}

fn serves(network: &Namespaces, port: &str, options: &[&str]) -> Process {
    let mut server = network.start(0, &[&["-s", port, "--ephemeral"], options].concat());
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    server
}

#[test]
fn enters_the_room_of_the_local_network() {
    let Some(network) = linked() else { return };
    let mut server = serves(&network, PORT, &["--lan"]);
    let enters = |name| {
        let mut client = network.start(1, &["-c", name, "lan", "0", "--ephemeral", "--wait"]);
        client.shows(WELCOME);
        client.shows(TABLE);
        // On a busy machine, the answer with its IPv4 address may come too late.
        let found = client.logs("there is a room at ");
        assert!(found.ends_with(" 4119"), "{found}");
        client
    };
    let (mut alice, mut bob) = (enters("alice"), enters("bob"));
    alice.types("send bob found you");
    bob.shows("alice: found you");
    alice.shows(&received_by("bob"));
    drop((alice, bob));

    server.is_sent(rustix::process::Signal::TERM);
    assert_eq!(server.ends(), 0, "{server}");
    let mut late = network.start(1, &["-c", "carol", "lan", "--ephemeral"]);
    assert_eq!(late.ends(), 3, "{late}");
    late.logs("no room was found on this network");
}

/// A link on which nobody has assigned addresses: the kernel's own is the only one.
#[test]
fn enters_a_room_by_its_link_local_address() {
    let Some(network) = Namespaces::with_machines(&[Machine::Kernel, Machine::Kernel]) else {
        return;
    };
    network.link(0, 1, "net5");
    let _server = serves(&network, PORT, &["--lan"]);
    let mut alice = network.start(1, &["-c", "alice", "lan", "--ephemeral", "--wait"]);
    alice.shows(WELCOME);
    let found = alice.logs("there is a room at fe80::");
    assert!(found.ends_with("%net5 4119"), "{found}");
}

/// The user decides which room, and reads how.
#[test]
fn lists_several_rooms() {
    let Some(network) = linked() else { return };
    let _servers = [PORT, OTHER_PORT].map(|port| serves(&network, port, &["--lan"]));
    for _ in 0..SEARCHES_MAX {
        let arguments = ["-c", "alice", "lan", "--ephemeral", "--exec", "table"];
        let mut client = network.start(1, &arguments);
        let code = client.ends();
        let log = client.log().join("\n");
        if log.contains("several rooms") {
            assert_eq!(code, 3, "{client}");
            for port in [PORT, OTHER_PORT] {
                let end = format!(" {port} 0");
                let is_command =
                    |line: &String| line.starts_with("  ChatApp -c alice ") && line.ends_with(&end);
                assert!(client.log().iter().any(is_command), "{client}");
            }
            return;
        }
    }
    panic!("both rooms were never found");
}

/// A room that is not announced is not found, and a closed one cannot be announced.
#[test]
fn announces_no_room_unasked() {
    let Some(network) = linked() else { return };
    let _server = serves(&network, PORT, &[]);
    let mut client = network.start(1, &["-c", "alice", "lan", "--ephemeral"]);
    assert_eq!(client.ends(), 3, "{client}");
    for closed in [["--room-key", "key"], ["--allow-file", "list"]] {
        let arguments = ["-s", OTHER_PORT, "--ephemeral", "--lan"];
        let mut server = network.start(0, &[&arguments[..], &closed].concat());
        assert_eq!(server.ends(), 2, "{server}");
        server.logs("cannot be used with");
    }
}
