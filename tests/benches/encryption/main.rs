//! Measures the cost of the cryptography for a message: the time of a direct message and its
//! acknowledgement at both ends, in the core alone. Each round takes the real cryptography and the
//! null cipher in turn.
//!
//! Use a release build. The ratios count, not the figures. The benchmark fails if a ratio exceeds
//! its ceiling in `ceilings.txt`.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Instant as Clock;

use chatapp_benches::ceilings::Ceilings;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{
    Client, ClientConfig, Command, Endpoint, Instant, Name, Persist, Seed, Server, ServerConfig,
};
use chatapp_mio::{ClientLimits, ClientMemory, ServerLimits, ServerMemory};
use chatapp_simulator::keys::{Crypto, Holder, Keys};
use clap::Parser;

/// 64 bytes.
const TEXT: &str = "a message of sixty-four bytes, as people write them to friends..";

/// How many times as long the real cryptography may take.
const CEILINGS: Ceilings = Ceilings::new(include_str!("ceilings.txt"));

/// Messages under way at once, where they are not alone.
const BURST: usize = 32;

/// Both clients, and the server behind them.
const ALICE: usize = 0;
const BOB: usize = 1;
const SERVER: usize = 2;

#[derive(Parser)]
struct Arguments {
    /// Rounds, of which each has both kinds of cryptography
    #[arg(long, default_value_t = 1_001)]
    rounds: usize,
    /// Messages in each, for each kind: so few that other programs seldom take the processor away
    /// in between
    #[arg(long, default_value_t = 320)]
    messages: usize,
}

