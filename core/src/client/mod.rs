//! The client: one person's end of the room.

mod command;
mod dedup;
mod endpoint;
mod event;
mod inbox;
mod letters;
mod link;
mod memory;
mod outbox;
mod peer;
mod queue;
mod record;
mod roster;
mod server_log;
mod storage;
mod table_sync;
mod transmit;

use core::net::SocketAddr;

pub use command::{Command, CommandError, CommandId};
pub use dedup::WindowSlot;
pub use event::{ClientEvent, MessageId, MessageStatus, Request};
pub use memory::ClientMemory;
pub use record::{ClientRecord, Shown};
pub use storage::{ClientStorage, OutboxSlot, PeerSlot};

use crate::containers::{Index, List, Slots};
use crate::crypto::{Entropy, Key, Seed};
use crate::crypto::{Identity, KEY_LEN, PublicKey};
use crate::driver::{StorageError, TableEntry};
use crate::limits::TEXT_LEN_MAX;
use crate::name::Name;
use crate::rate::Bucket;
use crate::retry::RetryPolicy;
use crate::session::Sessions;
use crate::session::connection::{Connection, Wants};
use crate::session::key_log::{KeyLog, KeySlot};
use crate::session::reply::Reply;
use crate::stats::Stats;
use crate::time::Instant;
use crate::wire::Cookie;
use dedup::Dedup;
use inbox::Inbox;
use link::Standing;
use outbox::Form;
use queue::Queue;
use server_log::ServerLog;
use storage::{PeerList, Presence};
use table_sync::TableSync;
use zeroize::Zeroize;

/// The peer slot that holds the session with the server.
const SERVER: u32 = 0;

/// What a client is told when it is made.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The name to register.
    pub name: Name,
    /// Where the server receives.
    pub server: SocketAddr,
    /// How everything that waits for an answer is repeated.
    pub retry: RetryPolicy,
    /// Numbered frames that each other side may have on the way to us, at least 1.
    pub window: u16,
    /// Milliseconds between two signs of life to the server.
    pub keep_alive_ms: u32,
}

impl ClientConfig {
    /// The protocol's default times, and a window of 128 frames.
    pub fn new(name: Name, server: SocketAddr) -> Self {
        Self {
            name,
            server,
            retry: RetryPolicy::DEFAULT,
            window: 128,
            keep_alive_ms: 20_000,
        }
    }
}

/// A client as a state machine; the contract is stated in the [crate's documentation](crate).
pub struct Client<'a> {
    name: Name,
    server: SocketAddr,
    retry: RetryPolicy,
    window: u16,
    keep_alive_ms: u64,

    identity: Identity,
    /// What the server's key is, or is said to be; whether it has proved that; and whether that is still to be told.
    server_key: PublicKey,
    server_key_proved: bool,
    server_key_untold: bool,
    /// This process: 64 random bits that everybody learns.
    incarnation: u64,
    /// The ephemeral key of this process's letters.
    letters_secret: [u8; KEY_LEN],
    letters_public: PublicKey,
    /// What callers may ask for.
    calls: Bucket,
    entropy: Entropy,
    hash_key: Key,
    now: Instant,
    woke_at: Instant,

    peers: Slots<'a, PeerSlot>,
    names: Index<'a>,
    sessions: Sessions<'a>,
    recent: List<PeerList>,
    untold_keys: List<PeerList>,
    free_peers: List<PeerList>,
    fresh_peers: u32,

    outbox: Slots<'a, OutboxSlot>,
    free_outbox: Queue,
    fresh_outbox: u32,
    outbox_used: u32,
    /// Commands so far; also counts the messages.
    commands: u32,
    /// Requests so far.
    requests: u32,
    requests_open: u32,
    /// Requests that the server acknowledged and that have no result.
    awaiting: Queue,
    /// Requests that are held back while too many have no result.
    backlog: Queue,
    /// Commands that wait for the first table.
    early: Queue,
    first_notice: u32,
    last_notice: u32,

    dedup: Dedup<'a>,
    server_log: ServerLog,
    inbox: Inbox,
    /// A session whose other side was told that there is no room.
    starved: Option<u32>,

    standing: Standing,
    registered_before: bool,
    /// This registration has asked for a session anew.
    renewed: bool,
    leaving: Option<u32>,
    /// What the server gave us to prove where we are.
    cookie: Option<Cookie>,
    /// What it asks us to prove in the present session, from another address than before.
    path_cookie: Option<Cookie>,
    openings: u32,
    table: TableSync,
    /// A caller is being looked up.
    wondering: bool,
    keep_alive_at: Instant,
    /// Until when an acknowledgement that the server is owed waits, if it does.
    held_until: Instant,

    /// The server makes us wait; and that is still to be told.
    throttled: bool,
    throttled_untold: bool,
    /// What happened apart from commands and messages.
    reports: heapless::Deque<ClientEvent<'static>, 8>,
    /// An answer that needs no session.
    reply: Option<Reply>,
    key_log: KeyLog<'a>,
    stats: Stats,
}

