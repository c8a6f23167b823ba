//! Flood of junk, damaged, forged and replayed datagrams at a real server and real clients. One
//! thread sends them at its full rate while two clients chat.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Cookie, Datagram, Hello, Refusal, VERSION};
use chatapp_core::{Identity, StaticKey};
use clap::Parser;

use crate::measure::Usage;
use crate::{
    Direction, POSTED, Process, Relay, Room, SAVED, Seen, Weather, free_port, received_by,
};

/// Number of attacking sockets, each with its own address and port.
const STRANGERS: usize = 500;

/// Number of different handshakes that the attackers start.
const HANDSHAKES: u8 = 64;

/// Number of chat rounds before the flood.
const ROUNDS_BEFORE: usize = 20;

/// Pause between two rounds of chat.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Parser)]
struct Arguments {
    /// Datagrams to send
    #[arg(long, default_value_t = 1_000_000)]
    datagrams: usize,
    /// Decides what they are
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Parses the arguments, floods a room, and prints the report.
///
/// # Errors
/// Returns an error if the machine has too few sockets.
pub fn main() -> io::Result<()> {
    let Arguments { datagrams, seed } = Arguments::parse();
    println!("{}", run(datagrams, seed)?);
    Ok(())
}

/// Measured figures of a flood.
#[derive(Debug)]
pub struct Report {
    /// Number of datagrams sent.
    pub datagrams: usize,
    /// Duration of the flood.
    pub took: Duration,
    /// Number of chat rounds during the flood: a direct message and a channel message each.
    pub rounds: usize,
    /// Duration of the longest round.
    pub slowest: Duration,
    /// Number of direct messages that went through the server.
    pub saved: usize,
    /// Duration of a round after the flood.
    pub afterwards: Duration,
    /// Resource usage of the server, before and after.
    pub server: (Usage, Usage),
    /// Resource usage of a flooded client, before and after.
    pub client: (Usage, Usage),
    /// Counters of the server after the flood.
    pub stats: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.datagrams as f64 / self.took.as_secs_f64();
        writeln!(
            f,
            "{} datagrams in {:.2?}: {rate:.0} a second",
            self.datagrams, self.took
        )?;
        writeln!(
            f,
            "meanwhile {} rounds of chat, {} direct messages by way of the server; \
             the slowest round took {:.0?}, one afterwards {:.0?}",
            self.rounds, self.saved, self.slowest, self.afterwards
        )?;
        for (name, (before, after)) in [("server", self.server), ("client", self.client)] {
            writeln!(
                f,
                "{name}: {:.1} MiB resident before, {:.1} after; {:.1?} of CPU",
                before.rss_mib(),
                after.rss_mib(),
                after.cpu - before.cpu
            )?;
        }
        f.write_str(&self.stats.join("\n"))
    }
}

/// Floods a room with this many datagrams; the seed determines their content.
///
/// # Errors
/// Returns an error if the machine has too few sockets.
///
/// # Panics
/// Panics if a message does not arrive, or a client is not in the room afterwards.
pub fn run(datagrams: usize, seed: u64) -> io::Result<Report> {
    let mut room = Room::open();
    // The relay records datagrams of these two clients; the flood replays them on the same path,
    // intact and damaged.
    let relay = Relay::before(room.address(), Weather::default());
    let [mut alice, mut bob] = Room::join_all_at(relay.address(), ["alice", "bob"]);
    let (carol_port, dave_port) = (free_port(), free_port());
    let mut carol = Room::join_at(room.address(), "carol", carol_port);
    let mut dave = Room::join_at(room.address(), "dave", dave_port);
    for round in 0..ROUNDS_BEFORE {
        chat(&mut alice, &mut bob, "bob", round);
        chat(&mut carol, &mut dave, "dave", round);
    }
    let overheard: Vec<Seen> = [
        Direction::ToServer,
        Direction::FromServer,
        Direction::BetweenClients,
    ]
    .into_iter()
    .flat_map(|direction| relay.seen(direction))
    .collect();
    let victims: Vec<SocketAddr> = [room.port, room.port, carol_port, dave_port]
        .map(|port| (Ipv4Addr::LOCALHOST, port).into())
        .to_vec();
    let flood = Flood::new(seed, overheard, victims)?;

    let usage =
        |room: &Room, client: &Process| (Usage::of(room.server.id()), Usage::of(client.id()));
    let before = usage(&room, &carol);
    let saved_before = carol.count(SAVED);
    let over = AtomicBool::new(false);
    let (took, rounds, slowest) = thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            let took = flood.runs(datagrams);
            over.store(true, Ordering::Relaxed);
            took
        });
        let (mut rounds, mut slowest) = (0, Duration::ZERO);
        while !over.load(Ordering::Relaxed) {
            let took = chat(&mut carol, &mut dave, "dave", ROUNDS_BEFORE + rounds);
            slowest = slowest.max(took);
            rounds += 1;
            thread::sleep(PAUSE);
        }
        (flooding.join(), rounds, slowest)
    });
    let took = took.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let saved = carol.count(SAVED) - saved_before;
    let afterwards = chat(&mut carol, &mut dave, "dave", ROUNDS_BEFORE + rounds);
    chat(&mut alice, &mut bob, "bob", ROUNDS_BEFORE);
    let after = usage(&room, &carol);
    Ok(Report {
        datagrams,
        took,
        rounds,
        slowest,
        saved,
        afterwards,
        server: (before.0, after.0),
        client: (before.1, after.1),
        stats: stats(&mut room),
    })
}

