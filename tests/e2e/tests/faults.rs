//! Fault injection and captures: on sockets, and on TAP devices (which need root and `ip`).

use std::collections::HashMap;
use std::path::Path;

use chatapp_e2e::{Home, Process, Room, free_port, received_by};
use chatapp_simulator::pcap::{Recorded, read_pcap};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Messages of each of two clients: every fifth to the channel, the others to the peer.
const MESSAGES: usize = 75;

/// Starts clients until one is registered: with injected faults, the first may fail.
fn join(start: impl Fn() -> Process) -> Process {
    loop {
        let mut client = start();
        let line = client.shows_where("how it began", |line| {
            line.contains("\"table_updated\"") || line.contains("\"end\"")
        });
        if line.contains("\"table_updated\"") {
            return client;
        }
    }
}

/// Lets two clients send at once. Each message that is reported delivered or stored is shown, and
/// none is shown twice.
fn talk(mut alice: Process, mut bob: Process) {
    for (client, name, other) in [(&mut alice, "alice", "bob"), (&mut bob, "bob", "alice")] {
        for number in 0..MESSAGES {
            let text = format!("{name} {number}");
            let order = if number % 5 == 4 {
                json!({"command": "send_all", "text": text, "tag": text})
            } else {
                json!({"command": "send", "to": other, "text": text, "tag": text})
            };
            client.types(&order.to_string());
        }
    }
    for client in [&mut alice, &mut bob] {
        reads_until(client, |client| settled(client).len() == MESSAGES);
    }
    shows_what_is_promised(&alice, &mut bob);
    shows_what_is_promised(&bob, &mut alice);
    for client in [&mut alice, &mut bob] {
        // A duplicate would arrive before the end.
        client.types("quit");
        client.ends();
        let shown = shown(client);
        assert!(shown.values().all(|count| *count == 1), "{shown:?}");
    }
}

fn shows_what_is_promised(sender: &Process, reader: &mut Process) {
    let settled = settled(sender);
    let is_good = |status: &str| matches!(status, "delivered" | "saved" | "posted");
    let good = settled.iter().filter(|(_, status)| is_good(status));
    let promised: Vec<&String> = good.map(|(text, _)| text).collect();
    // Nearly all messages succeed, or the network has more faults than requested.
    assert!(promised.len() > MESSAGES * 9 / 10, "{settled:?}");
    reads_until(reader, |reader| {
        let shown = shown(reader);
        promised.iter().all(|text| shown.contains_key(*text))
    });
}

fn reads_until(client: &mut Process, fits: impl Fn(&Process) -> bool) {
    while !fits(client) {
        client.shows_next();
    }
}

fn events(client: &Process) -> Vec<Value> {
    let object = |line: &String| serde_json::from_str(line).expect("an object a line");
    client.lines().iter().map(object).collect()
}

/// Returns the final status of each text that this client sent.
fn settled(client: &Process) -> HashMap<String, String> {
    let (mut texts, mut settled) = (HashMap::new(), HashMap::new());
    for event in events(client) {
        let id = event["id"].as_u64();
        if let ("taken", Some(text)) = (word(&event, "event"), event["tag"].as_str()) {
            texts.insert(id, text.to_owned());
        }
        if let (Some(text), Some(true)) = (texts.get(&id), event["final"].as_bool()) {
            let before = settled.insert(text.clone(), word(&event, "status").to_owned());
            assert_eq!(before, None, "one final status for {text}");
        }
    }
    settled
}

/// Returns how often this client showed each text.
fn shown(client: &Process) -> HashMap<String, usize> {
    let mut shown = HashMap::new();
    for event in events(client) {
        if word(&event, "event") == "message" {
            *shown.entry(word(&event, "text").to_owned()).or_default() += 1;
        }
    }
    shown
}

fn word<'a>(event: &'a Value, key: &str) -> &'a str {
    event[key].as_str().unwrap_or_default()
}

/// Runs a room on this machine in which all processes have these options.
fn talk_on_sockets(options: &[&str]) {
    let room = Room::open_with(options);
    let port = room.port.to_string();
    let start = |name| {
        let arguments = ["-c", name, "127.0.0.1", &port, "0", "--json"];
        let home = Home::of(name);
        join(|| Process::start_at(&home, &[&arguments, options].concat()))
    };
    talk(start("alice"), start("bob"));
}

