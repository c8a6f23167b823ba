//! Processes: a core state machine with its memory, and around it what every adapter has: a socket,
//! a clock, and a display or a store.

use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::limits::{MAIL_LEN_MAX, TEXT_LEN_MAX};
use chatapp_core::{
    ChangeSlot, Client, ClientConfig, ClientStorage, ConnectionSlot, DedupSlot, FlightSlot,
    Instant, JournalSlot, KeySlot, LogSlot, MailSlot, Name, NameSlot, OutboxSlot, PeerSlot, Seed,
    Sent, Server, ServerConfig, ServerStorage, SourceSlot, TransmitQueue,
};
use self_cell::{MutBorrow, self_cell};

use crate::choices::Choices;
use crate::event::{Event, Node};
use crate::keys::{Holder, Keys};
use crate::medium::Medium;
use crate::plan::Sizes;
use crate::queue::Millis;
use crate::trace::Kind;

/// The slices of a client.
struct ClientMemory {
    peers: Vec<PeerSlot>,
    connections: Vec<ConnectionSlot>,
    names: Vec<u32>,
    sessions: Vec<u32>,
    outbox: Vec<OutboxSlot>,
    dedup: Vec<DedupSlot>,
    keys: Vec<KeySlot>,
}

/// The slices of a server.
struct ServerMemory {
    names: Vec<NameSlot>,
    connections: Vec<ConnectionSlot>,
    name_index: Vec<u32>,
    session_index: Vec<u32>,
    sources: Vec<SourceSlot>,
    flights: Vec<FlightSlot>,
    changes: Vec<ChangeSlot>,
    mail: Vec<MailSlot>,
    mail_texts: Vec<u32>,
    log: Vec<LogSlot>,
    log_texts: Vec<u32>,
    journal: Vec<JournalSlot>,
    keys: Vec<KeySlot>,
}

self_cell!(
    struct ClientCell {
        owner: MutBorrow<ClientMemory>,
        #[not_covariant]
        dependent: Client,
    }
);

self_cell!(
    struct ServerCell {
        owner: MutBorrow<ServerMemory>,
        #[not_covariant]
        dependent: Server,
    }
);

/// A client machine that owns its memory.
pub struct ClientMachine(ClientCell);

/// A server machine that owns its memory.
pub struct ServerMachine(ServerCell);

/// Keys that can come into use between two looks at what a machine tells.
const KEYS: usize = 256;

/// 32 bytes for the entropy of one process.
fn seed(choices: &mut dyn Choices) -> Seed {
    let mut bytes = [0; 32];
    for eight in bytes.chunks_exact_mut(8) {
        eight.copy_from_slice(&choices.secret().to_le_bytes());
    }
    Seed(bytes)
}

impl ClientMachine {
    /// A new process.
    pub fn new(
        name: Name,
        server: SocketAddr,
        sizes: &Sizes,
        (world_keys, who): (Keys, Holder),
        choices: &mut dyn Choices,
    ) -> Self {
        let peers = sizes.peers + 1;
        let memory = ClientMemory {
            peers: vec![PeerSlot::VACANT; peers],
            connections: vec![ConnectionSlot::VACANT; peers],
            names: vec![0; 2 * peers],
            sessions: vec![0; 4 * peers],
            outbox: vec![OutboxSlot::VACANT; sizes.outbox],
            dedup: vec![DedupSlot::VACANT; sizes.dedup],
            keys: vec![KeySlot::VACANT; KEYS],
        };
        let config = ClientConfig {
            window: sizes.window,
            ..ClientConfig::new(name, server)
        };
        let seed = seed(choices);
        Self(ClientCell::new(MutBorrow::new(memory), |memory| {
            let ClientMemory {
                peers,
                connections,
                names,
                sessions,
                outbox,
                dedup,
                keys,
            } = memory.borrow_mut();
            let mut client = Client::new(
                config,
                ClientStorage {
                    peers,
                    connections,
                    names,
                    sessions,
                    outbox,
                    dedup,
                },
                world_keys.identity(who),
                seed,
            )
            .expect("the sizes of a plan are valid");
            if world_keys.tells_handshakes {
                client.log_keys(keys);
            } else {
                client.log_session_keys(keys);
            }
            client
        }))
    }

