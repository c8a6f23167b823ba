//! The memory of the machines: no seed is in it, and no key of a session that has ended.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientMemory, Command, Endpoint, Identity, Instant, KeySlot,
    LoggedKey, Name, Seed, Server, ServerConfig, ServerMemory, StaticKey, limits,
};

type OneServer = ServerMemory<4, 8, 4, 1_024, 16>;
type OneClient = ClientMemory<4, 4, 4, 4>;

const ANN: usize = 0;
const BOB: usize = 1;
const NAMES: [&str; 2] = ["ann", "bob"];

/// The address and the length of a value, which may be borrowed when it is read.
struct Place(usize, usize);

impl Place {
    fn of<T: ?Sized>(value: &T) -> Self {
        Self(
            std::ptr::from_ref(value).cast::<u8>().addr(),
            size_of_val(value),
        )
    }

    /// Reads its bytes as another process would.
    fn read(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.1];
        let memory = File::open("/proc/self/mem").unwrap();
        memory.read_exact_at(&mut bytes, self.0 as u64).unwrap();
        bytes
    }
}

/// Returns bytes that no other part of the test has.
fn distinct(number: u8) -> [u8; KEY_LEN] {
    let mut state = u64::from(number);
    std::array::from_fn(|_| {
        // A linear congruential generator with Knuth's constants.
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
}

fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + number as u8], 5_000))
}

/// Returns the number of a static key, for that of a seed.
fn static_key(number: u8) -> u8 {
    number ^ 0x80
}

fn identity(number: u8) -> Identity {
    Identity::new(StaticKey::new(distinct(static_key(number))), None)
}

struct Room {
    server: Box<Server<'static>>,
    clients: [Box<Client<'static>>; 2],
    now: Instant,
    network: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// The machines and their storage.
    places: Vec<Place>,
    /// The keys of both directions of all sessions, and of the parts of their handshakes.
    keys: Vec<[u8; KEY_LEN]>,
    texts: usize,
}

fn key_slots() -> &'static mut [KeySlot] {
    vec![KeySlot::VACANT; 32].leak()
}

impl Room {
    fn new() -> Self {
        let mut places = Vec::new();
        let memory = Box::leak(Box::new(OneServer::new()));
        places.push(Place::of(memory));
        let config = ServerConfig::default();
        let (mut seed, storage) = (distinct(0), memory.storage());
        let server = Server::new(config, storage, identity(0), Seed::new(&mut seed));
        assert_eq!(seed, [0; 32]);
        let mut server = Box::new(server.unwrap());
        server.log_keys(key_slots());
        places.push(Place::of(&*server));
        let clients = NAMES.map(|name| {
            let number = name.as_bytes()[0];
            let memory = Box::leak(Box::new(OneClient::new()));
            places.push(Place::of(memory));
            let config = ClientConfig::new(Name::new(name).unwrap(), address(2));
            let mut seed = distinct(number);
            let seed = Seed::new(&mut seed);
            let client = Client::new(config, memory.storage(), identity(number), seed);
            let mut client = Box::new(client.unwrap());
            client.log_keys(key_slots());
            places.push(Place::of(&*client));
            client
        });
        Self {
            server,
            clients,
            now: Instant::ZERO,
            network: Vec::new(),
            places,
            keys: Vec::new(),
            texts: 0,
        }
    }

    fn command(&mut self, who: usize, command: Command<'_>) {
        self.clients[who].command(self.now, command).unwrap();
    }

    /// Runs the room for five seconds.
    fn run(&mut self) {
        let end = self.now.plus_millis(5_000);
        while self.now < end {
            self.poll();
            for (from, to, mut datagram) in std::mem::take(&mut self.network) {
                let (now, bytes) = (self.now, datagram.as_mut_slice());
                let _ = match (0..2).find(|number| to == address(*number)) {
                    Some(number) => self.clients[number].handle_datagram(now, from, bytes),
                    None => self.server.handle_datagram(now, from, bytes),
                };
            }
            self.poll();
            if self.network.is_empty() {
                self.now = self.now.plus_millis(50);
                self.server.handle_timeout(self.now);
                let clients = self.clients.iter_mut();
                clients.for_each(|client| client.handle_timeout(self.now));
            }
        }
    }

