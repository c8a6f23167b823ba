//! One name: its client, and how far that has got everything.

use super::absence::{Absent, OfflineSince};
use super::channel_cursor::ChannelCursor;
use super::contest::{Contest, Ruling};
use super::journal::Stored;
use super::listing::{Listed, Listing};
use super::liveness::Heard;
use super::mailboxes::{Mailbox, Receipts};
use super::membership::{Admitted, Membership};
use super::name_list::{NameLinks, NameList};
use super::origin::Origin;
use super::process::{Process, SessionStart};
use super::record::{NameRecord, Record};
use super::restart_notices::{Notice, Noticed};
use super::results::Results;
use super::table::{NextPage, TableChanges, TableCursor};
use crate::address::PackedAddress;
use crate::containers::{Link, Linked};
use crate::name::Name;
use crate::retry::RetryPolicy;
use crate::time::Instant;
use crate::wire::{Entry, Outcome};

/// One name: its client, and how far that has got everything. A composition of parts, each of which
/// changes its own state.
///
/// What happens to the name is a verb, as it may concern several parts. Only the cursors of its
/// client are lent to the parts of the server that move them.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct NameSlot {
    name: Name,
    links: NameLinks,
    /// Stored messages, receipts and log entries that refer to it.
    references: u32,
    membership: Membership,
    /// A request in the latest datagram was not taken, because its source asks for more than its
    /// share.
    throttled: bool,
    /// The change is stored after the message with this serial number.
    stored_after: u64,
    process: Process,
    contest: Contest,
    /// When it was last heard of, or probed.
    heard_at: Instant,
    offline_since: OfflineSince,
    notice: Notice,
    listing: Listing,
    table: TableCursor,
    results: Results,
    mailbox: Mailbox,
    receipts: Receipts,
    channel: ChannelCursor,
}

