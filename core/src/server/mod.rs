//! The server: the names, the table, the channel log, and what is kept for those who are away.

mod absence;
mod admission;
mod channel_cursor;
mod channel_log;
mod contest;
mod delivery;
mod endpoint;
mod event;
mod event_queue;
mod feed;
mod in_flight;
mod journal;
mod listing;
mod liveness;
mod mailboxes;
mod membership;
mod memory;
mod name_list;
mod name_slot;
mod origin;
mod persistence;
mod process;
mod quotas;
mod record;
mod registration;
mod requests;
mod restart_notices;
mod restore;
mod results;
mod roster;
mod routes;
mod send_queue;
mod storage;
mod table;

pub use admission::Allowed;
pub use channel_log::LogSlot;
pub use event::{Departure, ServerEvent};
pub use in_flight::FlightSlot;
pub use journal::JournalSlot;
pub use mailboxes::MailSlot;
pub use memory::ServerMemory;
pub use name_slot::NameSlot;
pub use quotas::{RateLimits, SourceSlot};
pub use record::{NameRecord, Persist, Record, StoreFailed, Ticket};
pub use restore::RestoreError;
pub use storage::ServerStorage;
pub use table::ChangeSlot;

use crate::crypto::{Entropy, Identity, PublicKey, Seed};
use crate::driver::{StorageError, TableEntry};
use crate::limits::BODY_LEN_MAX;
use crate::retry::RetryPolicy;
use crate::session::key_log::{KeyLog, KeySlot};
use crate::session::{Clock, Connections, Cookies, Handshakes, Sessions};
use crate::stats::Stats;
use crate::time::UnixSeconds;
use absence::Absence;
use admission::Admission;
use channel_log::ChannelLog;
use event_queue::EventQueue;
use feed::Feed;
use in_flight::InFlight;
use journal::Journal;
use liveness::Liveness;
use mailboxes::Mailboxes;
use quotas::Quotas;
use restart_notices::RestartNotices;
use roster::Roster;
use table::TableChanges;

/// What a server is told when it is made.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// How everything that waits for an answer is repeated.
    pub retry: RetryPolicy,
    /// Numbered frames that each client may have on the way to us, at least 1.
    pub window: u16,
    /// Messages that are kept for one name at most.
    pub mail_per_name: u32,
    /// Milliseconds of silence after which a client is asked for a sign of life: three of its
    /// keep-alives.
    pub silence_ms: u32,
    /// What one source may ask for.
    pub rates: RateLimits,
    /// Seconds after which a name that is away is forgotten, with what waits for it.
    pub keep_s: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::DEFAULT,
            window: 32,
            mail_per_name: 1_000,
            silence_ms: 60_000,
            rates: RateLimits::default(),
            keep_s: 30 * 24 * 60 * 60,
        }
    }
}

/// How full something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// What is in it.
    pub used: u32,
    /// What fits.
    pub most: u32,
}

/// How full a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Names, present and absent.
    pub names: Gauge,
    /// Those of them that are active.
    pub online: u32,
    /// Messages that are kept, receipts that are under way among them.
    pub kept_messages: Gauge,
    /// Messages that are kept for one name at most.
    pub mail_per_name: u32,
    /// Entries of the channel log.
    pub channel_messages: Gauge,
    /// Records that are with the store.
    pub records: Gauge,
}

/// A server as a state machine; the contract is stated in the [crate's documentation](crate).
///
/// It only routes between its parts, none of which knows it.
pub struct Server<'a> {
    window: u16,
    sessions: Sessions<'a>,

    wall: UnixSeconds,
    /// Places in the common order of messages and changes of the table, so far.
    order: u64,
    roster: Roster<'a>,
    admission: Admission<'a>,
    quotas: Quotas<'a>,
    liveness: Liveness,
    absence: Absence,
    notices: RestartNotices,
    mail: Mailboxes<'a>,
    channel: ChannelLog<'a>,
    table: TableChanges<'a>,
    in_flight: InFlight<'a>,
    feed: Feed,
    journal: Journal<'a>,
    events: EventQueue,
    /// Where texts and pages are put together.
    scratch: [u8; BODY_LEN_MAX],
}

impl core::fmt::Debug for Server<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server")
            .field("names", &self.roster.used())
            .finish_non_exhaustive()
    }
}

