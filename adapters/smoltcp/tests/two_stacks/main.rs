//! Tests of whole machines over stacks in one process: a hub connects them, and the clock is a
//! number.

mod hub;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use chatapp_core::{
    Client, ClientConfig, ClientMemory, Command, EventLoop, Identity, Instant, Name, Seed, Server,
    ServerConfig, ServerMemory, StaticKey,
};
use chatapp_smoltcp::smoltcp::iface::SocketStorage;
use chatapp_smoltcp::smoltcp::phy::Medium;
use chatapp_smoltcp::smoltcp::socket::udp;
use chatapp_smoltcp::smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};
use chatapp_smoltcp::{PendingSlot, Stack, StackConfig, StackError, StackStorage};
use hub::{Hub, Port};

const PORT: u16 = 5_000;

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

// ---- machines ----

enum Machine {
    Server(Box<Server<'static>>),
    Client(Box<Client<'static>>),
}

struct Node {
    machine: Machine,
    stack: Stack<'static>,
    port: Port,
    event_loop: EventLoop,
    next_deadline: Option<Instant>,
    shown: Vec<String>,
}

struct Room {
    hub: Rc<RefCell<Hub>>,
    nodes: Vec<Node>,
    now: Instant,
    ipv6: bool,
    medium: Medium,
}

fn storage(pending: usize) -> StackStorage<'static> {
    StackStorage {
        sockets: vec![SocketStorage::EMPTY].leak(),
        packets: [
            leak(udp::PacketMetadata::EMPTY, 1),
            leak(udp::PacketMetadata::EMPTY, 1),
        ],
        received: leak(0, 1_500),
        sent: leak(0, 1_200),
        pending: leak(PendingSlot::VACANT, pending),
    }
}

impl Room {
    fn new(medium: Medium, ipv6: bool) -> Self {
        let mut room = Self {
            hub: Rc::default(),
            nodes: Vec::new(),
            now: Instant::ZERO,
            ipv6,
            medium,
        };
        let memory = Box::leak(Box::new(ServerMemory::<8, 8, 256, 8_192, 16>::new()));
        let server = Server::new(
            ServerConfig::default(),
            memory.storage(),
            Identity::new(StaticKey::new([1; 32]), None),
            Seed::new(&mut [1; 32]),
        )
        .unwrap();
        room.add(Machine::Server(Box::new(server)));
        room
    }

    fn ip(&self, number: usize) -> IpAddr {
        let last = u8::try_from(number + 1).unwrap();
        if self.ipv6 {
            format!("fd00::{last}").parse().unwrap()
        } else {
            Ipv4Addr::new(192, 168, 7, last).into()
        }
    }