impl NameSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        name: Name::VACANT,
        links: NameLinks::VACANT,
        references: 0,
        membership: Membership::VACANT,
        throttled: false,
        stored_after: 0,
        process: Process::VACANT,
        contest: Contest::None,
        heard_at: Instant::ZERO,
        offline_since: OfflineSince::VACANT,
        notice: Notice::VACANT,
        listing: Listing::VACANT,
        table: TableCursor::VACANT,
        results: Results::VACANT,
        mailbox: Mailbox::VACANT,
        receipts: Receipts::VACANT,
        channel: ChannelCursor::VACANT,
    };

    /// Gives the slot to a name without a client. Log entries before `log_next` are not for it.
    pub(super) fn replace(&mut self, name: Name, log_next: u32) {
        *self = Self {
            name,
            links: self.links.clone(),
            channel: ChannelCursor::at(log_next),
            ..Self::VACANT
        };
    }

    /// Forgets everything but the name, and what refers to it.
    pub(super) fn forget(&mut self) {
        *self = Self {
            name: self.name.clone(),
            links: self.links.clone(),
            references: self.references,
            listing: self.listing.clone(),
            ..Self::VACANT
        };
        self.mark_gone();
    }

    /// Returns the text of the name.
    pub(super) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Notes that one more stored message, receipt or log entry refers to the name.
    pub(super) fn refer(&mut self) {
        self.references += 1;
    }

    /// Notes that one stored message, receipt or log entry less refers to the name.
    pub(super) fn release(&mut self) {
        self.references -= 1;
    }

    /// Returns whether a request in the latest datagram was not taken.
    pub(super) fn is_throttled(&self) -> bool {
        self.throttled
    }

    /// Notes whether a request was not taken, because its source asks for more than its share.
    pub(super) fn set_throttled(&mut self, throttled: bool) {
        self.throttled = throttled;
    }

    /// Returns whether the slot may go to another name: no process has this one, and nothing refers
    /// to it.
    pub(super) fn may_be_replaced(&self) -> bool {
        self.membership.is_gone() && self.references == 0
    }

    // ---- its client ----

    /// Returns whether the name is in the room, and what the server knows of it.
    pub(super) fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Returns the process that has the name.
    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Returns whether this process has the name.
    pub(super) fn has_process(&self, incarnation: u64) -> bool {
        self.process.incarnation() == incarnation
    }

    /// Returns for how many seconds it has been offline.
    pub(super) fn offline_s(&self, now: Instant) -> u32 {
        if self.membership.is_here() {
            return 0;
        }
        self.offline_since.seconds(now)
    }

    /// Decides what another process is told that asks for the name under this session id.
    pub(super) fn challenge(
        &mut self,
        id: u64,
        has_session: bool,
        now: Instant,
        retry: RetryPolicy,
    ) -> Ruling {
        self.contest.challenge(id, has_session, now, retry)
    }

    /// Notes that the client was heard of.
    pub(super) fn on_heard(&mut self) {
        self.contest.on_heard();
    }

    /// Begins a session behind so many messages and changes, which is to be stored: of the same
    /// process, or of one that replaces it.
    pub(super) fn begin_session(&mut self, start: &SessionStart, order: u64) {
        self.end_session();
        let is_same = self.has_process(start.incarnation);
        if !is_same {
            self.results.begin_process();
        }
        let has_moved = self.process.begin(start);
        self.contest = Contest::None;
        self.throttled = false;
        self.membership.register(is_same, has_moved, order);
    }

    /// Notes that the registration is stored.
    pub(super) fn admit(&mut self) -> Admitted {
        self.membership.admit()
    }

    /// Takes the latest session of the process back, which could not be stored.
    pub(super) fn reject_session(&mut self) {
        self.process.reject();
    }

    /// Takes the registration back, which could not be stored.
    pub(super) fn reject_registration(&mut self) {
        self.membership.reject();
    }

    /// Notes that everything that was stored for the client is handed over.
    pub(super) fn settle(&mut self) {
        self.membership.settle();
    }

    /// Notes that the client receives somewhere else now; returns whether that is to be stored.
    pub(super) fn on_moved(&mut self, to: PackedAddress) -> bool {
        self.process.move_to(to);
        self.membership.on_moved();
        self.membership.is_here()
    }

    /// Notes that the client is not in the room any more; returns whether it was.
    pub(super) fn leave(&mut self) -> bool {
        self.membership.leave()
    }

    /// Notes that the name was offline for too long.
    pub(super) fn expire(&mut self) {
        self.membership.expire();
    }

    /// Notes that no process has the name.
    pub(super) fn mark_gone(&mut self) {
        self.membership.forget();
    }

    /// Notes that the session has ended: frames that were not acknowledged are sent again in the
    /// next one.
    pub(super) fn end_session(&mut self) {
        self.mailbox.rewind();
        self.receipts.rewind();
        self.channel.rewind();
        self.table.end_session();
        self.results.skip_unsent();
    }

    /// Makes the table say what the name is now, from this version on.
    pub(super) fn update_listing(&mut self, version: u32) {
        let (incarnation, address) = (self.process.incarnation(), self.process.address());
        self.listing = Listing::new(version, self.membership.status(), incarnation, address);
    }

    // ---- its requests ----

    /// Notes the outcome of a request; returns whether its process still has the name.
    pub(super) fn decide(&mut self, origin: Origin, outcome: Outcome) -> bool {
        let is_same = self.has_process(origin.incarnation);
        if is_same {
            self.results.decide(origin.request, outcome);
        }
        is_same
    }

    /// Returns whether this request may come again, since its process did not acknowledge the
    /// result.
    pub(super) fn may_repeat(&self, origin: Origin) -> bool {
        self.has_process(origin.incarnation)
            && !self.membership.is_expiring()
            && self.results.may_repeat(origin.request)
    }

    // ---- what its client gets ----

    /// Returns the results of its requests.
    pub(super) fn results(&self) -> &Results {
        &self.results
    }

    /// Returns the results of its requests, to change them.
    pub(super) fn results_mut(&mut self) -> &mut Results {
        &mut self.results
    }

    /// Returns the messages that wait for it.
    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Returns the messages that wait for it, to change them.
    pub(super) fn mailbox_mut(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }

    /// Returns the receipts that wait for it.
    pub(super) fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// Returns the receipts that wait for it, to change them.
    pub(super) fn receipts_mut(&mut self) -> &mut Receipts {
        &mut self.receipts
    }

    /// Returns how far it has got the channel.
    pub(super) fn channel(&self) -> &ChannelCursor {
        &self.channel
    }

    /// Returns how far it has got the channel, to change it.
    pub(super) fn channel_mut(&mut self) -> &mut ChannelCursor {
        &mut self.channel
    }

    /// Returns how far it has got the table.
    pub(super) fn table(&self) -> &TableCursor {
        &self.table
    }

    /// Returns how far it has got the table, to change it.
    pub(super) fn table_mut(&mut self) -> &mut TableCursor {
        &mut self.table
    }

    /// Returns what of the table comes next, and its place among all messages and changes, in a
    /// room of so many names. It gets nothing before the table says that it is online.
    pub(super) fn next_page(
        &mut self,
        table: &TableChanges<'_>,
        names: u32,
    ) -> Option<(u64, NextPage)> {
        self.table.next(table, names, self.listing.is_online())
    }

    // ---- the store ----

    /// Notes that its latest change is stored, and with it a deregistration, if one was to be;
    /// returns whether the change has to be announced to all.
    pub(super) fn on_stored(&mut self) -> bool {
        self.results.confirm_leave();
        self.membership.take_announcement()
    }

    /// Builds its record, with the id that its process writes to the server.
    pub(super) fn record(&self, session: u64, now: Instant) -> NameRecord<'_> {
        let (last_request, outcomes) = self.results.to_store();
        NameRecord {
            name: self.name(),
            registered: self.membership.is_here(),
            address: self.process.address().get(),
            incarnation: self.process.incarnation(),
            key: self.process.key(),
            session_sequence: self.process.session_sequence(),
            session,
            previous: self.process.previous(),
            last_request,
            outcomes,
            log_next: self.channel.acked(),
            away_s: self.offline_s(now),
        }
    }

    /// Takes back what an earlier life of the server has stored.
    pub(super) fn restore(&mut self, record: &NameRecord<'_>) {
        let is_same = self.has_process(record.incarnation);
        self.results
            .restore(record.last_request, record.outcomes, is_same);
        self.membership.restore(record.registered);
        let start = SessionStart {
            incarnation: record.incarnation,
            session_sequence: record.session_sequence,
            key: record.key,
            address: record.address.into(),
            cookie_issued_at_ms: 0,
        };
        self.process.restore(&start, record.previous);
        self.channel.jump_to(record.log_next);
    }

    /// Takes back a request that took effect, which a stored message proves.
    pub(super) fn restore_request(&mut self, origin: Origin) {
        if self.has_process(origin.incarnation) {
            self.results.restore_saved(origin.request);
        }
    }

    /// Builds the record of what its client has acknowledged.
    pub(super) fn progress(&self) -> Record<'_> {
        Record::Progress {
            name: self.name(),
            handed_over: self.mailbox.handed_over(),
            log_next: self.channel.acked(),
        }
    }

    /// Takes back what its client had acknowledged in an earlier life of the server.
    pub(super) fn restore_progress(&mut self, handed_over: u64, log_next: u32) {
        self.channel.restore(log_next);
        self.mailbox.restore_handed_over(handed_over);
    }
}

