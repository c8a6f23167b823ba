//! The client as a composition of parts. The other files of this folder that have an `impl Client`
//! route between them.

use super::config::ClientConfig;
use super::dedup::Dedup;
use super::events::Events;
use super::inbox::Inbox;
use super::message_keys::MessageKeys;
use super::outbox::Outbox;
use super::peers::Peers;
use super::pins::Pins;
use super::registration::Registration;
use super::requests::Requests;
use super::server_link::ServerLink;
use super::server_log::ServerLog;
use super::storage::ClientStorage;
use super::table_sync::TableSync;
use crate::crypto::{Entropy, Identity, PublicKey, Seed};
use crate::driver::{StorageError, TableEntry};
use crate::name::Name;
use crate::rate::Bucket;
use crate::session::key_log::{KeyLog, KeySlot};
use crate::session::{Clock, Connections, Handshakes, Sessions};
use crate::stats::Stats;

/// A client as a state machine; the contract is stated in the [crate's documentation](crate).
pub struct Client<'a> {
    pub(super) name: Name,
    /// This process: 64 random bits that everyone learns.
    pub(super) incarnation: u64,
    pub(super) window: u16,

    pub(super) sessions: Sessions<'a>,
    /// Handshakes so far.
    pub(super) openings: u32,
    /// What callers may ask for.
    pub(super) calls: Bucket,

    pub(super) server: ServerLink,
    pub(super) registration: Registration,
    pub(super) table: TableSync,
    pub(super) peers: Peers<'a>,
    pub(super) pins: Pins,
    pub(super) message_keys: MessageKeys,
    pub(super) outbox: Outbox<'a>,
    pub(super) requests: Requests,
    pub(super) inbox: Inbox,
    pub(super) server_log: ServerLog,
    pub(super) dedup: Dedup<'a>,
    pub(super) events: Events,
}

impl<'a> Client<'a> {
    /// A client that is not registered: give it
    /// [`Command::Register`](crate::Command::Register) first.
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
        let mut entropy = Entropy::new(identity.suite(), seed);
        let message_keys = MessageKeys::new(&identity, entropy.secret());
        let session_key = entropy.key();
        let incarnation = entropy.draw();
        let peers = Peers::new(peers, names, entropy.key())?;
        let outbox = Outbox::new(outbox).ok_or(StorageError("outbox"))?;
        let connections =
            Connections::new(connections, sessions, peers.capacity() + 1, session_key)
                .ok_or(StorageError("sessions"))?;
        let handshakes = Handshakes::new(identity, entropy);
        let sessions = Sessions::new(connections, handshakes, Clock::new(config.retry), None);
        Ok(Self {
            name: config.name,
            incarnation,
            window: config.window.max(1),
            sessions,
            openings: 0,
            calls: Bucket::FULL,
            server: ServerLink::new(config.server),
            registration: Registration::new(config.keep_alive_ms),
            table: TableSync::START,
            peers,
            pins: Pins::NONE,
            message_keys,
            outbox,
            requests: Requests::NONE,
            inbox: Inbox::EMPTY,
            server_log: ServerLog::START,
            dedup: Dedup::new(windows),
            events: Events::NONE,
        })
    }

    /// From now on [`poll_key_log`](crate::Endpoint::poll_key_log) gives every key that comes into
    /// use. Whoever reads them reads everything; meant for tools. As many wait as there are slots.
    pub fn log_keys(&mut self, slots: &'a mut [KeySlot]) {
        *self.sessions.handshakes().key_log() = KeyLog::new(slots);
    }

    /// As [`log_keys`](Self::log_keys), without the keys of handshakes: to compute these takes as
    /// long as the handshakes.
    pub fn log_session_keys(&mut self, slots: &'a mut [KeySlot]) {
        *self.sessions.handshakes().key_log() = KeyLog::of_sessions(slots);
    }

    /// The table as far as this client has it, oneself included. Walks all slots.
    pub fn table(&self) -> impl Iterator<Item = TableEntry<'_>> {
        self.peers.table()
    }

    /// True while no command is unsettled.
    pub fn is_idle(&self) -> bool {
        self.outbox.used() == 0 && !self.registration.is_on_the_way()
    }

    /// True from the first table after a registration until the deregistration is done.
    pub fn is_registered(&self) -> bool {
        self.registration.is_active()
    }

    /// One's own public key.
    pub fn key(&self) -> PublicKey {
        self.sessions.identity().public()
    }

    /// One's own name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Counters since this client was made.
    pub fn stats(&self) -> &Stats {
        self.sessions.stats()
    }
}

impl core::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("registration", &self.registration)
            .finish_non_exhaustive()
    }
}

impl Drop for Client<'_> {
    /// Wipes the secrets of messages; those of sessions wipe themselves.
    fn drop(&mut self) {
        self.message_keys.wipe();
        for peer in self.peers.used() {
            self.peers.at_mut(peer).message_keys.wipe();
        }
    }
}