fn main() -> ExitCode {
    let Arguments { rounds, messages } = Arguments::parse();
    println!(
        "{:<55} {:>9} {:>9} {:>6} {:>7}",
        "nanoseconds for each, median", "real", "null", "ratio", "ceiling"
    );
    let mut is_within = true;
    for (burst, name, title) in [
        (
            1,
            "alone",
            "both clients: a direct message and its acknowledgement",
        ),
        (
            BURST,
            "in bursts",
            "both clients: the same in bursts of 32, for each",
        ),
    ] {
        // Renewals, of which the null cipher has more, change the length of frame numbers.
        let mut rooms = [Crypto::Real, Crypto::NullCipher].map(Room::new);
        let [sent, same] = rooms.each_mut().map(|room| room.exchange(burst));
        assert_eq!(sent, same, "both ciphers give datagrams of the same size");
        let mut times = Vec::new();
        for _ in 0..rounds {
            times.push(rooms.each_mut().map(|room| {
                let began = Clock::now();
                for _ in 0..messages / burst {
                    room.exchange(burst);
                }
                began.elapsed().as_secs_f64() * 1e9 / (messages / burst * burst) as f64
            }));
        }
        let [real, null_cipher] = [0, 1].map(|kind| median(times.iter().map(|time| time[kind])));
        let ratio = median(times.iter().map(|time| time[0] / time[1]));
        let ceiling = CEILINGS.of(name);
        is_within &= CEILINGS.allows(name, ratio);
        println!("{title:<55} {real:>9.0} {null_cipher:>9.0} {ratio:>6.2} {ceiling:>7.1}");
        println!(
            "    {:.1} bytes in {:.2} datagrams",
            sent.bytes as f64 / burst as f64,
            sent.datagrams as f64 / burst as f64
        );
    }
    if !is_within {
        println!("more than its ceiling");
    }
    ExitCode::from(u8::from(!is_within))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn address(number: usize) -> SocketAddr {
    let host = u32::try_from(number).unwrap_or(0) + 1;
    SocketAddr::from((Ipv4Addr::from((10 << 24) + host), 4_119))
}

/// The datagrams on the network.
#[derive(Debug, Default, PartialEq)]
struct Sent {
    datagrams: usize,
    bytes: usize,
}

impl Sent {
    fn add(&mut self, len: usize) {
        self.datagrams += 1;
        self.bytes += len;
    }
}

/// Two clients who know each other, and their server, with one kind of cryptography.
struct Room {
    server: Server<'static>,
    clients: [Client<'static>; 2],
    network: VecDeque<(usize, SocketAddr, Vec<u8>)>,
    now: Instant,
}

impl Room {
    /// Both have come, and have a session with each other.
    fn new(crypto: Crypto) -> Self {
        let keys = Keys {
            crypto,
            closed: false,
            tells_handshakes: false,
        };
        let memory = ServerMemory::new(ServerLimits::default()).expect("memory suffices");
        let storage = Box::leak(Box::new(memory)).storage();
        let config = ServerConfig::default();
        let server = Server::new(
            config,
            storage,
            keys.identity(Holder::Server),
            Seed::new(&mut [7; 32]),
        );
        let clients = [(ALICE, "alice"), (BOB, "bob")].map(|(number, name)| {
            let limits = ClientLimits {
                peers: 2,
                commands: BURST,
                former_peers: 2,
                pins: 16,
            };
            let memory = ClientMemory::new(limits).expect("memory suffices");
            let storage = Box::leak(Box::new(memory)).storage();
            let config = ClientConfig::new(Name::new(name).expect("a name"), address(SERVER));
            let mut seed = [8 + number as u8; 32];
            Client::new(
                config,
                storage,
                keys.identity(Holder::Name(number)),
                Seed::new(&mut seed),
            )
            .expect("storage suffices")
        });
        let mut room = Self {
            server: server.expect("storage suffices"),
            clients,
            network: VecDeque::new(),
            now: Instant::ZERO,
        };
        for (number, name) in [(ALICE, "alice"), (BOB, "bob")] {
            room.command(number, Command::Register { name });
        }
        room.command(
            ALICE,
            Command::Send {
                to: "bob",
                text: TEXT,
            },
        );
        room
    }

    /// One of them wants something; everything that follows from it happens.
    fn command(&mut self, number: usize, command: Command<'_>) {
        let taken = self.clients[number].command(self.now, command);
        taken.expect("the client takes it");
        self.drive(number);
        while !self.clients.iter().all(Client::is_idle) {
            while let Some((from, to, mut bytes)) = self.network.pop_front() {
                let to = (0..=SERVER).find(|number| address(*number) == to);
                let to = to.expect("nobody else is here");
                let now = self.now;
                let _ = self
                    .machine(to)
                    .handle_datagram(now, address(from), &mut bytes);
                self.drive(to);
            }
            self.now = self.now.plus_millis(1);
            for number in [ALICE, BOB, SERVER] {
                let now = self.now;
                self.machine(number).handle_timeout(now);
                self.drive(number);
            }
        }
    }

    fn machine(&mut self, number: usize) -> &mut dyn Endpoint {
        match number {
            SERVER => &mut self.server,
            _ => &mut self.clients[number],
        }
    }

    /// Takes all outputs of one of them.
    fn drive(&mut self, number: usize) {
        while let Some(Persist { ticket, record: _ }) = self.server.poll_persist() {
            self.server.handle_stored(self.now, ticket, Ok(()));
        }
        while self.server.poll_event().is_some() {}
        for client in &mut self.clients {
            show_all(client, self.now);
        }
        let (now, mut out) = (self.now, [0; DATAGRAM_LEN_MAX]);
        while let Some(transmit) = self.machine(number).poll_transmit(now, &mut out) {
            let bytes = out[..transmit.len].to_vec();
            self.network.push_back((number, transmit.to, bytes));
        }
    }

    /// Alice writes to Bob, until all is acknowledged: nothing but the two clients, and a buffer
    /// that is there already. How much both have sent.
    fn exchange(&mut self, messages: usize) -> Sent {
        // With the null cipher, sessions are renewed after 2,048 datagrams. Requests have a pace.
        self.now = self.now.plus_millis(1);
        let (now, mut out) = (self.now, [0; DATAGRAM_LEN_MAX]);
        let mut sent = Sent::default();
        let [alice, bob] = &mut self.clients;
        let send = Command::Send {
            to: "bob",
            text: TEXT,
        };
        for _ in 0..messages {
            alice.command(now, send).expect("the client takes it");
        }
        while !alice.is_idle() {
            while let Some(transmit) = alice.poll_transmit(now, &mut out) {
                sent.add(transmit.len);
                let _ = bob.handle_datagram(now, address(ALICE), &mut out[..transmit.len]);
                show_all(bob, now);
            }
            while let Some(transmit) = bob.poll_transmit(now, &mut out) {
                sent.add(transmit.len);
                let _ = alice.handle_datagram(now, address(BOB), &mut out[..transmit.len]);
                show_all(alice, now);
            }
        }
        sent
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