impl Linked<NameList> for NameSlot {
    fn link(&self, list: NameList) -> &Link {
        self.links.get(list)
    }

    fn link_mut(&mut self, list: NameList) -> &mut Link {
        self.links.get_mut(list)
    }
}

impl Listed for NameSlot {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn entry(&self) -> Entry<'_> {
        self.listing.entry(self.name.as_str(), self.process.key())
    }
}

impl Stored for NameSlot {
    fn stored_after(&self) -> u64 {
        self.stored_after
    }

    fn set_stored_after(&mut self, serial: u64) {
        self.stored_after = serial;
    }

    fn log_next(&self) -> u32 {
        self.channel.acked()
    }

    fn is_expiring(&self) -> bool {
        self.membership.is_expiring()
    }
}

impl Heard for NameSlot {
    fn heard_at(&self) -> Instant {
        self.heard_at
    }

    fn set_heard_at(&mut self, at: Instant) {
        self.heard_at = at;
    }
}

impl Absent for NameSlot {
    fn offline_since(&self) -> OfflineSince {
        self.offline_since
    }

    fn set_offline_since(&mut self, since: OfflineSince) {
        self.offline_since = since;
    }
}

impl Noticed for NameSlot {
    fn notice(&self) -> Notice {
        self.notice
    }

    fn set_notice(&mut self, notice: Notice) {
        self.notice = notice;
    }
}

#[cfg(test)]
mod tests;
