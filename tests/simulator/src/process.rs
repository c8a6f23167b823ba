//! Processes: a state machine of the core with its memory, and the parts of every adapter: socket,
//! clock, and display or store.

use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::limits::{MAIL_LEN_MAX, TEXT_LEN_MAX};
use chatapp_core::{
    ChangeSlot, Client, ClientConfig, ClientStorage, ConnectionSlot, CountSlot, DedupSlot,
    IgnoredSlot, InFlightSlot, Instant, JournalSlot, KeySlot, LogSlot, MailSlot, Name, NameSlot,
    OutboxSlot, PeerSlot, PinSlot, RestrictionSlot, Seed, Sent, Server, ServerConfig,
    ServerStorage, SourceSlot, TransmitQueue,
};
use self_cell::{MutBorrow, self_cell};

use crate::choices::Choices;
use crate::event::{Event, Node};
use crate::keys::{Holder, Keys};
use crate::medium::Medium;
use crate::plan::Sizes;
use crate::queue::Millis;
use crate::trace::Kind;

/// The memory of a client.
struct ClientMemory {
    peers: Vec<PeerSlot>,
    connections: Vec<ConnectionSlot>,
    names: Vec<u32>,
    addresses: Vec<u32>,
    sessions: Vec<u32>,
    outbox: Vec<OutboxSlot>,
    dedup: Vec<DedupSlot>,
    pins: Vec<PinSlot>,
    pin_names: Vec<u32>,
    ignored: Vec<IgnoredSlot>,
    keys: Vec<KeySlot>,
}

/// The memory of a server.
struct ServerMemory {
    names: Vec<NameSlot>,
    connections: Vec<ConnectionSlot>,
    name_index: Vec<u32>,
    name_counts: Vec<CountSlot>,
    session_index: Vec<u32>,
    sources: Vec<SourceSlot>,
    in_flight: Vec<InFlightSlot>,
    changes: Vec<ChangeSlot>,
    mail: Vec<MailSlot>,
    mail_texts: Vec<u32>,
    mail_counts: Vec<CountSlot>,
    log: Vec<LogSlot>,
    log_texts: Vec<u32>,
    journal: Vec<JournalSlot>,
    restrictions: Vec<RestrictionSlot>,
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

/// Seconds from one medium-term key of a client to the next. Runs are shorter than a day.
const MEDIUM_KEY_S: u32 = 30;

/// Keys that a client can ignore; people ignore more now and then.
const IGNORED_MAX: usize = 2;

/// Keys that one poll of a machine can log at most.
const KEYS: usize = 256;

/// Returns the entropy of one process.
fn seed(choices: &mut dyn Choices) -> [u8; 32] {
    let mut bytes = [0; 32];
    for eight in bytes.chunks_exact_mut(8) {
        eight.copy_from_slice(&choices.secret().to_le_bytes());
    }
    bytes
}

impl ClientMachine {
    /// Creates a machine.
    pub fn new(
        name: Name,
        server: SocketAddr,
        sizes: &Sizes,
        (world_keys, holder): (Keys, Holder),
        choices: &mut dyn Choices,
    ) -> Self {
        let peers = sizes.peers + 1;
        let memory = ClientMemory {
            peers: (0..peers).map(|_| PeerSlot::VACANT).collect(),
            connections: (0..peers).map(|_| ConnectionSlot::VACANT).collect(),
            names: vec![0; 2 * peers],
            addresses: vec![0; 2 * peers],
            sessions: vec![0; 4 * peers],
            outbox: vec![OutboxSlot::VACANT; sizes.outbox],
            dedup: vec![DedupSlot::VACANT; sizes.dedup],
            pins: vec![PinSlot::VACANT; sizes.pins],
            pin_names: vec![0; 2 * sizes.pins],
            ignored: vec![IgnoredSlot::VACANT; IGNORED_MAX],
            keys: vec![KeySlot::VACANT; KEYS],
        };
        let config = ClientConfig {
            window: sizes.window,
            renew_ms: sizes.renew_ms,
            medium_key_s: MEDIUM_KEY_S,
            ..ClientConfig::new(name, server)
        };
        let mut seed = seed(choices);
        Self(ClientCell::new(MutBorrow::new(memory), |memory| {
            let ClientMemory {
                peers,
                connections,
                names,
                addresses,
                sessions,
                outbox,
                dedup,
                pins,
                pin_names,
                ignored,
                keys,
            } = memory.borrow_mut();
            let mut client = Client::new(
                config,
                ClientStorage {
                    peers,
                    connections,
                    names,
                    addresses,
                    sessions,
                    outbox,
                    dedup,
                    pins,
                    pin_names,
                },
                world_keys.identity(holder),
                Seed::new(&mut seed),
            )
            .expect("the sizes of a plan are valid");
            client.ignore_in(ignored);
            if world_keys.tells_handshakes {
                client.log_keys(keys);
            } else {
                client.log_session_keys(keys);
            }
            client
        }))
    }