/// Returns the counters of the server, with all four clients in the room.
fn stats(room: &mut Room) -> Vec<String> {
    room.server.types("stats");
    [
        "clients: 4 online; names: 4 of",
        "stored: ",
        "received: ",
        "sent: ",
        "retransmitted: ",
        "dropped",
    ]
    .map(|words| room.server.logs(words))
    .to_vec()
}

/// Sends one direct message, which may go through the server, and one channel message. Returns the
/// time until both had arrived and the sender knew it.
fn chat(from: &mut Process, to: &mut Process, name: &str, round: usize) -> Duration {
    let start = Instant::now();
    let direct = received_by(name);
    from.types(&format!("send {name} direct {round}"));
    from.types(&format!("send_all channel {round}"));
    while from.count(&direct) + from.count(SAVED) <= round || from.count(POSTED) <= round {
        from.shows_next();
    }
    for text in [format!("direct {round}"), format!("channel {round}")] {
        if !to.lines().iter().any(|line| line.ends_with(&text)) {
            to.shows_where(&text, |line| line.ends_with(&text));
        }
    }
    start.elapsed()
}

/// Sources, destination and datagrams of the flood.
struct Flood {
    seed: u64,
    strangers: Vec<UdpSocket>,
    overheard: Vec<Seen>,
    victims: Vec<SocketAddr>,
    identity: Identity,
    handshakes: Vec<Vec<u8>>,
}

impl Flood {
    fn new(seed: u64, overheard: Vec<Seen>, victims: Vec<SocketAddr>) -> io::Result<Self> {
        let mut random = fastrand::Rng::with_seed(seed);
        let strangers = (0..STRANGERS).map(|_| {
            let ip = Ipv4Addr::new(127, random.u8(..), random.u8(..), random.u8(1..255));
            UdpSocket::bind((IpAddr::V4(ip), 0))
        });
        let strangers = strangers.collect::<io::Result<_>>()?;
        let identity = Identity::new(StaticKey::new([7; KEY_LEN]), None);
        Ok(Self {
            seed,
            strangers,
            overheard,
            victims,
            handshakes: handshakes(&mut random, &identity),
            identity,
        })
    }

    /// Sends this many datagrams; returns the time it took. Does not repeat a send that the kernel
    /// refuses.
    fn runs(&self, datagrams: usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut bytes = Vec::new();
        let start = Instant::now();
        for _ in 0..datagrams {
            let overheard = &self.overheard[random.usize(..self.overheard.len())];
            bytes.clear();
            let mut true_way = false;
            match random.u8(0..8) {
                0 => bytes.extend(junk(&mut random, DATAGRAM_LEN_MAX + 100)),
                1 => {
                    bytes.extend([VERSION, random.u8(0..9)]);
                    bytes.extend(junk(&mut random, 200));
                }
                2 if random.bool() => {
                    bytes.extend(&self.handshakes[random.usize(..self.handshakes.len())]);
                }
                2 => forge(&mut random, &self.identity, &mut bytes),
                kind => {
                    bytes.extend(&overheard.bytes);
                    true_way = random.bool();
                    if kind < 6 {
                        damage(&mut random, &mut bytes);
                    }
                }
            }
            if true_way {
                overheard.forges(&bytes);
            } else {
                let stranger = &self.strangers[random.usize(..self.strangers.len())];
                let victim = self.victims[random.usize(..self.victims.len())];
                let _ = stranger.send_to(&bytes, victim);
            }
        }
        start.elapsed()
    }
}

fn junk(random: &mut fastrand::Rng, len_max: usize) -> Vec<u8> {
    let len = random.usize(..=len_max);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

/// Changes some bytes, or the length.
fn damage(random: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.usize(1..4) {
        match random.u8(0..6) {
            0 => bytes.truncate(random.usize(..=bytes.len())),
            1 => bytes.push(random.u8(..)),
            _ if bytes.is_empty() => {}
            _ => {
                let place = random.usize(..bytes.len());
                bytes[place] ^= 1 << random.u8(0..8);
            }
        }
    }
}

/// Returns valid handshakes of an unknown client without a cookie.
fn handshakes(random: &mut fastrand::Rng, identity: &Identity) -> Vec<Vec<u8>> {
    let build = |number: u8| {
        let mut bytes = || std::array::from_fn(|_| random.u8(..));
        let hello = if number.is_multiple_of(3) {
            Hello::Peer {
                to_incarnation: u64::from_le_bytes(bytes()[..8].try_into().expect("eight")),
            }
        } else {
            Hello::Client(Cookie {
                issued_at_ms: u64::from(number),
                mac: u64::from_le_bytes(bytes()[..8].try_into().expect("eight")),
            })
        };
        let (ephemeral, stranger) = (bytes(), StaticKey::new(bytes()).public());
        let mut out = [0; DATAGRAM_LEN_MAX];
        let id = u64::from(number) + 1;
        let len = hello.emit(id, identity, &stranger, &ephemeral, &[number; 90], &mut out);
        out[..len].to_vec()
    };
    (0..HANDSHAKES).map(build).collect()
}

/// Forges a datagram that ends or requests something.
fn forge(random: &mut fastrand::Rng, identity: &Identity, bytes: &mut Vec<u8>) {
    let id = random.u64(..);
    let datagram = match random.u8(0..4) {
        0 => Datagram::CookieRequest { id },
        1 => Datagram::Reset {
            echo: id,
            token: std::array::from_fn(|_| random.u8(..)),
        },
        2 => Datagram::Refuse {
            to: id,
            reason: Refusal::Evicted,
        },
        _ => Datagram::Accept {
            to: id,
            message: &[random.u8(..); 120],
        },
    };
    let mut buffer = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(identity, &mut buffer);
    bytes.extend(&buffer[..len]);
}
