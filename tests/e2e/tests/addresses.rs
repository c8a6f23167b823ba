//! Tests of machines with several addresses.

#[cfg(target_os = "linux")]
#[cfg(target_os = "linux")]
use std::net::IpAddr;

use chatapp_e2e::{Machine, Namespaces};
use chatapp_e2e::{POSTED, Process, Room, TABLE, WELCOME, can_use_ipv6, received_by};

#[cfg(target_os = "linux")]
const PORT: &str = "4119";

/// Number of messages in a burst: several datagrams, which the kernel gets at once.
const BURST: usize = 40;

fn joins(room: &Room, name: &str, host: &str) -> Process {
    let mut client = Process::start(&["-c", name, host, &room.port.to_string(), "0"]);
    client.shows(WELCOME);
    client.shows(TABLE);
    client
}

/// All addresses from 127.0.0.1 to 127.255.255.254 are addresses of this machine, on Linux.
#[cfg(target_os = "linux")]
#[test]
fn answers_from_the_loopback_address_asked() {
    let room = Room::open();
    let mut clients: Vec<Process> = ["127.0.0.2", "127.0.0.3", "127.9.8.7"]
        .iter()
        .zip(["alice", "bob", "carol"])
        .map(|(host, name)| joins(&room, name, host))
        .collect();
    if can_use_ipv6() {
        clients.push(joins(&room, "dave", "::1"));
    }
    let mut alice = clients.remove(0);
    let text = "x".repeat(700);
    let lines: Vec<String> = (0..BURST)
        .map(|number| format!("send_all {number} {text}"))
        .collect();
    for line in &lines {
        alice.types(line);
    }
    for _ in &lines {
        alice.shows(POSTED);
    }
    let last = format!("Channel_Message alice: {} {text}", BURST - 1);
    for client in &mut clients {
        client.shows(&last);
    }
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
}

/// A server with three addresses of each family on two networks, a client with as many: each
/// address of the one talks to each address of the other.
#[cfg(target_os = "linux")]
#[test]
fn answers_from_every_address_of_a_machine() {
    let Some(network) = Namespaces::with_machines(&[Machine::Kernel, Machine::Kernel]) else {
        return;
    };
    let servers = network.add_addresses(0);
    let clients = network.add_addresses(1);
    let mut pairs = Vec::new();
    for server in &servers {
        let alike = clients
            .iter()
            .filter(|client| client.is_ipv4() == server.is_ipv4());
        pairs.extend(alike.map(|client| (*server, Some(client.to_string()))));
        pairs.push((*server, None));
    }
    talk(&network, &[], &pairs);
    for (bind, is_ipv6) in [("0.0.0.0", false), ("::", true)] {
        pairs.retain(|(_, client)| client.is_none());
        let alike: Vec<_> = pairs
            .iter()
            .filter(|(server, _)| server.is_ipv6() == is_ipv6)
            .cloned()
            .collect();
        talk(&network, &["--bind", bind], &alike);
    }
}

/// Starts a server on machine 0 with these options; lets a client on machine 1 use it for each pair
/// of an address of the server and an address of the client.
#[cfg(target_os = "linux")]
fn talk(network: &Namespaces, options: &[&str], pairs: &[(IpAddr, Option<String>)]) {
    let mut server = network.start(0, &[&["-s", PORT, "--ephemeral"], options].concat());
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    let mut started: Vec<Process> = Vec::new();
    for (number, (server, client)) in pairs.iter().enumerate() {
        let (name, server) = (format!("c{number}"), server.to_string());
        let mut arguments = vec!["-c", &name, &server, PORT, "0", "--ephemeral"];
        arguments.extend(["--exec", "send_all hi"]);
        if let Some(client) = client {
            arguments.extend(["--bind", client]);
        }
        started.push(network.start(1, &arguments));
    }
    for (process, pair) in started.iter_mut().zip(pairs) {
        assert_eq!(process.ends(), 0, "{pair:?} {process}");
    }
}

