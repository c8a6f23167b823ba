//! A server under any input.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::Datagram;
use chatapp_core::{
    ChangeSlot, ConnectionSlot, Endpoint, FlightSlot, Instant, JournalSlot, LogSlot, MailSlot,
    NameSlot, Server, ServerConfig, ServerStorage, SourceSlot, StoreFailed, Ticket, UnixSeconds,
};

use crate::SEED;
use crate::input::Input;
use crate::network::Network;
use crate::people::identity;

const NAMES: usize = 4;
/// What one input can cause, many times over: a machine that gives more than this at once is in a loop.
const OUTPUTS_MAX: usize = 1_000;

/// Drives a server with the steps that `bytes` stand for, then leaves it alone until it must be quiet.
///
/// # Panics
/// If an address that proved nothing gets more than it sent, if the server never comes to rest, or if it sends what
/// cannot be parsed.
pub fn server(bytes: &[u8]) {
    let mut names = vec![NameSlot::VACANT; NAMES];
    let mut connections = vec![ConnectionSlot::VACANT; NAMES];
    let (mut name_index, mut session_index) = ([0; 2 * NAMES], [0; 4 * NAMES]);
    let (mut flights, mut changes) = (
        vec![FlightSlot::VACANT; 4 * NAMES],
        vec![ChangeSlot::VACANT; 2 * NAMES],
    );
    let (mut mail, mut mail_texts) = (vec![MailSlot::VACANT; 6], [0; 192]);
    let (mut log, mut log_texts) = (vec![LogSlot::VACANT; 6], [0; 192]);
    let mut journal = vec![JournalSlot::VACANT; 8];
    let storage = ServerStorage {
        names: &mut names,
        connections: &mut connections,
        name_index: &mut name_index,
        session_index: &mut session_index,
        sources: &mut [SourceSlot::VACANT; 2],
        flights: &mut flights,
        changes: &mut changes,
        mail: &mut mail,
        mail_texts: &mut mail_texts,
        log: &mut log,
        log_texts: &mut log_texts,
        journal: &mut journal,
    };
    let config = ServerConfig {
        window: 4,
        mail_per_name: 3,
        ..ServerConfig::default()
    };
    let server = Server::new(config, storage, identity(0), SEED).expect("enough storage");
    let mut world = World {
        server,
        now: Instant::ZERO,
        network: Network::new(identity(0).public()),
        strangers: BTreeMap::new(),
        store_at_once: true,
        with_store: VecDeque::new(),
    };
    let mut input = Input(bytes);
    while world.takes_step(&mut input).is_some() {
        world.drains();
    }
    world.comes_to_rest();
}

/// What an address sent and got, until a session with it was opened.
#[derive(Default)]
struct Stranger {
    sent: usize,
    got: usize,
    is_known: bool,
}

struct World<'a> {
    server: Server<'a>,
    now: Instant,
    network: Network,
    strangers: BTreeMap<SocketAddr, Stranger>,
    store_at_once: bool,
    with_store: VecDeque<Ticket>,
}

impl World<'_> {
    fn takes_step(&mut self, input: &mut Input<'_>) -> Option<()> {
        match input.byte()? % 8 {
            0..=4 => {
                let (from, mut bytes) = self.network.gives(input)?;
                self.strangers.entry(from).or_default().sent += bytes.len();
                self.server.handle_datagram(self.now, from, &mut bytes);
            }
            5 => {
                self.now = self.now.plus_millis(input.number()?.into());
                self.server.handle_wall_clock(UnixSeconds(1_648_150_292));
                self.server.handle_timeout(self.now);
            }
            6 => self.store_at_once = input.flag()?,
            _ => {
                let result = if input.flag()? {
                    Err(StoreFailed)
                } else {
                    Ok(())
                };
                if let Some(ticket) = self.with_store.pop_front() {
                    self.server.handle_stored(self.now, ticket, result);
                }
            }
        }
        Some(())
    }

    fn drains(&mut self) {
        for _ in 0..OUTPUTS_MAX {
            while let Some(persist) = self.server.poll_persist() {
                self.with_store.push_back(persist.ticket);
            }
            if !self.store_at_once {
                break;
            }
            let Some(ticket) = self.with_store.pop_front() else {
                break;
            };
            self.server.handle_stored(self.now, ticket, Ok(()));
        }
        while self.server.poll_event().is_some() {}
        let mut out = [0; DATAGRAM_LEN_MAX];
        for _ in 0..OUTPUTS_MAX {
            let Some(transmit) = self.server.poll_transmit(self.now, &mut out) else {
                return;
            };
            self.sends(transmit.to, &out[..transmit.len]);
        }
        panic!("more than {OUTPUTS_MAX} datagrams at once");
    }

    fn sends(&mut self, to: SocketAddr, bytes: &[u8]) {
        self.network.takes(to, bytes);
        let stranger = self.strangers.entry(to).or_default();
        stranger.got += bytes.len();
        stranger.is_known |= matches!(
            Datagram::parse(&identity(0), bytes),
            Ok(Datagram::Accept { .. })
        );
        assert!(
            stranger.is_known || stranger.got <= stranger.sent,
            "{to} proved nothing, sent {} bytes and got {}",
            stranger.sent,
            stranger.got
        );
    }

    /// Nobody sends any more, and the store works: all retries run out, and nothing is left to do.
    fn comes_to_rest(&mut self) {
        self.store_at_once = true;
        let end = self.now.plus_millis(600_000);
        while self.now < end {
            self.drains();
            let due = self.server.poll_timeout().unwrap_or(end);
            assert!(due > self.now, "everything was polled, so nothing is due");
            self.now = due.min(end);
            self.server.handle_timeout(self.now);
        }
        self.drains();
        assert!(
            self.server.table().all(|entry| !entry.online),
            "silent clients are found gone"
        );
    }
}
