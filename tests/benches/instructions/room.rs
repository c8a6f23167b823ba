//! A server and clients on a network that is a queue.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{
    Client, ClientConfig, Command, Endpoint, Identity, Instant, Name, Persist, RateLimits,
    RestrictionSlot, Seed, Server, ServerConfig, StaticKey,
};
use chatapp_mio::{ClientLimits, ClientMemory, ServerLimits, ServerMemory};

use crate::case::{BURST, Case};

/// Text of 64 bytes.
const TEXT: &str = "a message of sixty-four bytes, as people write them to friends..";

/// Capacity of the table of most clients: fewer than either room has.
pub(crate) const SMALL: usize = 4;

/// Alice and Bob have tables for the whole room.
pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;
/// These two, and all later clients, have small tables.
pub(crate) const ERIN: usize = 2;
pub(crate) const GONE: usize = 3;
/// Index of the server among the clients.
pub(crate) const SERVER: usize = usize::MAX;

type Datagram = (SocketAddr, SocketAddr, Vec<u8>);

/// A server with all clients.
pub(crate) struct Room {
    server: Server<'static>,
    pub(crate) clients: Vec<Client<'static>>,
    network: VecDeque<Datagram>,
    pub(crate) now: Instant,
    /// Buffer for the datagrams of an exchange.
    out: [u8; DATAGRAM_LEN_MAX],
}

fn address(number: usize) -> SocketAddr {
    let host = if number == SERVER {
        0
    } else {
        u32::try_from(number).unwrap_or(0) + 1
    };
    SocketAddr::from((Ipv4Addr::from((10 << 24) + host), 4_119))
}

fn number(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(address) => match address.ip().to_bits() & 0xff_ffff {
            0 => SERVER,
            host => host as usize - 1,
        },
        SocketAddr::V6(_) => unreachable!("nobody here has such an address"),
    }
}

pub(crate) fn identity(key: [u8; 32]) -> Identity {
    Identity::new(StaticKey::new(key), None)
}

/// Creates the server of a room with this many names, and with room for as many restrictions as
/// the program has.
fn server(names: usize) -> Server<'static> {
    let limits = ServerLimits {
        names,
        kept_messages: 1_000,
        log_entries: 1_000,
        ..ServerLimits::default()
    };
    let memory = Box::leak(Box::new(
        ServerMemory::new(limits).expect("memory suffices"),
    ));
    let config = ServerConfig {
        rates: RateLimits::NONE,
        // X25519 ignores three of the bits in which the keys differ.
        names_per_key: 0,
        mail_share: 100,
        log_share: 100,
        ..ServerConfig::default()
    };
    let mut server = Server::new(
        config,
        memory.storage(),
        identity([7; 32]),
        Seed::new(&mut [7; 32]),
    )
    .expect("storage suffices");
    server.moderate(vec![RestrictionSlot::VACANT; 1_024].leak());
    server
}

impl Room {
    /// Creates a room in which all have arrived and one has left.
    pub(crate) fn with_clients(count: usize) -> Self {
        let mut room = Self {
            server: server(count),
            clients: Vec::new(),
            network: VecDeque::new(),
            now: Instant::ZERO,
            out: [0; DATAGRAM_LEN_MAX],
        };
        for number in 0..count {
            let peers = if number <= BOB { count } else { SMALL };
            let limits = ClientLimits {
                peers,
                commands: if number <= BOB { BURST } else { 2 },
                former_peers: 2,
                pins: 16,
            };
            let memory = Box::leak(Box::new(
                ClientMemory::new(limits).expect("memory suffices"),
            ));
            let name = format!("client{number}");
            let config = ClientConfig::new(Name::new(&name).expect("a name"), address(SERVER));
            let (mut key, mut seed) = ([9; 32], [9; 32]);
            // X25519 ignores the three lowest bits.
            key[..8].copy_from_slice(&((number as u64) << 3).to_le_bytes());
            seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
            let client = Client::new(
                config,
                memory.storage(),
                identity(key),
                Seed::new(&mut seed),
            )
            .expect("storage suffices");
            room.clients.push(client);
            room.command(number, Command::Register { name: &name });
            room.settle();
            assert!(room.clients[number].is_registered());
        }
        room.command(
            GONE,
            Command::Deregister {
                name: &format!("client{GONE}"),
            },
        );
        room.settle();
        room
    }