/// The kernel would answer a peer from another address than the one at which the server sees the
/// client.
#[cfg(target_os = "linux")]
#[test]
fn answers_peers_from_the_address_they_asked() {
    let machines = [Machine::Kernel; 3];
    let Some(network) = Namespaces::with_machines(&machines) else {
        return;
    };
    network.add_addresses(1);
    let route = format!(
        "route add {} via {} src 10.78.1.2",
        network.address_of(2),
        network.gateway_of(1)
    );
    network.ip(1, &route);
    let (_server, [mut alice, mut bob]) = network.room(["alice", "bob"], &["--ephemeral"]);
    bob.types("table");
    bob.shows_where("the address of alice", |line| line.contains("10.77.1.2:"));
    bob.types("send alice are you there?");
    alice.shows("bob: are you there?");
    bob.shows(&received_by("alice"));
    alice.types("send bob here");
    bob.shows("alice: here");
}

/// A machine's own file of host names. It can be changed while a process uses it.
#[cfg(target_os = "linux")]
struct Hosts(tempfile::NamedTempFile);

#[cfg(target_os = "linux")]
impl Hosts {
    fn new(addresses: &[&str]) -> Self {
        let hosts = Self(tempfile::NamedTempFile::new().unwrap());
        hosts.lead_to(addresses);
        hosts
    }

    /// From now on, the name `room` has these addresses.
    fn lead_to(&self, addresses: &[&str]) {
        let lines: Vec<_> = addresses.iter().map(|it| format!("{it} room\n")).collect();
        std::fs::write(self.0.path(), lines.concat()).unwrap();
    }

    /// Starts `ChatApp` on a machine that has this file.
    fn start(&self, network: &Namespaces, machine: u8, arguments: &[&str]) -> Process {
        let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        let path = self.0.path().to_str().unwrap();
        network.start_by(machine, &["sh", "-c", script, path], arguments)
    }
}

#[cfg(target_os = "linux")]
fn serves(network: &Namespaces, machine: u8) -> Process {
    let mut server = network.start(machine, &["-s", PORT, "--ephemeral"]);
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    server
}

