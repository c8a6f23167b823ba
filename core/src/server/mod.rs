//! The server: the names, the table, the channel log, and what is kept for those who are away.

mod channel;
mod cookies;
mod event;
mod expiry;
mod feed;
mod mailbox;
mod memory;
mod persist;
mod recall;
mod registration;
mod requests;
mod restore;
mod roster;
mod sources;
mod storage;

use core::net::SocketAddr;

pub use event::{Departure, ServerEvent};
pub use memory::ServerMemory;
pub use persist::{NameRecord, Persist, Record, StoreFailed, Ticket};
pub use registration::Allowed;
pub use restore::RestoreError;
pub use sources::{RateLimits, SourceSlot};
pub use storage::{
    ChangeSlot, FlightSlot, JournalSlot, LogSlot, MailSlot, NameSlot, ServerStorage,
};

use crate::containers::{Index, List, Slots};
use crate::crypto::{Entropy, Key, Seed};
use crate::crypto::{Identity, PublicKey};
use crate::driver::{Endpoint, StorageError, TableEntry, Transmit};
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::{BODY_LEN_MAX, DATAGRAM_LEN_MAX};
use crate::name::Name;
use crate::retry::{RetryPolicy, note_time};
use crate::session::Sessions;
use crate::session::connection::{Expired, Wants};
use crate::session::key_log::{KeyLog, KeySlot, LoggedKey};
use crate::session::reply::Reply;
use crate::stats::Stats;
use crate::time::{Instant, UnixSeconds};
use crate::wire::Datagram;
use channel::Channel;
use cookies::Cookies;
use event::Pending;
use feed::News;
use mailbox::Mail;
use persist::JournalRing;
use sources::Sources;
use storage::NameList;

/// Timers that one call of `handle_timeout` runs at most: it bounds the events that one input can cause.
const TIMERS_PER_CALL: usize = 8;
/// Time between two events that strangers can cause as often as they like.
const SPARING_EVENT_MS: u64 = 5_000;
/// Events that wait to be polled at most.
const EVENTS_MAX: usize = 16;

/// What a server is told when it is made.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// How everything that waits for an answer is repeated.
    pub retry: RetryPolicy,
    /// Numbered frames that each client may have on the way to us, at least 1.
    pub window: u16,
    /// Messages that are kept for one name at most.
    pub mail_per_name: u32,
    /// Milliseconds of silence after which a client is asked for a sign of life: three of its keep-alives.
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
pub struct Server<'a> {
    retry: RetryPolicy,
    window: u16,
    mail_per_name: u32,
    silence_ms: u64,
    keep_s: u32,

    identity: Identity,
    entropy: Entropy,
    hash_key: Key,
    cookies: Cookies,
    /// The life of the channel log, and of the table, that our numbers belong to.
    epoch: u64,
    table_epoch: u64,
    now: Instant,
    woke_at: Instant,
    wall: UnixSeconds,

    names: Slots<'a, NameSlot>,
    index: Index<'a>,
    sessions: Sessions<'a>,
    sources: Sources<'a>,
    /// Names so far: slots below this are in use.
    names_used: u32,
    flights: &'a mut [FlightSlot],
    flights_each: u32,
    silence: List<NameList>,
    held: List<NameList>,
    log_feed: List<NameList>,
    table_feed: List<NameList>,
    unstable: List<NameList>,
    progress: List<NameList>,
    recalls: List<NameList>,
    away: List<NameList>,
    vacated: List<NameList>,

    changes: Slots<'a, ChangeSlot>,
    /// Changes up to this version may speak of names whose slots have gone to others.
    changes_floor: u32,
    /// Versions of the table so far, and places in the common order of messages and changes.
    table_version: u32,
    order: u64,

    mail: Mail<'a>,
    channel: Channel<'a>,
    journal: JournalRing<'a>,
    epoch_stored: bool,
    store_failing: bool,
    store_again_at: Instant,

    events: heapless::Deque<Pending, EVENTS_MAX>,
    events_lost: u32,
    sparingly_again_at: Instant,
    /// The name in the refusal that was polled last.
    refused_name: Name,
    /// Who may register at all, by name; `None` for everybody.
    allowed: Option<&'a [Allowed]>,
    /// Requests whose registrations could not be stored lately, by their session ids.
    not_stored: heapless::Deque<u64, 8>,
    /// An answer that needs no session.
    reply: Option<Reply>,
    key_log: KeyLog<'a>,
    /// Where texts and pages are put together.
    scratch: [u8; BODY_LEN_MAX],
    stats: Stats,
}