impl<'a> Server<'a> {
    /// A server of an empty room. What a store holds is given to [`restore`](Self::restore) next.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that is too small.
    pub fn new(
        config: ServerConfig,
        storage: ServerStorage<'a>,
        identity: Identity,
        seed: Seed,
    ) -> Result<Self, StorageError> {
        let mut entropy = Entropy::new(identity.suite(), seed);
        let session_key = entropy.key();
        let quotas_key = entropy.key();
        let roster = Roster::new(storage.names, storage.name_index, entropy.key())?;
        let names = roster.capacity();
        let connections = Connections::new(
            storage.connections,
            storage.session_index,
            names,
            session_key,
        )
        .ok_or(StorageError("session_index"))?;
        let cookies = Cookies::new(entropy.key());
        let (epoch, table_epoch) = (entropy.draw(), entropy.draw());
        let handshakes = Handshakes::new(identity, entropy);
        let clock = Clock::new(config.retry);
        let sessions = Sessions::new(connections, handshakes, clock, Some(cookies));
        Ok(Self {
            window: config.window.max(1),
            in_flight: InFlight::new(storage.flights, names)?,
            quotas: Quotas::new(storage.sources, config.rates, quotas_key)?,
            journal: Journal::new(storage.journal, epoch)?,
            table: TableChanges::new(storage.changes, table_epoch)?,
            sessions,
            wall: UnixSeconds(0),
            order: 0,
            roster,
            admission: Admission::new(),
            liveness: Liveness::new(config.silence_ms),
            absence: Absence::new(config.keep_s),
            notices: RestartNotices::new(),
            mail: Mailboxes::new(storage.mail, storage.mail_texts, config.mail_per_name)?,
            channel: ChannelLog::new(storage.log, storage.log_texts)?,
            feed: Feed::new(),
            events: EventQueue::new(),
            scratch: [0; BODY_LEN_MAX],
        })
    }

    /// From now on only these may register, which are sorted by name: whoever is here stays. Cost:
    /// the logarithm of their number, for each registration.
    pub fn admit_only(&mut self, allowed: &'a [Allowed]) {
        self.admission.admit_only(allowed);
    }

    /// The server's own public key.
    pub fn key(&self) -> PublicKey {
        self.sessions.identity().public()
    }

    /// Tells the time of day, for the stamps of messages: once a turn is enough.
    pub fn handle_wall_clock(&mut self, now: UnixSeconds) {
        self.wall = now;
    }

    /// Takes the next event for the log.
    pub fn poll_event(&mut self) -> Option<ServerEvent<'_>> {
        let roster = &self.roster;
        self.events.poll(|slot| {
            let name = roster.at(slot);
            (name.name.as_str(), name.process.address().get())
        })
    }

    /// From now on [`poll_key_log`](Endpoint::poll_key_log) gives every key that comes into use.
    /// Whoever reads them reads everything that is sent in sessions; meant for tools. As many wait
    /// as there are slots.
    pub fn log_keys(&mut self, slots: &'a mut [KeySlot]) {
        *self.sessions.handshakes().key_log() = KeyLog::new(slots);
    }

    /// As [`log_keys`](Self::log_keys), without the keys of handshakes: to compute these takes as
    /// long as the handshakes.
    pub fn log_session_keys(&mut self, slots: &'a mut [KeySlot]) {
        *self.sessions.handshakes().key_log() = KeyLog::of_sessions(slots);
    }

    /// The table as others have it. Walks all names.
    pub fn table(&self) -> impl Iterator<Item = TableEntry<'_>> {
        self.roster
            .slots()
            .iter()
            .filter(|name| name.listing.is_listed() && !name.membership.is_expiring())
            .map(|name| TableEntry {
                name: name.name.as_str(),
                address: name.listing.address().get(),
                online: name.listing.is_online(),
            })
    }

    /// How full everything is. Walks all names.
    pub fn usage(&self) -> Usage {
        let of = |used, most| Gauge { used, most };
        let online = self.table().filter(|entry| entry.online).count();
        Usage {
            names: of(self.roster.used(), self.roster.capacity()),
            online: u32::try_from(online).unwrap_or(u32::MAX),
            kept_messages: of(self.mail.used(), self.mail.capacity()),
            mail_per_name: self.mail.per_name(),
            channel_messages: of(self.channel.used(), self.channel.capacity()),
            records: of(self.journal.used(), self.journal.capacity()),
        }
    }

    /// Counters since this server was made.
    pub fn stats(&self) -> &Stats {
        self.sessions.stats()
    }
}