impl core::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

impl<'a> Client<'a> {
    /// A client that is not registered: give it [`Command::Register`] first.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that is too small.
    pub fn new(
        config: ClientConfig,
        storage: ClientStorage<'a>,
        identity: Identity,
        seed: Seed,
    ) -> Result<Self, StorageError> {
        let ClientStorage {
            peers,
            connections,
            names,
            sessions,
            outbox,
            windows,
        } = storage;
        let peers = Slots::new(peers)
            .filter(|peers| peers.len() > 1)
            .ok_or(StorageError("peers"))?;
        let names = Index::new(names, peers.len()).ok_or(StorageError("names"))?;
        let outbox = Slots::new(outbox).ok_or(StorageError("outbox"))?;
        let mut entropy = Entropy::new(identity.suite(), seed);
        let letters_secret = entropy.secret();
        let letters_public = PublicKey(identity.suite().public(&letters_secret));
        let sessions = Sessions::new(connections, sessions, peers.len(), entropy.key())
            .ok_or(StorageError("sessions"))?;
        Ok(Self {
            name: config.name,
            server: config.server,
            retry: RetryPolicy {
                interval_ms: config.retry.interval_ms.max(1),
                ..config.retry
            },
            window: config.window.max(1),
            keep_alive_ms: config.keep_alive_ms.max(1).into(),
            incarnation: entropy.draw(),
            letters_secret,
            letters_public,
            identity,
            server_key: PublicKey::NONE,
            server_key_proved: false,
            server_key_untold: false,
            calls: Bucket::FULL,
            hash_key: entropy.key(),
            entropy,
            now: Instant::ZERO,
            woke_at: Instant::ZERO,
            peers,
            names,
            sessions,
            recent: List::new(PeerList::Recent),
            untold_keys: List::new(PeerList::UntoldKey),
            free_peers: List::new(PeerList::Recent),
            fresh_peers: 1,
            outbox,
            free_outbox: Queue::EMPTY,
            fresh_outbox: 0,
            outbox_used: 0,
            commands: 0,
            requests: 0,
            requests_open: 0,
            awaiting: Queue::EMPTY,
            backlog: Queue::EMPTY,
            early: Queue::EMPTY,
            first_notice: 0,
            last_notice: 0,
            dedup: Dedup::new(windows),
            server_log: ServerLog::START,
            inbox: Inbox::EMPTY,
            starved: None,
            standing: Standing::New,
            registered_before: false,
            renewed: false,
            leaving: None,
            cookie: None,
            path_cookie: None,
            openings: 0,
            table: TableSync::START,
            wondering: false,
            keep_alive_at: Instant::ZERO,
            held_until: Instant::ZERO,
            throttled: false,
            throttled_untold: false,
            reports: heapless::Deque::new(),
            reply: None,
            key_log: KeyLog::off(),
            stats: Stats::default(),
        })
    }

    /// Takes a command. What comes of it is reported by [`poll_event`](Self::poll_event); each command but
    /// `Register` is settled by exactly one event ([`ClientEvent::settles`]). `Register` ends in
    /// [`ClientEvent::TableUpdated`], [`ClientEvent::ServerNotResponding`] or [`ClientEvent::Refused`].
    ///
    /// # Errors
    /// [`CommandError`]; nothing was sent. [`CommandError::Busy`] asks for the same command again later.
    pub fn command(
        &mut self,
        now: Instant,
        command: Command<'_>,
    ) -> Result<CommandId, CommandError> {
        self.note_time(now);
        if matches!(self.standing, Standing::Ended) {
            return Err(CommandError::Ended);
        }
        match command {
            Command::Register { name } | Command::Deregister { name }
                if name != self.name.as_str() =>
            {
                Err(CommandError::NotYourName)
            }
            _ if self.leaving.is_some() => Err(CommandError::Busy),
            Command::Register { .. } => self.register(),
            _ if !self.standing.is_in_room() => Err(CommandError::Offline),
            Command::Deregister { .. } => self.leave(),
            Command::Send { to, text } => {
                check_text(text)?;
                if self.outbox_used == self.outbox.len() {
                    return Err(CommandError::Busy);
                }
                let to = match self.find_peer(to.as_bytes()) {
                    Some(peer) => {
                        self.touch(peer);
                        peer
                    }
                    None => {
                        let name = Name::new(to).map_err(CommandError::BadName)?;
                        self.insert_peer(name).ok_or(CommandError::TableFull)?
                    }
                };
                self.enter(Form::Direct, to, text)
            }
            Command::SendAll { text } => {
                check_text(text)?;
                self.enter(Form::Post, SERVER, text)
            }
        }
    }