    pub(crate) fn command(&mut self, number: usize, command: Command<'_>) {
        self.now = self.now.plus_millis(1);
        self.clients[number]
            .command(self.now, command)
            .expect("the client takes it");
        self.drive(number);
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.network.is_empty()
    }

    /// Delivers all datagrams until the measured endpoints have nothing in flight. A client with a
    /// small table looks up an unknown caller, and answers when the call is repeated.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10 {
            while let Some(mut datagram) = self.network.pop_front() {
                self.deliver(&mut datagram);
            }
            if self.clients.iter().take(SMALL).all(Client::is_idle) {
                return;
            }
            self.now = self.now.plus_millis(500);
            for number in 0..SMALL.min(self.clients.len()) {
                self.clients[number].handle_timeout(self.now);
                self.drive(number);
            }
        }
        panic!("an endpoint never becomes idle");
    }

    /// Lets Alice send to Bob until all is acknowledged. Only the two clients run, and all buffers
    /// exist already.
    pub(crate) fn exchange(&mut self, messages: usize) {
        let out = &mut self.out;
        let [alice, bob, ..] = &mut self.clients[..] else {
            unreachable!("there are two")
        };
        let send = Command::Send {
            to: "client1",
            text: TEXT,
        };
        for _ in 0..messages {
            alice.command(self.now, send).expect("the client takes it");
        }
        while !alice.is_idle() {
            while let Some(transmit) = alice.poll_transmit(self.now, out) {
                let _ = bob.handle_datagram(self.now, address(ALICE), &mut out[..transmit.len]);
                show_all(bob, self.now);
            }
            while let Some(transmit) = bob.poll_transmit(self.now, out) {
                let _ = alice.handle_datagram(self.now, address(BOB), &mut out[..transmit.len]);
                show_all(alice, self.now);
            }
        }
    }

    /// Delivers all datagrams in flight to one endpoint, in measured calls.
    pub(crate) fn measure(&mut self, case: Case, to: usize) {
        for mut datagram in self.take_datagrams(to) {
            case.run(&mut || self.deliver(&mut datagram));
        }
    }

    /// Delivers all datagrams in flight to one endpoint without measuring.
    pub(crate) fn measure_nothing(&mut self, to: usize) {
        for mut datagram in self.take_datagrams(to) {
            self.deliver(&mut datagram);
        }
    }

    fn take_datagrams(&mut self, to: usize) -> VecDeque<Datagram> {
        let (taken, left) = self
            .network
            .drain(..)
            .partition(|datagram| datagram.1 == address(to));
        self.network = left;
        // Reserved here, so that no allocation falls into a measurement.
        self.network.reserve(2 * self.clients.len());
        taken
    }

    fn deliver(&mut self, (from, to, bytes): &mut Datagram) {
        let number = number(*to);
        if number == SERVER {
            let _ = self.server.handle_datagram(self.now, *from, bytes);
        } else {
            let _ = self.clients[number].handle_datagram(self.now, *from, bytes);
        }
        self.drive(number);
    }

    /// Takes all outputs of one endpoint.
    pub(crate) fn drive(&mut self, number: usize) {
        if number == SERVER {
            while let Some(Persist { ticket, record: _ }) = self.server.poll_persist() {
                self.server.handle_stored(self.now, ticket, Ok(()));
            }
            while self.server.poll_event().is_some() {}
            transmit(&mut self.server, SERVER, self.now, &mut self.network);
        } else {
            let client = &mut self.clients[number];
            show_all(client, self.now);
            transmit(client, number, self.now, &mut self.network);
        }
    }
}

/// Takes all events of a client, and returns the receipts of its messages at once.
fn show_all(client: &mut Client<'_>, now: Instant) {
    while let Some(event) = client.poll_event() {
        if let Some(receipt) = event.receipt() {
            client.handle_shown(now, receipt);
        }
    }
}

fn transmit(
    endpoint: &mut dyn Endpoint,
    number: usize,
    now: Instant,
    network: &mut VecDeque<Datagram>,
) {
    let mut out = [0; DATAGRAM_LEN_MAX];
    while let Some(transmit) = endpoint.poll_transmit(now, &mut out) {
        network.push_back((address(number), transmit.to, out[..transmit.len].to_vec()));
    }
}