impl core::fmt::Debug for Server<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server")
            .field("names", &self.names_used)
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
        let names = Slots::new(storage.names).ok_or(StorageError("names"))?;
        let index =
            Index::new(storage.name_index, names.len()).ok_or(StorageError("name_index"))?;
        let sessions = Sessions::new(
            storage.connections,
            storage.session_index,
            names.len(),
            entropy.key(),
        )
        .ok_or(StorageError("session_index"))?;
        let flights_each = u32::try_from(storage.flights.len())
            .ok()
            .and_then(|flights| flights.checked_div(names.len()))
            .filter(|each| *each >= 2)
            .ok_or(StorageError("flights"))?;
        let sources = Sources::new(storage.sources, config.rates, entropy.key())?;
        Ok(Self {
            retry: RetryPolicy {
                interval_ms: config.retry.interval_ms.max(1),
                ..config.retry
            },
            window: config.window.max(1),
            mail_per_name: config.mail_per_name,
            silence_ms: config.silence_ms.max(1).into(),
            keep_s: config.keep_s.max(1),
            hash_key: entropy.key(),
            cookies: Cookies::new(entropy.key()),
            epoch: entropy.draw(),
            table_epoch: entropy.draw(),
            identity,
            entropy,
            now: Instant::ZERO,
            woke_at: Instant::ZERO,
            wall: UnixSeconds(0),
            names,
            index,
            sessions,
            sources,
            names_used: 0,
            flights: storage.flights,
            flights_each,
            silence: List::new(NameList::Silence),
            held: List::new(NameList::Held),
            log_feed: List::new(NameList::LogFeed),
            table_feed: List::new(NameList::TableFeed),
            unstable: List::new(NameList::Unstable),
            progress: List::new(NameList::Progress),
            recalls: List::new(NameList::Recall),
            away: List::new(NameList::Away),
            vacated: List::new(NameList::Vacated),
            changes: Slots::new(storage.changes).ok_or(StorageError("changes"))?,
            changes_floor: 0,
            table_version: 0,
            order: 0,
            mail: Mail::new(storage.mail, storage.mail_texts)?,
            channel: Channel::new(storage.log, storage.log_texts)?,
            journal: JournalRing::new(storage.journal)?,
            epoch_stored: false,
            store_failing: false,
            store_again_at: Instant::ZERO,
            events: heapless::Deque::new(),
            events_lost: 0,
            sparingly_again_at: Instant::ZERO,
            refused_name: Name::VACANT,
            allowed: None,
            not_stored: heapless::Deque::new(),
            reply: None,
            key_log: KeyLog::off(),
            scratch: [0; BODY_LEN_MAX],
            stats: Stats::default(),
        })
    }

    /// From now on only these may register, which are sorted by name: whoever is here stays. Cost: the logarithm of their
    /// number, for each registration.
    pub fn admit_only(&mut self, allowed: &'a [Allowed]) {
        debug_assert!(allowed.is_sorted_by(|one, next| one.name.as_str() <= next.name.as_str()));
        self.allowed = Some(allowed);
    }

    /// The server's own public key.
    pub fn key(&self) -> PublicKey {
        self.identity.public()
    }

    /// Tells the time of day, for the stamps of messages: once a turn is enough.
    pub fn handle_wall_clock(&mut self, now: UnixSeconds) {
        self.wall = now;
    }

    /// Takes the next event for the log.
    pub fn poll_event(&mut self) -> Option<ServerEvent<'_>> {
        let Some(pending) = self.events.pop_front() else {
            let count = core::mem::take(&mut self.events_lost);
            return (count != 0).then_some(ServerEvent::EventsLost { count });
        };
        let name = |slot| self.names.at(slot).name.as_str();
        Some(match pending {
            Pending::Registered { slot, returning } => {
                let address = self.names.at(slot).address.get();
                ServerEvent::Registered {
                    name: name(slot),
                    address,
                    returning,
                }
            }
            Pending::Departed { slot, reason } => ServerEvent::Departed {
                name: name(slot),
                reason,
            },
            Pending::Refused {
                name,
                address,
                reason,
            } => {
                // The name is lent from where the event lay.
                self.refused_name = name;
                ServerEvent::Refused {
                    name: self.refused_name.as_str(),
                    address,
                    reason,
                }
            }
            Pending::ForeignVersion { address, version } => {
                ServerEvent::ForeignVersion { address, version }
            }
            Pending::Throttled { slot } => ServerEvent::Throttled { name: name(slot) },
            Pending::Forgotten { slot } => ServerEvent::Forgotten { name: name(slot) },
            Pending::StoreFailed => ServerEvent::StoreFailed,
            Pending::StoreRecovered => ServerEvent::StoreRecovered,
        })
    }

    /// From now on [`poll_key_log`](Endpoint::poll_key_log) gives every key that comes into use. Whoever reads them
    /// reads everything that is sent in sessions; meant for tools. As many wait as there are slots.
    pub fn log_keys(&mut self, slots: &'a mut [KeySlot]) {
        self.key_log = KeyLog::new(slots);
    }

    /// As [`log_keys`](Self::log_keys), without the keys of handshakes: to compute these takes as long as the handshakes.
    pub fn log_session_keys(&mut self, slots: &'a mut [KeySlot]) {
        self.key_log = KeyLog::of_sessions(slots);
    }

    /// The table as others have it. Walks all names.
    pub fn table(&self) -> impl Iterator<Item = TableEntry<'_>> {
        self.names
            .iter()
            .filter(|name| name.is_listed() && !name.forgetting)
            .map(|name| TableEntry {
                name: name.name.as_str(),
                address: name.announced_address.get(),
                online: name.announced_online,
            })
    }

    /// How full everything is. Walks all names.
    pub fn usage(&self) -> Usage {
        let of = |used, most| Gauge { used, most };
        let online = self.table().filter(|entry| entry.online).count();
        Usage {
            names: of(self.names_used, self.names.len()),
            online: u32::try_from(online).unwrap_or(u32::MAX),
            kept_messages: of(self.mail.used(), self.mail.slots.len()),
            mail_per_name: self.mail_per_name,
            channel_messages: of(self.channel.used(), self.channel.len()),
            records: of(self.journal.used(), self.journal.len()),
        }
    }

    /// Counters since this server was made.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn answer(&mut self, reply: Option<Reply>) {
        self.reply = reply;
    }

    fn report(&mut self, event: Pending) {
        if self.events.push_back(event).is_err() {
            self.events_lost = self.events_lost.saturating_add(1);
        }
    }

    /// Strangers do not fill the log: one such event every few seconds is enough, the counters have the rest.
    fn report_sparingly(&mut self, event: Pending) {
        if self.now >= self.sparingly_again_at {
            self.sparingly_again_at = self.now.plus_millis(SPARING_EVENT_MS);
            self.report(event);
        }
    }

    fn note_time(&mut self, now: Instant) {
        note_time(&mut self.now, &mut self.woke_at, now, self.retry);
    }

    fn find(&self, name: &str) -> Option<u32> {
        let hash = self.hash_key.hash(name.as_bytes());
        self.index.find(hash, |slot| {
            self.names.at(slot).name.as_bytes() == name.as_bytes()
        })
    }

    /// Puts a name into the lists it belongs to, after anything about it or its session has changed.
    fn attend(&mut self, slot: u32) {
        self.attend_with(slot, News::Perhaps);
    }

    fn attend_with(&mut self, slot: u32, news: News) {
        let connection = self.sessions.at(slot);
        let (wants, holds) = (
            connection.wants() != Wants::Nothing,
            connection.is_ack_delayed(),
        );
        if holds {
            self.held.push(&mut self.names, slot);
        } else {
            self.held.remove(&mut self.names, slot);
        }
        let room = self.may_add(slot);
        let due = wants || (news == News::Perhaps && room && self.next_flight(slot).is_some());
        self.sessions.set_ready(slot, due);
        let name = self.names.at(slot);
        let waits = room && !due && name.is_here() && !name.registering;
        self.feed(slot, waits);
        let (now, retry) = (self.now, self.retry);
        let connection = self.sessions.at_mut(slot);
        connection.wait_for_window(now, retry);
        self.sessions.list_deadline(slot);
    }
}