#[cfg(target_os = "linux")]
#[test]
fn tries_every_address_of_a_host() {
    let Some(network) = Namespaces::with_machines(&[Machine::Kernel, Machine::Kernel]) else {
        return;
    };
    network.add_addresses(0);
    network.add_addresses(1);
    let dead = ["10.77.0.99", "fd00:4d::99", "10.99.0.1", "fd00:63::1"];
    let hosts = Hosts::new(&dead);
    let client = |name| {
        [
            "-c",
            name,
            "room",
            PORT,
            "0",
            "--ephemeral",
            "--exec",
            "send_all hi",
        ]
    };
    let mut lost = hosts.start(&network, 1, &client("alice"));
    assert_eq!(lost.ends(), 3, "{lost}");
    let log = lost.log().join("\n");
    for address in dead {
        assert!(log.contains(address), "{address} is named: {lost}");
    }

    let _server = serves(&network, 0);
    for (name, alive, at) in [
        ("bob", "10.77.0.2", 0),
        ("carol", "10.77.0.2", 4),
        ("dave", "fd00:4d::2", 2),
        ("erin", "fd00:4d::2", 4),
    ] {
        let mut addresses = dead.to_vec();
        addresses.insert(at, alive);
        hosts.lead_to(&addresses);
        let mut found = hosts.start(&network, 1, &client(name));
        assert_eq!(found.ends(), 0, "{addresses:?} {found}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn follows_a_host_name_to_another_address() {
    let Some(network) = Namespaces::with_machines(&[Machine::Kernel, Machine::Kernel]) else {
        return;
    };
    network.add_addresses(0);
    let _server = serves(&network, 0);
    let hosts = Hosts::new(&["10.77.0.2"]);
    let client = |name| ["-c", name, "room", PORT, "0", "--ephemeral"];
    let mut alice = hosts.start(&network, 1, &client("alice"));
    alice.shows(WELCOME);
    alice.shows(TABLE);
    network.ip(0, "address del 10.77.0.2/24 dev net0");
    network.ip(0, "address add 10.77.0.3/24 dev net0");
    network.ip(0, "route replace default via 10.77.0.1");
    hosts.lead_to(&["10.77.0.3"]);
    let mut bob = hosts.start(&network, 1, &client("bob"));
    bob.shows(WELCOME);
    // Alice's client notices the silence by this, and by its keep-alive otherwise.
    alice.types("send_all where is the room?");
    alice.shows(TABLE);
    bob.types("send_all here");
    alice.shows("Channel_Message bob: here");
    bob.types("send alice hi");
    alice.shows("bob: hi");
}

/// Both machines have two links between them, with the same addresses on each: only the interface
/// tells them apart.
#[cfg(target_os = "linux")]
#[test]
fn chats_over_link_local_addresses() {
    let Some(network) = Namespaces::with_machines(&[Machine::Kernel, Machine::Kernel]) else {
        return;
    };
    network.link(0, 1, "net5");
    network.link(0, 1, "net6");
    for device in ["net5", "net6"] {
        for (machine, ip) in [(0, "fe80::a"), (1, "fe80::b"), (1, "fe80::c")] {
            network.ip(machine, &format!("address add {ip}/64 dev {device} nodad"));
        }
    }
    for options in [&[] as &[&str], &["--bind", "[fe80::a%net6]"]] {
        let mut server = network.start(0, &[&["-s", PORT, "--ephemeral"], options].concat());
        server.shows_where("its start", |line| line.starts_with("The server starts!"));
        let client = |name, host, bind: &[&str]| {
            let arguments = ["-c", name, host, PORT, "0", "--ephemeral"];
            let mut client = network.start(1, &[&arguments[..], bind].concat());
            client.shows(WELCOME);
            client.shows(TABLE);
            client
        };
        let mut alice = client("alice", "fe80::a%net6", &[]);
        let mut bob = client("bob", "[fe80::a%net6]", &["--bind", "fe80::c%net6"]);
        if options.is_empty() {
            let mut carol = client("carol", "fe80::a%net5", &[]);
            carol.types("send_all over the other link");
            carol.shows(POSTED);
            bob.shows("Channel_Message carol: over the other link");
        }
        bob.types("send alice directly");
        alice.shows("bob: directly");
        bob.shows(&received_by("alice"));
        alice.types("send bob and back");
        bob.shows("alice: and back");
        alice.shows(&received_by("bob"));
    }
}

/// A line says why an address cannot work.
#[test]
fn names_the_missing_part_of_a_link_local_address() {
    let lacks = "a link-local address needs its interface, such as fe80::1%eth0";
    let unknown = "this machine has no interface \"nowhere0\"";
    for (host, bind, reason) in [
        ("fe80::1", None, lacks),
        ("[fe80::1]", None, lacks),
        ("fe80::1%nowhere0", None, unknown),
        ("::1", Some("fe80::1"), lacks),
        ("::1", Some("[fe80::1%nowhere0]"), unknown),
    ] {
        let mut arguments = vec!["-c", "alice", host, "4119", "0", "--ephemeral"];
        arguments.extend(bind.iter().flat_map(|bind| ["--bind", bind]));
        let mut client = Process::start(&arguments);
        assert_eq!(client.ends(), 2, "{client}");
        let log = client.log().join("\n");
        assert!(log.contains(reason), "{arguments:?}: {log}");
    }
}

#[test]
fn accepts_brackets_around_an_address() {
    if !can_use_ipv6() {
        return;
    }
    let room = Room::open_with(&["--bind", "[::1]"]);
    let port = room.port.to_string();
    let client = ["-c", "alice", "[::1]", &port, "0", "--bind", "[::1]"];
    let mut alice = Process::start(&client);
    alice.shows(WELCOME);
    alice.shows(TABLE);
}

/// A server on all addresses shows the address that means all of them.
#[cfg(target_os = "linux")]
#[test]
fn reaches_a_server_by_every_spelling() {
    let room = Room::open();
    let mut hosts = vec!["::ffff:127.0.0.1", "0.0.0.0", "127.1", "LOCALHOST"];
    if can_use_ipv6() {
        hosts.extend(["::", "[::]", "0:0:0:0:0:0:0:1"]);
    }
    for (host, number) in hosts.iter().zip(0..) {
        let mut client = joins(&room, &format!("c{number}"), host);
        client.types("send_all hi");
        client.shows(POSTED);
    }
}