    fn poll(&mut self) {
        let mut out = [0; limits::DATAGRAM_LEN_MAX];
        while let Some(persist) = self.server.poll_persist() {
            let ticket = persist.ticket;
            self.server.handle_stored(self.now, ticket, Ok(()));
        }
        while self.server.poll_event().is_some() {}
        while let Some(sent) = self.server.poll_transmit(self.now, &mut out) {
            let datagram = out[..sent.len].to_vec();
            self.network.push((address(2), sent.to, datagram));
        }
        let mut logged: Vec<_> = std::iter::from_fn(|| self.server.poll_key_log()).collect();
        for (number, client) in self.clients.iter_mut().enumerate() {
            while let Some(event) = client.poll_event() {
                self.texts += usize::from(matches!(event, ClientEvent::Message { .. }));
                if let Some(receipt) = event.receipt() {
                    client.handle_shown(self.now, receipt);
                }
            }
            while let Some(sent) = client.poll_transmit(self.now, &mut out) {
                let datagram = out[..sent.len].to_vec();
                self.network.push((address(number), sent.to, datagram));
            }
            logged.extend(std::iter::from_fn(|| client.poll_key_log()));
        }
        self.keys
            .extend(logged.into_iter().filter_map(|key| match key {
                LoggedKey::Session { key, .. } => Some(key),
                LoggedKey::Handshake { part, .. } => Some(part.key),
                // These last as long as the process.
                LoggedKey::StoredMessages { .. } => None,
                other => panic!("{other:?}"),
            }));
    }

    /// Returns how many of these are in the memory of any machine.
    fn held<'k>(&self, secrets: impl IntoIterator<Item = &'k [u8]>) -> usize {
        let memory: Vec<_> = self.places.iter().map(Place::read).collect();
        let is_held = |secret: &&[u8]| {
            let mut windows = memory.iter().flat_map(|bytes| bytes.windows(secret.len()));
            windows.any(|window| window == *secret)
        };
        secrets.into_iter().filter(is_held).count()
    }

    fn held_keys(&self) -> usize {
        self.held(self.keys.iter().map(|key| &key[..]))
    }
}

/// Registers both, and lets each write to the other: three sessions.
fn conversation() -> Room {
    let mut room = Room::new();
    for (who, name) in NAMES.iter().enumerate() {
        room.command(who, Command::Register { name });
    }
    room.run();
    for (who, to, text) in [(ANN, "bob", "hi"), (BOB, "ann", "hello")] {
        room.command(who, Command::Send { to, text });
    }
    room.run();
    assert_eq!(room.texts, 2);
    room
}

#[test]
#[cfg_attr(miri, ignore = "reads a file of the system")]
fn holds_no_part_of_a_seed() {
    let room = conversation();
    for number in [0, b'a', b'b'] {
        assert_eq!(room.held(distinct(number).chunks(8)), 0, "{number}");
        // The same search finds the static key, which lasts.
        let key = distinct(static_key(number));
        assert_eq!(room.held([&key[..]]), 1, "{number}");
    }
}

/// Each key is logged at both ends, and each session has one for each direction.
const KEYS_PER_SESSION: usize = 4;

#[test]
#[cfg_attr(miri, ignore = "reads a file of the system")]
fn holds_keys_of_open_sessions_only() {
    let mut room = conversation();
    assert!(room.keys.len() > 3 * KEYS_PER_SESSION, "also of handshakes");
    assert_eq!(room.held_keys(), 3 * KEYS_PER_SESSION);
    for (who, name) in NAMES.iter().enumerate() {
        room.command(who, Command::Deregister { name });
    }
    room.run();
    // The session of a client that has left with the server is open until it registers again.
    assert_eq!(room.held_keys(), 2 * KEYS_PER_SESSION);
    let earlier = std::mem::take(&mut room.keys);
    for (who, name) in NAMES.iter().enumerate() {
        room.command(who, Command::Register { name });
    }
    room.run();
    assert_eq!(room.held_keys(), 2 * KEYS_PER_SESSION);
    assert_eq!(room.held(earlier.iter().map(|key| &key[..])), 0);
}
