//! A client that knows several addresses of its server.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientMemory, ClientRecord, Command, EventLoop, Identity,
    Instant, Journal, Name, Network, NullJournal, PublicKey, Seed, Sent, Server, ServerConfig,
    ServerMemory, StaticKey,
};

type OneServer = ServerMemory<4, 4, 8, 512, 4>;
type OneClient = ClientMemory<5, 4, 2, 4>;

const STEP_MS: u64 = 50;

/// Interval of the tries, as in RFC 8305.
const TRY_MS: u64 = 250;

fn at(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 5_000))
}

/// A datagram with its arrival.
struct Travelling {
    at: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// The path between client and server, which has several addresses.
#[derive(Default)]
struct Path {
    travelling: RefCell<VecDeque<Travelling>>,
    /// The addresses at which the server receives, with the delay of each direction.
    alive: RefCell<Vec<(SocketAddr, u64)>>,
    /// The addresses that the client sent to.
    asked: RefCell<Vec<SocketAddr>>,
}

impl Path {
    fn delay_of(&self, server: SocketAddr) -> Option<u64> {
        let alive = self.alive.borrow();
        let found = alive.iter().find(|(address, _)| *address == server);
        found.map(|(_, delay)| *delay)
    }

    fn moves_to(&self, alive: &[(SocketAddr, u64)]) {
        *self.alive.borrow_mut() = alive.to_vec();
    }
}

/// One end of the path.
struct End<'a> {
    path: &'a Path,
    is_server: bool,
    now: Instant,
    /// The address of the server that the client wrote to last.
    asked: SocketAddr,
}

impl Network for End<'_> {
    fn begin_poll(&mut self, now: Instant) {
        self.now = now;
    }

    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        let mut travelling = self.path.travelling.borrow_mut();
        let is_here = |it: &Travelling| it.at <= self.now && (it.to != at(9)) == self.is_server;
        let next = travelling.iter().position(is_here)?;
        let datagram = travelling.remove(next)?;
        if self.is_server {
            self.asked = datagram.to;
        }
        buffer[..datagram.bytes.len()].copy_from_slice(&datagram.bytes);
        Some((datagram.from, datagram.bytes.len()))
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let from = if self.is_server { self.asked } else { at(9) };
        if !self.is_server {
            self.path.asked.borrow_mut().push(to);
        }
        if let Some(delay) = self.path.delay_of(if self.is_server { from } else { to }) {
            self.path.travelling.borrow_mut().push_back(Travelling {
                at: self.now.plus_millis(delay),
                from,
                to,
                bytes: datagram.to_vec(),
            });
        }
        Sent::Done
    }
}

/// Counts of the events of a client.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    registered: usize,
    silent: usize,
    key_changed: usize,
    posted: usize,
}

impl Outcome {
    fn count(&mut self, event: &ClientEvent<'_>) {
        match event {
            ClientEvent::Registered => self.registered += 1,
            ClientEvent::ServerNotResponding { .. } => self.silent += 1,
            ClientEvent::ServerKeyChanged { .. } => self.key_changed += 1,
            ClientEvent::Posted { .. } => self.posted += 1,
            _ => {}
        }
    }
}

