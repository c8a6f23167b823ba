//! The client as a composition of parts. The files in `machine/` route between them.

mod calls;
mod commands;
mod data;
mod delivery;
mod endpoint;
mod frames;
#[cfg(feature = "ignore")]
mod ignore;
#[cfg(feature = "medium-keys")]
mod medium;
#[cfg(not(feature = "medium-keys"))]
#[path = "machine/no_medium.rs"]
mod medium;
mod persist;
mod roster;
mod search;
mod server;
mod sessions;
mod shown;
mod stored;
mod transmit;

use super::call_limits::CallLimits;
use super::config::{ClientConfig, RENEW_MAX_MS};
use super::dedup::Dedup;
use super::events::Events;
use super::inbox::Inbox;
#[cfg(feature = "medium-keys")]
use super::medium_keys::MediumKeys;
use super::message_keys::MessageKeys;
use super::outbox::Outbox;
use super::peers::Peers;
use super::pins::Pins;
use super::receipts::Receipts;
use super::registration::Registration;
use super::requests::Requests;
use super::server_link::ServerLink;
use super::server_log::ServerLog;
use super::storage::ClientStorage;
use super::table_sync::TableSync;
use crate::crypto::{Entropy, Identity, Key, PublicKey, Seed};
use crate::driver::{StorageError, TableEntry};
use crate::name::Name;
use crate::session::key_log::{KeyLog, KeySlot};
use crate::session::{Clock, Connections, Handshakes, Sessions};
use crate::stats::Stats;
use crate::time::{Instant, UnixSeconds};

/// A client as a state machine; the [crate's documentation](crate) states the contract.
pub struct Client<'a> {
    name: Name,
    /// The incarnation of this process: 64 public random bits.
    incarnation: u64,
    window: u16,
    renew_ms: u32,

    sessions: Sessions<'a>,
    /// The session sequence: number of handshakes so far.
    session_sequence: u32,
    call_limits: CallLimits,

    server: ServerLink,
    registration: Registration,
    table: TableSync,
    peers: Peers<'a>,
    pins: Pins<'a>,
    message_keys: MessageKeys,
    outbox: Outbox<'a>,
    requests: Requests,
    inbox: Inbox,
    receipts: Receipts,
    server_log: ServerLog,
    dedup: Dedup<'a>,
    events: Events,
}

impl<'a> Client<'a> {
    /// Creates a client that is not registered. Its first command is
    /// [`Command::Register`](crate::Command::Register).
    ///
    /// # Errors
    /// [`StorageError`] names the slice that is too small.
    pub fn new(
        config: ClientConfig,
        storage: ClientStorage<'a>,
        mut identity: Identity,
        seed: Seed<'_>,
    ) -> Result<Self, StorageError> {
        identity.join(&PublicKey::NONE, false);
        let ClientStorage {
            peers,
            connections,
            names,
            addresses,
            sessions,
            outbox,
            dedup,
            pins,
            pin_names,
        } = storage;
        let mut entropy = Entropy::new(identity.suite(), seed);
        let message_keys = MessageKeys::new(
            &identity,
            &entropy.secret(),
            #[cfg(feature = "medium-keys")]
            MediumKeys::new(config.medium_key_s),
        );
        let session_key = entropy.key();
        let incarnation = entropy.draw();
        let names_key = entropy.key();
        let peers = Peers::new(peers, names, addresses, names_key)?;
        let pins = Pins::new(pins, pin_names, names_key)?;
        let few = StorageError::new("outbox", outbox.len(), 1);
        let outbox = Outbox::new(outbox).ok_or(few)?;
        let count = peers.capacity() + 1;
        let connections = Connections::new(connections, sessions, count, session_key, "sessions")?;
        let call_limits = CallLimits::new(if cfg!(feature = "call-guard") {
            entropy.key()
        } else {
            Key::PUBLIC
        });
        let handshakes = Handshakes::new(identity, entropy);
        let sessions = Sessions::new(connections, handshakes, Clock::new(config.retry), None);
        Ok(Self {
            name: config.name,
            incarnation,
            window: config.window.max(1),
            renew_ms: config.renew_ms.min(RENEW_MAX_MS),
            sessions,
            session_sequence: 0,
            call_limits,
            server: ServerLink::new(config.server),
            registration: Registration::new(config.keep_alive_ms),
            table: TableSync::START,
            peers,
            pins,
            message_keys,
            outbox,
            requests: Requests::NONE,
            inbox: Inbox::EMPTY,
            receipts: Receipts::of(incarnation),
            server_log: ServerLog::START,
            dedup: Dedup::new(dedup),
            events: Events::NONE,
        })
    }

    /// Makes [`poll_key_log`](crate::Endpoint::poll_key_log) export every key that comes into use.
    /// A tool can decrypt all sessions with them. As many keys wait as there are slots.
    pub fn log_keys(&mut self, slots: &'a mut [KeySlot]) {
        *self.sessions.handshakes().key_log() = KeyLog::new(slots);
    }

    /// As [`log_keys`](Self::log_keys), without handshake keys. Their computation takes as long as
    /// the handshake.
    pub fn log_session_keys(&mut self, slots: &'a mut [KeySlot]) {
        *self.sessions.handshakes().key_log() = KeyLog::of_sessions(slots);
    }

    /// Sets the time of day, which goes with stored messages. One call for each poll is enough; a
    /// machine without a clock makes none.
    pub fn handle_wall_clock(&mut self, now: UnixSeconds) {
        self.outbox.set_wall(now);
    }

    /// Returns the roster as this client has it, itself included. Cost: walks all slots.
    pub fn table(&self) -> impl Iterator<Item = TableEntry<'_>> {
        self.peers.table()
    }

    /// Returns whether all commands are settled.
    pub fn is_idle(&self) -> bool {
        self.outbox.is_settled() && !self.registration.is_in_progress()
    }

    /// Returns whether the client is in the room: from the first roster after a registration until
    /// the deregistration.
    pub fn is_registered(&self) -> bool {
        self.registration.is_active()
    }

    /// Returns when the server was heard last, while it is silent: since then the roster may have
    /// changed.
    pub fn server_silent_since(&self) -> Option<Instant> {
        self.events.contact().silent_since()
    }

    /// Returns the client's own public key.
    pub fn key(&self) -> PublicKey {
        self.sessions.identity().public()
    }

    /// Returns the client's own name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the counters since the creation of this client.
    pub fn stats(&self) -> &Stats {
        self.sessions.stats()
    }
}

impl core::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("standing", &self.registration)
            .finish_non_exhaustive()
    }
}

impl Drop for Client<'_> {
    /// Wipes the message keys. Sessions wipe their own.
    fn drop(&mut self) {
        self.message_keys.wipe();
        for peer in self.peers.used() {
            self.peers.at_mut(peer).message_keys_mut().wipe();
        }
    }
}