impl Endpoint for Server<'_> {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        self.note_time(now);
        self.stats.received.count_bytes(datagram.len());
        let parsed = Datagram::parse(&self.identity, datagram);
        if parsed.is_ok() {
            self.stats.received.count_kind(datagram);
        }
        match parsed {
            Ok(Datagram::Data { to, .. }) => self.take_data(from, to, datagram),
            Ok(Datagram::CookieRequest { id }) => self.take_cookie_request(from, id),
            Ok(Datagram::Hello(hello)) => self.take_hello(from, &hello),
            Ok(Datagram::Reset { echo, token }) => self.take_reset(from, echo, token),
            Ok(_) => self.stats.drop(DropReason::Unexpected),
            Err(reason) => {
                if reason == DropReason::ForeignVersion {
                    self.answer(Reply::foreign_version(&self.identity, from, datagram));
                    let version = datagram.first().copied().unwrap_or_default();
                    self.report_sparingly(Pending::ForeignVersion {
                        address: from,
                        version,
                    });
                }
                self.stats.drop(reason)
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.note_time(now);
        for _ in 0..TIMERS_PER_CALL {
            let Some(slot) = self.silence.first() else {
                break;
            };
            if self.now.millis_since(self.names.at(slot).heard_at) < self.silence_ms {
                break;
            }
            self.watch(slot);
        }
        for _ in 0..TIMERS_PER_CALL {
            if !self.expire_one() {
                break;
            }
        }
        for _ in 0..TIMERS_PER_CALL {
            let Some(slot) = self.held.first() else {
                break;
            };
            let name = self.names.at_mut(slot);
            if name.held_until > self.now {
                break;
            }
            self.sessions.at_mut(slot).flush_ack();
            self.attend(slot);
        }
        for _ in 0..TIMERS_PER_CALL {
            let Some((slot, deadline)) = self.sessions.first_deadline() else {
                break;
            };
            if deadline.is_some_and(|deadline| deadline > self.now) {
                break;
            }
            let (now, woke_at, retry) = (self.now, self.woke_at, self.retry);
            match self
                .sessions
                .at_mut(slot)
                .expire(now, woke_at, retry, &mut self.stats)
            {
                Expired::Waits => self.attend(slot),
                Expired::GaveUp => self.depart(slot, Departure::Silent),
            }
        }
    }

    fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> Option<Transmit> {
        self.note_time(now);
        let transmit = self.transmit(out)?;
        self.stats.sent.count_bytes(transmit.len);
        self.stats.sent.count_kind(out);
        Some(transmit)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.reply.is_some()
            || self.sessions.has_ready()
            || self.feed_is_behind()
            || !self.events.is_empty()
            || self.has_record_due();
        if waiting {
            return Some(self.now);
        }
        let deadline = self
            .sessions
            .first_deadline()
            .and_then(|(_, deadline)| deadline);
        let held = self.held.first().map(|slot| self.names.at(slot).held_until);
        let silence = self
            .silence
            .first()
            .map(|slot| self.names.at(slot).heard_at.plus_millis(self.silence_ms));
        [
            deadline,
            held,
            silence,
            self.store_deadline(),
            self.recall_deadline(),
            self.expiry_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn poll_key_log(&mut self) -> Option<LoggedKey> {
        self.key_log.pop()
    }
}

impl Drop for Server<'_> {
    /// Wipes the secrets of the sessions, which lie in the storage.
    fn drop(&mut self) {
        for slot in 0..self.names_used {
            self.sessions.at_mut(slot).wipe();
        }
    }
}