    /// Takes the next event. Taking a [`ClientEvent::Message`] is what acknowledges it, so a caller that has no
    /// room to show it does not ask. The acknowledgement of a message to all may go 50 ms later. Cost: that of one frame.
    pub fn poll_event(&mut self) -> Option<ClientEvent<'_>> {
        self.dedup.take_shown();
        loop {
            if let Some(report) = self.reports.pop_front() {
                return Some(report);
            }
            if core::mem::take(&mut self.throttled_untold) {
                return Some(ClientEvent::Throttled);
            }
            if let Some((slot, notice)) = self.next_notice() {
                return Some(self.notice_event(slot, notice));
            }
            match self.advance_inbox() {
                inbox::Step::Empty => return None,
                inbox::Step::Quiet => {}
                inbox::Step::Show(shown) => return Some(self.shown_event(shown)),
            }
        }
    }

    /// From now on [`poll_key_log`](crate::Endpoint::poll_key_log) gives every key that comes into use. Whoever reads them
    /// reads everything; meant for tools. As many wait as there are slots.
    pub fn log_keys(&mut self, slots: &'a mut [KeySlot]) {
        self.key_log = KeyLog::new(slots);
    }

    /// As [`log_keys`](Self::log_keys), without the keys of handshakes: to compute these takes as long as the handshakes.
    pub fn log_session_keys(&mut self, slots: &'a mut [KeySlot]) {
        self.key_log = KeyLog::of_sessions(slots);
    }

    /// The table as far as this client has it, oneself included. Walks all slots.
    pub fn table(&self) -> impl Iterator<Item = TableEntry<'_>> {
        self.peers
            .iter()
            .filter(|peer| matches!(peer.presence, Presence::Online | Presence::Offline))
            .map(|peer| TableEntry {
                name: peer.name.as_str(),
                address: peer.address.get(),
                online: peer.presence == Presence::Online,
            })
    }

    /// True while no command is unsettled.
    pub fn is_idle(&self) -> bool {
        self.outbox_used == 0 && !self.standing.is_on_the_way()
    }

    /// True from the first table after a registration until the deregistration is done.
    pub fn is_registered(&self) -> bool {
        self.standing.is_active()
    }

    /// One's own public key.
    pub fn key(&self) -> PublicKey {
        self.identity.public()
    }

    /// One's own name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Counters since this client was made.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn enter(&mut self, form: Form, to: u32, text: &str) -> Result<CommandId, CommandError> {
        let slot = self.allocate(form, to, text).ok_or(CommandError::Busy)?;
        let id = self.outbox.at(slot).id;
        if self.standing.is_active() {
            self.dispatch(slot);
        } else {
            self.early.push(&mut self.outbox, slot);
        }
        Ok(id)
    }

    fn leave(&mut self) -> Result<CommandId, CommandError> {
        let slot = self
            .allocate(Form::Leave, SERVER, "")
            .ok_or(CommandError::Busy)?;
        self.leaving = Some(slot);
        self.leave_when_settled();
        Ok(self.outbox.at(slot).id)
    }

    /// A deregistration waits until it is the only command left.
    fn leave_when_settled(&mut self) {
        if let Some(slot) = self.leaving
            && self.outbox_used == 1
            && self.standing.is_active()
            && self.outbox.at(slot).request == 0
            && self.outbox.at(slot).settled.is_none()
        {
            self.dispatch(slot);
        }
    }

    /// Puts a session into the lists it belongs to, after anything about it has changed.
    fn attend(&mut self, peer: u32) {
        let (now, retry) = (self.now, self.retry);
        let connection = self.sessions.at_mut(peer);
        let wants = connection.wants();
        if connection.outstanding() != 0 {
            connection.wait_for_window(now, retry);
        }
        self.sessions.set_ready(peer, wants != Wants::Nothing);
        self.sessions.list_deadline(peer);
    }

    /// Changes the session with a peer: opens, accepts or closes it.
    fn change_connection(&mut self, peer: u32, change: impl FnOnce(&mut Connection)) {
        self.sessions.change(peer, change);
        self.peers.at_mut(peer).last_sent = (0, 0);
        self.inbox.forget_session_of(peer);
        self.attend(peer);
    }

    fn close_connection(&mut self, peer: u32) {
        self.change_connection(peer, Connection::close);
    }
}

fn check_text(text: &str) -> Result<(), CommandError> {
    match text.len() {
        0 => Err(CommandError::EmptyText),
        len if len > TEXT_LEN_MAX => Err(CommandError::TextTooLong(len)),
        _ => Ok(()),
    }
}

impl Drop for Client<'_> {
    /// Wipes the secrets; those of sessions lie in the storage.
    fn drop(&mut self) {
        self.letters_secret.zeroize();
        for peer in 0..self.fresh_peers {
            self.sessions.at_mut(peer).wipe();
            self.peers.at_mut(peer).wipe();
        }
    }
}
