//! The server as a composition of parts. No part knows the server.

mod endpoint;
#[cfg(feature = "medium-keys")]
mod medium;
mod messages;
#[cfg(feature = "moderation")]
mod moderation;
mod persistence;
mod presence;
mod registration;
mod requests;
mod restore;
mod transmission;
#[cfg(feature = "moderation")]
mod withdrawal;

use super::absence::Absence;
use super::admission::{Admission, AllowEntry};
use super::channel_log::ChannelLog;
use super::config::ServerConfig;
use super::event::ServerEvent;
use super::event_queue::EventQueue;
use super::feed::Feed;
use super::in_flight::InFlight;
use super::journal::Journal;
use super::listing::Listed;
use super::liveness::Liveness;
use super::mail_quota::MailQuota;
use super::mailboxes::Mailboxes;
use super::name_quota::NameQuota;
use super::quotas::Quotas;
use super::restart_notices::RestartNotices;
use super::roster::Roster;
use super::storage::ServerStorage;
use super::table::TableChanges;
use super::usage::{Gauge, Usage};
use crate::crypto::{Entropy, Identity, PublicKey, Seed};
use crate::driver::{StorageError, TableEntry};
use crate::limits::BODY_LEN_MAX;
use crate::session::key_log::{KeyLog, KeySlot};
use crate::session::{Clock, Connections, Cookies, Handshakes, Sessions};
use crate::stats::Stats;
use crate::time::UnixSeconds;

/// A server as a state machine; the [crate's documentation](crate) states the contract.
///
/// The server only routes between its parts.
pub struct Server<'a> {
    sessions: Sessions<'a>,
    window: u16,
    wall: UnixSeconds,
    /// Positions used so far in the common order of messages and table changes.
    order: u64,
    roster: Roster<'a>,
    admission: Admission<'a>,
    name_quota: NameQuota<'a>,
    quotas: Quotas<'a>,
    liveness: Liveness,
    absence: Absence,
    notices: RestartNotices,
    mail: Mailboxes<'a>,
    mail_quota: MailQuota<'a>,
    channel: ChannelLog<'a>,
    table: TableChanges<'a>,
    in_flight: InFlight<'a>,
    feed: Feed,
    journal: Journal<'a>,
    events: EventQueue,
    /// Buffer for texts and pages.
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
    /// Creates the server of an empty room. The caller gives the records of a store to
    /// [`restore`](Self::restore) next.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that is too small.
    pub fn new(
        config: ServerConfig,
        storage: ServerStorage<'a>,
        identity: Identity,
        seed: Seed<'_>,
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
            "session_index",
        )?;
        let cookies = Cookies::new(entropy.key());
        let (epoch, table_epoch) = (entropy.draw(), entropy.draw());
        let handshakes = Handshakes::new(identity, entropy);
        let clock = Clock::new(config.retry);
        let name_quota = NameQuota::new(
            storage.name_counts,
            names,
            (config.names_per_key, config.names_per_source),
            quotas_key,
        )?;
        let words = u32::try_from(storage.mail_texts.len()).unwrap_or(u32::MAX);
        let mail = Mailboxes::new(storage.mail, storage.mail_texts)?;
        let mail_quota = MailQuota::new(
            storage.mail_counts,
            (mail.capacity(), words),
            (config.mail_per_name, config.mail_share),
            quotas_key,
        )?;
        Ok(Self {
            sessions: Sessions::new(connections, handshakes, clock, Some(cookies)),
            window: config.window.max(1),
            in_flight: InFlight::new(storage.in_flight, names)?,
            quotas: Quotas::new(storage.sources, config.rates, quotas_key)?,
            journal: Journal::new(storage.journal, epoch)?,
            table: TableChanges::new(storage.changes, table_epoch)?,
            wall: UnixSeconds(0),
            order: 0,
            roster,
            admission: Admission::new(config.is_name_allowed),
            name_quota,
            liveness: Liveness::new(config.silence_ms),
            absence: Absence::new(config.keep_s),
            notices: RestartNotices::new(),
            mail,
            mail_quota,
            channel: ChannelLog::new(
                storage.log,
                storage.log_texts,
                config.log_share,
                config.recent_entries,
            )?,
            feed: Feed::new(),
            events: const { EventQueue::new() },
            scratch: const { [0; BODY_LEN_MAX] },
        })
    }

    /// Allows only these names in the room from now on. Clients without an entry are put out, and
    /// their names get no more messages. The entries must be sorted by name. After a
    /// [`restore`](Self::restore), call it again. Cost: walks all names.
    pub fn set_allow_list(&mut self, allow_list: &'a [AllowEntry]) {
        self.admission.set_allow_list(allow_list);
        self.put_out_refused();
    }

    /// Returns the server's own public key.
    pub fn key(&self) -> PublicKey {
        self.sessions.identity().public()
    }

    /// Sets the time of day for the timestamps of messages. One call for each poll is enough.
    pub fn handle_wall_clock(&mut self, now: UnixSeconds) {
        self.wall = now;
        if self.admission.restrictions_mut().take_unchecked() {
            self.put_out_refused();
        }
    }

    /// Returns the next event for the log.
    pub fn poll_event(&mut self) -> Option<ServerEvent<'_>> {
        let roster = &self.roster;
        self.events.poll(|slot| {
            let name = roster.at(slot);
            (name.name(), name.process().address().get())
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

    /// Returns the table that clients get. Cost: walks all names.
    pub fn table(&self) -> impl Iterator<Item = TableEntry<'_>> {
        (0..self.roster.used())
            .map(|slot| self.roster.at(slot))
            .filter(|name| name.listing().is_listed() && !name.membership().is_expiring())
            .map(|name| TableEntry {
                name: name.name(),
                address: name.listing().address().get(),
                online: name.listing().is_online(),
                foreign_key: false,
            })
    }

    /// Returns how much of each storage is in use. Cost: walks all names.
    pub fn usage(&self) -> Usage {
        let of = |used, most| Gauge { used, most };
        let online = self.table().filter(|entry| entry.online).count();
        Usage {
            names: of(self.roster.used(), self.roster.capacity()),
            online: u32::try_from(online).unwrap_or(u32::MAX),
            kept_messages: of(self.mail.used(), self.mail.capacity()),
            mail_per_name: self.mail_quota.per_name(),
            channel_messages: of(self.channel.used(), self.channel.capacity()),
            records: of(self.journal.used(), self.journal.capacity()),
        }
    }

    /// Returns the counters since the creation of this server.
    pub fn stats(&self) -> &Stats {
        self.sessions.stats()
    }
}