    /// Uses the machine.
    pub fn with<R>(&mut self, use_it: impl FnOnce(&mut Client<'_>) -> R) -> R {
        self.0.with_dependent_mut(|_, client| use_it(client))
    }

    /// Looks at the machine.
    pub fn look<R>(&self, look: impl FnOnce(&Client<'_>) -> R) -> R {
        self.0.with_dependent(|_, client| look(client))
    }
}

impl ServerMachine {
    /// A new process, with nothing restored yet.
    pub fn new(sizes: &Sizes, world_keys: Keys, choices: &mut dyn Choices) -> Self {
        // The header of a stored text takes a word.
        const WORDS_PER_LETTER: usize = 1 + MAIL_LEN_MAX.div_ceil(4);
        const WORDS_PER_TEXT: usize = 1 + TEXT_LEN_MAX.div_ceil(4);
        let memory = ServerMemory {
            names: vec![NameSlot::VACANT; sizes.names],
            connections: vec![ConnectionSlot::VACANT; sizes.names],
            name_index: vec![0; 2 * sizes.names],
            session_index: vec![0; 4 * sizes.names],
            sources: vec![SourceSlot::VACANT; sizes.sources],
            flights: vec![FlightSlot::VACANT; 32 * sizes.names],
            changes: vec![ChangeSlot::VACANT; sizes.changes],
            mail: vec![MailSlot::VACANT; sizes.mail],
            mail_texts: vec![0; WORDS_PER_LETTER * sizes.mail],
            log: vec![LogSlot::VACANT; sizes.log],
            log_texts: vec![0; WORDS_PER_TEXT * sizes.log],
            journal: vec![JournalSlot::VACANT; sizes.journal],
            keys: vec![KeySlot::VACANT; KEYS],
        };
        let config = ServerConfig {
            window: sizes.window,
            mail_per_name: sizes.mail_per_name,
            rates: sizes.rates,
            keep_s: sizes.keep_s,
            ..ServerConfig::default()
        };
        let seed = seed(choices);
        Self(ServerCell::new(MutBorrow::new(memory), |memory| {
            let ServerMemory {
                names,
                connections,
                name_index,
                session_index,
                sources,
                flights,
                changes,
                mail,
                mail_texts,
                log,
                log_texts,
                journal,
                keys,
            } = memory.borrow_mut();
            let storage = ServerStorage {
                names,
                connections,
                name_index,
                session_index,
                sources,
                flights,
                changes,
                mail,
                mail_texts,
                log,
                log_texts,
                journal,
            };
            let identity = world_keys.identity(Holder::Server);
            let mut server = Server::new(config, storage, identity, seed)
                .expect("the sizes of a plan are valid");
            if world_keys.tells_handshakes {
                server.log_keys(keys);
            } else {
                server.log_session_keys(keys);
            }
            server
        }))
    }

    /// Uses the machine.
    pub fn with<R>(&mut self, use_it: impl FnOnce(&mut Server<'_>) -> R) -> R {
        self.0.with_dependent_mut(|_, server| use_it(server))
    }

    /// Looks at the machine.
    pub fn look<R>(&self, look: impl FnOnce(&Server<'_>) -> R) -> R {
        self.0.with_dependent(|_, server| look(server))
    }
}

/// The environment of a machine in the world, and its faults.
pub struct Body {
    /// Which process it is.
    node: Node,
    /// The address of the process.
    pub address: SocketAddr,
    /// The datagram that the network would not take.
    pub outgoing: TransmitQueue,
    /// Datagrams that arrived while the process stood still.
    pub inbox: VecDeque<(SocketAddr, Vec<u8>)>,
    /// How far the clock of the machine is behind that of the world.
    pub behind: Millis,
    /// The process stands still.
    pub pause: Option<Pause>,
    /// The socket takes nothing.
    pub socket_full: bool,
    /// The next datagram was offered to the socket before.
    offered: bool,
    /// Outputs until the process crashes.
    pub outputs_left: Option<u32>,
    /// When the process wants to be woken, in world time.
    pub next_deadline: Option<Millis>,
}

/// A process that stands still.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// Since when.
    pub since: Millis,
    /// The clock of the machine stands still too.
    pub suspended: bool,
}

/// How soon a driver looks again at a display or socket that took nothing.
const CLOGGED: Millis = 20;
/// Datagrams that a socket holds for a process that does not read.
const INBOX_MAX: usize = 64;

impl Body {
    /// The body of a new process on a machine that started before the world did or since.
    pub fn new(node: Node, address: SocketAddr, now: Millis) -> Self {
        Self {
            node,
            address,
            outgoing: TransmitQueue::new(),
            inbox: VecDeque::new(),
            behind: now / 2,
            pause: None,
            socket_full: false,
            offered: false,
            outputs_left: None,
            next_deadline: None,
        }
    }

    /// The clock of the machine.
    pub fn clock(&self, now: Millis) -> Instant {
        Instant::from_millis(now - self.behind)
    }

    /// World time of a time on the machine's clock.
    pub fn world_time(&self, at: Instant) -> Millis {
        at.as_millis() + self.behind
    }

    /// Keeps a datagram for later; false if the socket is full.
    pub fn keep(&mut self, from: SocketAddr, bytes: Vec<u8>) -> bool {
        let room = self.inbox.len() < INBOX_MAX;
        if room {
            self.inbox.push_back((from, bytes));
        }
        room
    }

    /// Ends a pause.
    pub fn resume(&mut self, now: Millis) {
        if let Some(Pause {
            since,
            suspended: true,
        }) = self.pause.take()
        {
            self.behind += now - since;
        }
    }

    /// Offers a datagram to the socket.
    pub fn offer(&mut self, medium: &mut Medium, to: SocketAddr, bytes: &[u8]) -> Sent {
        // It counts as sent when it was built: what arrives until the socket takes it is no answer
        // to it.
        if !std::mem::replace(&mut self.offered, true) {
            medium.wiretap.sent(self.node, to, bytes);
            if let Some(session) = medium.wiretap.take_rekeyed() {
                medium.note(Kind::Rekeyed, &[session], || format!("{session:016x}"));
            }
        }
        if self.socket_full || self.is_dying() {
            return Sent::WouldBlock;
        }
        self.offered = false;
        self.count_output();
        medium.send(self.address, to, bytes);
        Sent::Done
    }

    /// Notes when the machine wants to be woken; true if that is now.
    pub fn schedule_wake(
        &mut self,
        medium: &mut Medium,
        timeout: Option<Instant>,
        clogged: bool,
    ) -> bool {
        let Some(timeout) = timeout else {
            self.next_deadline = None;
            return false;
        };
        let mut at = self.world_time(timeout);
        if clogged || self.socket_full {
            at = at.max(medium.now + CLOGGED);
        }
        if at <= medium.now {
            return true;
        }
        if self.next_deadline != Some(at) {
            self.next_deadline = Some(at);
            medium.queue.schedule(at, Event::Wake(self.node));
        }
        false
    }

    /// Whether the process has crashed before its next output.
    pub fn is_dying(&self) -> bool {
        self.outputs_left == Some(0)
    }

    /// One more output was made.
    pub fn count_output(&mut self) {
        if let Some(left) = &mut self.outputs_left {
            *left -= 1;
        }
    }
}