/// A client on a path to a server, for this long. Each step comes before the rest
/// of its time, the first one before the registration.
fn run(path: &Path, millis: u64, mut step: impl FnMut(&mut Client<'_>, Instant)) -> Outcome {
    let (mut server_memory, mut client_memory) = (OneServer::new(), OneClient::new());
    let identity = |number| Identity::new(StaticKey::new([number; 32]), None);
    let config = ServerConfig::default();
    let storage = server_memory.storage();
    let mut server = Server::new(config, storage, identity(1), Seed::new(&mut [1; 32])).unwrap();
    let config = ClientConfig::new(Name::new("alice").unwrap(), at(1));
    let storage = client_memory.storage();
    let mut client = Client::new(config, storage, identity(2), Seed::new(&mut [2; 32])).unwrap();
    let end = |is_server| End {
        path,
        is_server,
        now: Instant::ZERO,
        asked: at(1),
    };
    let (mut server_end, mut client_end) = (end(true), end(false));
    let (mut server_loop, mut client_loop) = (EventLoop::new(), EventLoop::new());
    let mut journal = NullJournal::new();
    let mut outcome = Outcome::default();
    let register = Command::Register { name: "alice" };
    for now in (0..millis).step_by(STEP_MS as usize) {
        let now = Instant::from_millis(now);
        step(&mut client, now);
        if now == Instant::ZERO {
            client.command(now, register).unwrap();
        }
        server_loop.poll(&mut server, &mut server_end, now, |server, now| {
            journal.exchange(server, now);
            while server.poll_event().is_some() {}
        });
        client_loop.poll(&mut client, &mut client_end, now, |client, _| {
            while client.poll_persist().is_some() {}
            while let Some(event) = client.poll_event() {
                outcome.count(&event);
            }
        });
    }
    outcome
}

/// Tries these addresses in turn, from the second on.
fn tries(addresses: &[SocketAddr]) -> impl FnMut(&mut Client<'_>, Instant) {
    let mut rest = addresses.iter().copied().cycle().skip(1);
    move |client, now| {
        let millis = now.as_millis();
        let is_due = millis != 0 && millis < 3_000 && millis.is_multiple_of(TRY_MS);
        if is_due && client.awaits_server() {
            assert!(client.try_server_at(now, rest.next().unwrap()));
        }
    }
}

#[test]
fn takes_the_first_address_that_answers() {
    let path = Path::default();
    path.moves_to(&[(at(3), 1)]);
    let outcome = run(&path, 20_000, tries(&[at(1), at(2), at(3)]));
    assert_eq!((outcome.registered, outcome.silent), (1, 0));
    let asked = path.asked.into_inner();
    assert_eq!(asked[..3], [at(1), at(2), at(3)]);
    assert!(asked[3..].iter().all(|to| *to == at(3)), "{asked:?}");
}

//= PROTOCOL.md#4.9
#[test]
fn takes_a_late_answer_of_an_earlier_address() {
    let path = Path::default();
    // The answer takes longer than both tries.
    path.moves_to(&[(at(1), 300)]);
    let outcome = run(&path, 20_000, tries(&[at(1), at(2), at(3)]));
    assert_eq!((outcome.registered, outcome.silent), (1, 0));
    let asked = path.asked.into_inner();
    assert_eq!(asked[..3], [at(1), at(2), at(3)]);
    assert!(asked[3..].iter().all(|to| *to == at(1)), "{asked:?}");
}

#[test]
fn fails_once_if_no_address_answers() {
    let path = Path::default();
    let outcome = run(&path, 20_000, tries(&[at(1), at(2)]));
    assert_eq!((outcome.registered, outcome.silent), (0, 1));
    let asked = path.asked.into_inner();
    for number in [1, 2] {
        let count = asked.iter().filter(|to| **to == at(number)).count();
        assert!(count >= 6, "{asked:?}");
    }
}

#[test]
fn does_not_search_while_an_address_answers() {
    let path = Path::default();
    path.moves_to(&[(at(1), 1), (at(2), 1)]);
    let outcome = run(&path, 30_000, |client, now| {
        if now.as_millis() > 500 {
            assert!(!client.awaits_server());
            assert!(!client.try_server_at(now, at(2)));
        }
    });
    assert_eq!(outcome.registered, 1);
    assert!(path.asked.into_inner().iter().all(|to| *to == at(1)));
}

#[test]
fn follows_a_server_to_another_address() {
    let path = Path::default();
    path.moves_to(&[(at(1), 1)]);
    let outcome = run(&path, 60_000, |client, now| match now.as_millis() {
        5_000 => {
            path.moves_to(&[(at(2), 1)]);
            let text = "where are you?";
            client.command(now, Command::SendAll { text }).unwrap();
        }
        // The session has ended by silence.
        10_000 => {
            assert!(client.try_server_at(now, at(2)));
            path.asked.borrow_mut().clear();
        }
        20_000 => {
            assert!(!client.awaits_server());
            let text = "there";
            client.command(now, Command::SendAll { text }).unwrap();
        }
        _ => {}
    });
    assert_eq!((outcome.registered, outcome.posted), (1, 1));
    assert!(path.asked.into_inner().iter().all(|to| *to == at(2)));
}

#[test]
fn refuses_another_key_at_another_address() {
    let path = Path::default();
    path.moves_to(&[(at(2), 1)]);
    let addresses = [at(1), at(2)];
    let mut tries = tries(&addresses);
    let outcome = run(&path, 20_000, |client, now| {
        if now == Instant::ZERO {
            let key = PublicKey([7; 32]);
            assert!(client.restore(ClientRecord::ServerKey(key)));
        }
        tries(client, now);
    });
    assert_eq!((outcome.registered, outcome.key_changed), (0, 1));
}