    /// Calls the machine.
    pub fn with<R>(&mut self, use_it: impl FnOnce(&mut Client<'_>) -> R) -> R {
        self.0.with_dependent_mut(|_, client| use_it(client))
    }

    /// Looks at the machine.
    pub fn look<R>(&self, look: impl FnOnce(&Client<'_>) -> R) -> R {
        self.0.with_dependent(|_, client| look(client))
    }
}

impl ServerMemory {
    fn new(sizes: &Sizes) -> Self {
        // The header of a stored text takes one word.
        const WORDS_PER_MAIL: usize = 1 + MAIL_LEN_MAX.div_ceil(4);
        const WORDS_PER_TEXT: usize = 1 + TEXT_LEN_MAX.div_ceil(4);
        Self {
            names: vec![NameSlot::VACANT; sizes.names],
            connections: (0..sizes.names).map(|_| ConnectionSlot::VACANT).collect(),
            name_index: vec![0; 2 * sizes.names],
            name_counts: vec![CountSlot::VACANT; 2 * sizes.names],
            session_index: vec![0; 4 * sizes.names],
            sources: vec![SourceSlot::VACANT; sizes.sources],
            in_flight: vec![InFlightSlot::VACANT; 32 * sizes.names],
            changes: vec![ChangeSlot::VACANT; sizes.changes],
            mail: vec![MailSlot::VACANT; sizes.mail],
            mail_texts: vec![0; WORDS_PER_MAIL * sizes.mail],
            mail_counts: vec![CountSlot::VACANT; 2 * sizes.mail],
            log: vec![LogSlot::VACANT; sizes.log],
            log_texts: vec![0; WORDS_PER_TEXT * sizes.log],
            journal: vec![JournalSlot::VACANT; sizes.journal],
            restrictions: vec![RestrictionSlot::VACANT; 2 * sizes.names + 8],
            keys: vec![KeySlot::VACANT; KEYS],
        }
    }
}

impl ServerMachine {
    /// A new process, with nothing restored yet.
    pub fn new(sizes: &Sizes, world_keys: Keys, choices: &mut dyn Choices) -> Self {
        let memory = ServerMemory::new(sizes);
        let config = ServerConfig {
            window: sizes.window,
            mail_per_name: sizes.mail_per_name,
            mail_share: sizes.share,
            log_share: sizes.share,
            recent_entries: sizes.recent,
            rates: sizes.rates,
            keep_s: sizes.keep_s,
            ..ServerConfig::default()
        };
        let mut seed = seed(choices);
        Self(ServerCell::new(MutBorrow::new(memory), |memory| {
            let ServerMemory {
                names,
                connections,
                name_index,
                name_counts,
                session_index,
                sources,
                in_flight,
                changes,
                mail,
                mail_texts,
                mail_counts,
                log,
                log_texts,
                journal,
                restrictions,
                keys,
            } = memory.borrow_mut();
            let storage = ServerStorage {
                names,
                connections,
                name_index,
                name_counts,
                session_index,
                sources,
                in_flight,
                changes,
                mail,
                mail_texts,
                mail_counts,
                log,
                log_texts,
                journal,
            };
            let identity = world_keys.identity(Holder::Server);
            let mut server = Server::new(config, storage, identity, Seed::new(&mut seed))
                .expect("the sizes of a plan are valid");
            server.moderate(restrictions);
            if world_keys.tells_handshakes {
                server.log_keys(keys);
            } else {
                server.log_session_keys(keys);
            }
            server
        }))
    }

    /// Calls the machine.
    pub fn with<R>(&mut self, use_it: impl FnOnce(&mut Server<'_>) -> R) -> R {
        self.0.with_dependent_mut(|_, server| use_it(server))
    }

    /// Reads the machine.
    pub fn look<R>(&self, look: impl FnOnce(&Server<'_>) -> R) -> R {
        self.0.with_dependent(|_, server| look(server))
    }
}

/// The environment of a machine in the world, and its faults.
pub struct Body {
    /// The process in the world.
    node: Node,
    /// The address of the process.
    pub address: SocketAddr,
    /// The datagram that the network did not take.
    pub outgoing: TransmitQueue,
    /// Datagrams that arrived while the process was stopped.
    pub inbox: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Difference between the clocks of the world and of the machine, in ms.
    pub behind: Millis,
    /// The pause, if the process is stopped.
    pub pause: Option<Pause>,
    /// Whether the socket takes nothing.
    pub socket_full: bool,
    /// Whether the next datagram was offered to the socket before.
    offered: bool,
    /// Outputs until the process crashes.
    pub outputs_left: Option<u32>,
    /// The deadline of the process, in world time.
    pub next_deadline: Option<Millis>,
}

/// The pause of a stopped process.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// The start of the pause, in world time.
    pub since: Millis,
    /// Whether the clock of the machine is stopped, too.
    pub suspended: bool,
}

/// Time until an adapter tries a full display or socket again, in ms.
const CLOGGED: Millis = 20;
/// Datagrams that a socket queues for a stopped process.
const INBOX_MAX: usize = 64;

impl Body {
    /// Creates the environment of a new process. Its machine started before the world or with the
    /// process.
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

    /// Returns the clock of the machine.
    pub fn clock(&self, now: Millis) -> Instant {
        Instant::from_millis(now - self.behind)
    }

    /// Returns the world time of a time on the machine's clock.
    pub fn world_time(&self, at: Instant) -> Millis {
        at.as_millis() + self.behind
    }

    /// Queues a datagram for later; returns false if the socket is full.
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
        // A datagram counts as sent when it is built. A datagram that arrives before the socket
        // takes it cannot answer it.
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

    /// Sets the deadline of the machine, or of its display; returns whether that is now.
    pub fn schedule_wake(
        &mut self,
        medium: &mut Medium,
        timeout: Option<Instant>,
        display: Option<Millis>,
        clogged: bool,
    ) -> bool {
        let mut timeout = timeout.map(|timeout| self.world_time(timeout));
        if clogged || self.socket_full {
            timeout = timeout.map(|at| at.max(medium.now + CLOGGED));
        }
        let Some(at) = [timeout, display].into_iter().flatten().min() else {
            self.next_deadline = None;
            return false;
        };
        if at <= medium.now {
            return true;
        }
        if self.next_deadline != Some(at) {
            self.next_deadline = Some(at);
            medium.queue.schedule(at, Event::Wake(self.node));
        }
        false
    }

    /// Returns whether the process crashes before its next output.
    pub fn is_dying(&self) -> bool {
        self.outputs_left == Some(0)
    }

    /// Counts an output.
    pub fn count_output(&mut self) {
        if let Some(left) = &mut self.outputs_left {
            *left -= 1;
        }
    }
}