    fn add(&mut self, machine: Machine) -> usize {
        let number = self.nodes.len();
        self.hub.borrow_mut().ports.push(VecDeque::new());
        let mut port = Port {
            hub: Rc::clone(&self.hub),
            number,
            medium: self.medium,
            room: None,
        };
        let last = u8::try_from(number + 1).unwrap();
        let hardware_address = match self.medium {
            Medium::Ethernet => HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, last])),
            _ => HardwareAddress::Ip,
        };
        let prefix = if self.ipv6 { 64 } else { 24 };
        let config = StackConfig {
            hardware_address,
            addresses: &[IpCidr::new(self.ip(number).into(), prefix)],
            gateways: &[],
            port: PORT,
            seed: number as u64,
        };
        let stack = Stack::new(&config, &mut port, storage(4), self.now).unwrap();
        self.nodes.push(Node {
            machine,
            stack,
            port,
            event_loop: EventLoop::new(),
            next_deadline: Some(self.now),
            shown: Vec::new(),
        });
        number
    }

    /// Adds a client and registers it.
    fn join(&mut self, name: &str) -> usize {
        let memory = Box::leak(Box::new(ClientMemory::<9, 64, 8, 8>::new()));
        let server = SocketAddr::new(self.ip(0), PORT);
        let config = ClientConfig::new(Name::new(name).unwrap(), server);
        let mut seed = [0; 32];
        seed[..name.len()].copy_from_slice(name.as_bytes());
        let mut client = Client::new(
            config,
            memory.storage(),
            Identity::new(StaticKey::new(seed), None),
            Seed::new(&mut seed),
        )
        .unwrap();
        client
            .command(self.now, Command::Register { name })
            .unwrap();
        self.add(Machine::Client(Box::new(client)))
    }

    fn asks(&mut self, node: usize, command: Command<'_>) {
        let now = self.now;
        let node = &mut self.nodes[node];
        if let Machine::Client(client) = &mut node.machine {
            client.command(now, command).unwrap();
        }
        node.next_deadline = Some(now);
    }

    /// Polls one node.
    fn poll(&mut self, number: usize) {
        let now = self.now;
        let Node {
            machine,
            stack,
            port,
            event_loop,
            next_deadline,
            shown,
        } = &mut self.nodes[number];
        let mut network = stack.on(port);
        match machine {
            Machine::Server(server) => {
                event_loop.poll(server.as_mut(), &mut network, now, |server, now| {
                    while let Some(persist) = server.poll_persist() {
                        let ticket = persist.ticket;
                        server.handle_stored(now, ticket, Ok(()));
                    }
                    while server.poll_event().is_some() {}
                });
                *next_deadline = event_loop.next_deadline(server.as_ref(), &network);
            }
            Machine::Client(client) => {
                event_loop.poll(client.as_mut(), &mut network, now, |client, now| {
                    while let Some(event) = client.poll_event() {
                        shown.push(format!("{event:?}"));
                        let receipt = event.receipt();
                        receipt
                            .into_iter()
                            .for_each(|it| client.handle_shown(now, it));
                    }
                });
                *next_deadline = event_loop.next_deadline(client.as_ref(), &network);
            }
        }
    }

    /// Advances the time, and polls all nodes that are due.
    fn pass(&mut self, millis: u64) {
        let end = self.now.plus_millis(millis);
        for _ in 0..1_000_000 {
            let waiting = |number: &usize| {
                let has_frames = !self.hub.borrow().ports[*number].is_empty();
                let blocked = self.nodes[*number].port.room == Some(0);
                (has_frames && !blocked)
                    || self.nodes[*number]
                        .next_deadline
                        .is_some_and(|at| at <= self.now)
            };
            let next = (0..self.nodes.len()).find(waiting);
            if let Some(number) = next {
                self.poll(number);
                // A full device has room again a moment later.
                if let Some(room) = &mut self.nodes[number].port.room
                    && *room == 0
                {
                    *room = 1;
                }
                continue;
            }
            let due = self
                .nodes
                .iter()
                .filter_map(|node| node.next_deadline)
                .min();
            match due {
                Some(due) if due <= end => self.now = due,
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the room did not become idle");
    }

    fn shows(&mut self, node: usize, words: &str) -> usize {
        let shown = &self.nodes[node].shown;
        shown.iter().filter(|line| line.contains(words)).count()
    }
}

#[test]
fn chats_over_every_kind_of_network() {
    for (medium, ipv6) in [
        (Medium::Ethernet, false),
        (Medium::Ethernet, true),
        (Medium::Ip, false),
    ] {
        let mut room = Room::new(medium, ipv6);
        let (alice, bob) = (room.join("alice"), room.join("bob"));
        room.pass(4_000);
        room.asks(
            alice,
            Command::Send {
                to: "bob",
                text: "hi bob",
            },
        );
        room.asks(bob, Command::SendAll { text: "hi all" });
        room.pass(1_000);
        assert_eq!(room.shows(bob, "hi bob"), 1, "{medium:?} {ipv6}");
        assert_eq!(room.shows(alice, "Delivered"), 1, "directly, at once");
        assert_eq!(room.shows(alice, "hi all"), 1);
        room.asks(bob, Command::Deregister { name: "bob" });
        room.pass(500);
        room.asks(
            alice,
            Command::Send {
                to: "bob",
                text: "still there?",
            },
        );
        room.pass(4_000);
        assert_eq!(room.shows(alice, "Saved"), 1);
        room.asks(bob, Command::Register { name: "bob" });
        room.pass(1_000);
        assert_eq!(room.shows(bob, "still there?"), 1);
        assert_eq!(room.shows(bob, "KeptMessages"), 1);
    }
}

#[test]
fn delivers_once_where_frames_are_lost() {
    (0..20).for_each(loses_a_third);
}

fn loses_a_third(seed: u64) {
    let mut room = Room::new(Medium::Ethernet, false);
    let (alice, bob) = (room.join("alice"), room.join("bob"));
    room.pass(4_000);
    {
        let mut hub = room.hub.borrow_mut();
        hub.random.seed(seed);
        hub.loss_percent = 33;
    }
    for number in 0..40 {
        let text = format!("number {number};");
        room.asks(
            alice,
            Command::Send {
                to: "bob",
                text: &text,
            },
        );
    }
    room.pass(60_000);
    for number in 0..40 {
        assert_eq!(room.shows(bob, &format!("number {number};")), 1);
    }
    assert_eq!(
        room.shows(alice, "status: Delivered") + room.shows(alice, "status: Saved"),
        40
    );
}

#[test]
fn sends_to_others_while_a_neighbor_is_gone() {
    let mut room = Room::new(Medium::Ethernet, false);
    let (alice, bob, carol) = (room.join("alice"), room.join("bob"), room.join("carol"));
    room.pass(4_000);
    // Alice has never sent to either; Carol is gone.
    room.nodes.remove(carol);
    room.hub.borrow_mut().ports.remove(carol);
    room.asks(
        alice,
        Command::Send {
            to: "carol",
            text: "are you there?",
        },
    );
    for number in 0..20 {
        let text = format!("number {number};");
        room.asks(
            alice,
            Command::Send {
                to: "bob",
                text: &text,
            },
        );
    }
    // Bob's datagram must survive the request for Carol's address: the stack sends that one first,
    // and one for Bob a second later.
    room.pass(1_300);
    for number in 0..20 {
        assert_eq!(room.shows(bob, &format!("number {number};")), 1);
    }
    room.pass(4_000);
    assert_eq!(room.shows(alice, "Saved"), 1);
    assert!(room.nodes[alice].stack.unreachable() > 0);
}

#[test]
fn loses_nothing_while_the_device_is_full() {
    let mut room = Room::new(Medium::Ethernet, false);
    let (alice, bob) = (room.join("alice"), room.join("bob"));
    room.pass(4_000);
    room.nodes[alice].port.room = Some(1);
    for number in 0..40 {
        let text = format!("number {number}; {}", "x".repeat(900));
        room.asks(
            alice,
            Command::Send {
                to: "bob",
                text: &text,
            },
        );
    }
    room.pass(3_000);
    for number in 0..40 {
        assert_eq!(room.shows(bob, &format!("number {number};")), 1);
    }
    assert_eq!(room.shows(alice, "Delivered"), 40);
}

#[test]
fn recovers_after_the_link_was_down() {
    let mut room = Room::new(Medium::Ethernet, false);
    let (alice, bob) = (room.join("alice"), room.join("bob"));
    room.pass(4_000);
    room.hub.borrow_mut().is_down = true;
    room.asks(
        alice,
        Command::Send {
            to: "bob",
            text: "through",
        },
    );
    room.pass(1_200);
    assert_eq!(room.shows(bob, "through"), 0);
    room.hub.borrow_mut().is_down = false;
    room.pass(1_500);
    assert_eq!(room.shows(bob, "through"), 1);
    assert_eq!(room.shows(alice, "Delivered"), 1);
}

#[test]
fn rejects_impossible_configurations() {
    let hub = Rc::<RefCell<Hub>>::default();
    hub.borrow_mut().ports.push(VecDeque::new());
    let mut port = Port {
        hub,
        number: 0,
        medium: Medium::Ethernet,
        room: None,
    };
    let config = StackConfig {
        hardware_address: HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1])),
        addresses: &[],
        gateways: &[],
        port: PORT,
        seed: 1,
    };
    let mut refusal = |config: &StackConfig<'_>, storage: StackStorage<'static>| {
        Stack::new(config, &mut port, storage, Instant::ZERO).unwrap_err()
    };
    let router = IpAddr::from([192, 168, 7, 254]);
    for (config, error) in [
        (
            StackConfig {
                hardware_address: HardwareAddress::Ip,
                ..config
            },
            StackError::WrongMedium,
        ),
        (StackConfig { port: 0, ..config }, StackError::NoPort),
        (
            StackConfig {
                gateways: &[router, router],
                ..config
            },
            StackError::TooMany,
        ),
    ] {
        assert_eq!(refusal(&config, storage(0)), error);
        assert!(!error.to_string().is_empty());
    }
    let short = StackStorage {
        received: leak(0, 100),
        ..storage(0)
    };
    assert_eq!(refusal(&config, short), StackError::Storage("received"));
}