#[test]
fn delivers_at_thirty_percent_loss() {
    talk_on_sockets(&["--drop", "30"]);
}

#[test]
fn delivers_with_all_faults_at_once() {
    talk_on_sockets(&[
        "--drop",
        "5",
        "--duplicate",
        "20",
        "--corrupt",
        "5",
        "--delay",
        "50",
    ]);
}

/// Lets Alice and Bob send each other a message, and leave.
fn meet(mut server: Process, mut alice: Process, mut bob: Process) {
    for (client, name) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        client.types(&format!("send {name} hello"));
        client.shows(&received_by(name));
    }
    for client in [&mut alice, &mut bob] {
        client.types("quit");
        assert_eq!(client.ends(), 0);
    }
    server.types("quit");
    assert_eq!(server.ends(), 0);
}

/// Checks three captures of one room: each datagram is in the sender's and the receiver's, with the
/// same addresses.
fn assert_agree(folder: &Path) {
    let captures = ["server", "alice", "bob"].map(|name| read_pcap(&folder.join(name)));
    let sent_by_all = |from| {
        captures
            .iter()
            .flatten()
            .filter(move |d: &&Recorded| d.from == from)
    };
    for (number, capture) in captures.iter().enumerate() {
        assert!(capture.len() > 10, "{capture:?}");
        let own = match number {
            0 => capture[0].to,
            _ => capture[0].from,
        };
        for datagram in capture {
            assert!(
                datagram.from == own || datagram.to == own,
                "{own} in {datagram:?}"
            );
            let times = sent_by_all(datagram.from)
                .filter(|other| *other == datagram)
                .count();
            assert!(times.is_multiple_of(2), "once on each side: {datagram:?}");
        }
    }
}

#[test]
fn captures_the_same_datagrams_on_both_sides() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let room = Room::open_with(&["--pcap", &at("server")]);
    let start = |name: &str, host| {
        let (server, port) = (room.port.to_string(), free_port().to_string());
        let mut client = Process::start(&["-c", name, host, &server, &port, "--pcap", &at(name)]);
        client.shows("[Client table updated.]");
        client
    };
    let mut alice = start("alice", "127.0.0.1");
    let bob = start("bob", "127.0.0.1");
    alice.shows("[Client table updated.]");
    meet(room.server, alice, bob);
    assert_agree(folder.path());
}

#[test]
fn reports_an_unwritable_capture() {
    let mut server = Process::start(&[
        "-s",
        &free_port().to_string(),
        "--pcap",
        "/nowhere/room.pcap",
    ]);
    assert_eq!(server.ends(), 2);
    server.logs("cannot write the capture /nowhere/room.pcap: No such file");
}

#[cfg(target_os = "linux")]
mod on_tap_devices {
    use chatapp_e2e::{Machine, Namespaces};

    use super::*;

    #[test]
    fn delivers_at_thirty_percent_loss() {
        let Some(network) = Namespaces::with_machines(&[Machine::Tap; 3]) else {
            return;
        };
        let mut server = network.start(0, &["-s", "4119", "--drop", "30"]);
        server.shows_where("its start", |line| line.starts_with("The server starts!"));
        let address = network.address_of(0).to_string();
        let start = |machine, name| {
            let arguments = ["-c", name, &address, "4119", "0", "--json", "--drop", "30"];
            join(|| network.start(machine, &arguments))
        };
        talk(start(1, "alice"), start(2, "bob"));
    }

    #[test]
    fn captures_the_same_datagrams_on_tap_devices() {
        let Some(network) = Namespaces::with_machines(&[Machine::Tap; 3]) else {
            return;
        };
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let mut server = network.start(0, &["-s", "4119", "--pcap", &at("server")]);
        server.shows_where("its start", |line| line.starts_with("The server starts!"));
        let address = network.address_of(0).to_string();
        let start = |machine, name: &str| {
            let arguments = ["-c", name, &address, "4119", "0", "--pcap", &at(name)];
            let mut client = network.start(machine, &arguments);
            client.shows("[Client table updated.]");
            client
        };
        let mut alice = start(1, "alice");
        let bob = start(2, "bob");
        alice.shows("[Client table updated.]");
        meet(server, alice, bob);
        assert_agree(folder.path());
    }
}
