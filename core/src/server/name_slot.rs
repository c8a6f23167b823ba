//! One name: its client, and the cursors of that client.

use super::absence::OfflineSince;
use super::challenge::{Challenge, Ruling};
use super::channel_cursor::ChannelCursor;
use super::holdings::Holdings;
use super::listing::Listing;
use super::mailboxes::{Mailbox, Receipts};
use super::membership::{Admitted, Left, Membership};
use super::name_list::NameLinks;
use super::name_quota::Counted;
use super::origin::Origin;
use super::process::{Process, SessionStart};
use super::published::Published;
use super::record::{NameRecord, Record};
use super::restart_notices::Notice;
use super::results::Results;
use super::table::{NextPage, TableChanges, TableCursor};
use crate::address::PackedAddress;
use crate::name::Name;
use crate::retry::RetryPolicy;
use crate::time::Instant;
use crate::wire::Outcome;

/// Memory for one name: its client, and the cursors of that client. Each part changes itself only.
///
/// Methods that change the name are verbs, as they may concern several parts. Only the cursors are
/// lent to the parts of the server that move them.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct NameSlot {
    name: Name,
    links: NameLinks,
    /// Number of stored messages, receipts and log entries that refer to the name.
    references: u32,
    holdings: Holdings,
    counted: Counted,
    membership: Membership,
    /// A request in the latest datagram exceeded the rate limit of its source.
    throttled: bool,
    /// Serial number of the message after which the change is stored.
    stored_after: u64,
    process: Process,
    published: Published,
    challenge: Challenge,
    /// When the client was last heard from, or probed.
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
        holdings: Holdings::NONE,
        counted: Counted::NOT,
        membership: Membership::VACANT,
        throttled: false,
        stored_after: 0,
        process: Process::VACANT,
        published: Published::NONE,
        challenge: Challenge::None,
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

    /// Assigns the slot to a name without a client. It gets log entries from `log_next` on.
    pub(super) fn replace(&mut self, name: Name, log_next: u32) {
        *self = Self {
            name,
            links: self.links.clone(),
            channel: ChannelCursor::at(log_next),
            ..Self::VACANT
        };
    }

    /// Resets everything but the name and its references.
    pub(super) fn forget(&mut self) {
        *self = Self {
            name: self.name.clone(),
            links: self.links.clone(),
            references: self.references,
            holdings: self.holdings.clone(),
            listing: self.listing.clone(),
            ..Self::VACANT
        };
        self.mark_gone();
    }

    /// Returns the text of the name.
    pub(super) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Counts one more stored message, receipt or log entry that refers to the name.
    pub(super) fn refer(&mut self) {
        self.references += 1;
    }

    /// Counts one stored message, receipt or log entry less.
    pub(super) fn release(&mut self) {
        self.references -= 1;
    }

    /// Returns whether the name is offline, had one process, and never sent or got a message.
    pub(super) fn is_unused(&self) -> bool {
        let membership = &self.membership;
        membership.is_known()
            && !membership.is_here()
            && self.references == 0
            && self.process.is_first()
            && self.mailbox.handed_over() == 0
            && !self.results.has_saved()
    }

    /// Returns what the name is counted for in quotas.
    pub(super) fn counted(&self) -> &Counted {
        &self.counted
    }

    /// Returns what the name is counted for in quotas, to change it.
    pub(super) fn counted_mut(&mut self) -> &mut Counted {
        &mut self.counted
    }

    /// Returns how much of the server's storage the name uses as a sender.
    pub(super) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// Returns how much of the server's storage the name uses as a sender, to change it.
    pub(super) fn holdings_mut(&mut self) -> &mut Holdings {
        &mut self.holdings
    }

    /// Returns whether a request in the latest datagram exceeded the rate limit.
    pub(super) fn is_throttled(&self) -> bool {
        self.throttled
    }

    /// Sets whether a request exceeded the rate limit of its source.
    pub(super) fn set_throttled(&mut self, throttled: bool) {
        self.throttled = throttled;
    }

    /// Returns whether the slot is free: no process has the name, and nothing refers to it.
    pub(super) fn may_be_replaced(&self) -> bool {
        self.membership.is_gone() && self.references == 0
    }

    // ---- its client ----

    /// Returns the presence and the history of the name.
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

    /// Returns for how many seconds the name has been offline; 0 if it is in the room.
    pub(super) fn offline_s(&self, now: Instant) -> u32 {
        if self.membership.is_here() {
            return 0;
        }
        self.offline_since.seconds(now)
    }

    /// Decides on another process that asks for the name under this session id.
    pub(super) fn challenge(
        &mut self,
        id: u64,
        has_session: bool,
        now: Instant,
        retry: RetryPolicy,
    ) -> Ruling {
        self.challenge.challenge(id, has_session, now, retry)
    }

    /// Records that the client was heard from.
    pub(super) fn on_heard(&mut self) {
        self.challenge.on_heard();
    }

    /// Begins a session at position `order`, which has to be stored. It belongs to the same
    /// process, or to one that replaces it.
    pub(super) fn begin_session(&mut self, start: &SessionStart, order: u64) {
        self.end_session();
        let is_same = self.has_process(start.incarnation);
        if !is_same {
            self.results.begin_process();
            self.published.begin_process();
        }
        let has_moved = self.process.begin(start, self.membership.is_provisional());
        self.challenge = Challenge::None;
        self.throttled = false;
        self.membership.register(is_same, has_moved, order);
    }

    /// Admits the client: its registration is stored.
    pub(super) fn admit(&mut self) {
        self.membership.admit();
    }

    /// Confirms the session, in which the client was heard; returns the effect, once.
    pub(super) fn confirm(&mut self) -> Option<Admitted> {
        self.membership.confirm()
    }

    /// Reverts the latest session of the process, which could not be stored.
    pub(super) fn reject_session(&mut self) {
        self.process.reject();
    }

    /// Reverts the registration, which could not be stored.
    pub(super) fn reject_registration(&mut self) {
        self.membership.reject();
    }

    /// Marks the client as online: all messages from before its registration are delivered.
    pub(super) fn settle(&mut self) {
        self.membership.settle();
    }

    /// Records the new address of the client; returns whether to store it.
    pub(super) fn on_moved(&mut self, to: PackedAddress) -> bool {
        self.process.move_to(to);
        self.membership.on_moved();
        self.membership.is_here()
    }

    /// Records that the client has left the room; returns how it was there.
    pub(super) fn leave(&mut self) -> Left {
        self.membership.leave()
    }

    /// Expires the name, which was offline for too long.
    pub(super) fn expire(&mut self) {
        self.membership.expire();
    }

    /// Marks the name as gone: no process has it.
    pub(super) fn mark_gone(&mut self) {
        self.membership.forget();
    }

    /// Ends the session: frames that were not acknowledged are sent again in the next one.
    pub(super) fn end_session(&mut self) {
        self.mailbox.rewind();
        self.receipts.rewind();
        self.channel.rewind();
        self.table.end_session();
        self.results.skip_unsent();
        self.results.end_lookup();
    }

    /// Updates the table entry of the name, as this version.
    pub(super) fn update_listing(&mut self, version: u32) {
        let (incarnation, address) = (self.process.incarnation(), self.process.address());
        self.listing = Listing::new(version, self.membership.status(), incarnation, address);
    }

    // ---- its requests ----

    /// Sets the outcome of a request; returns whether its process still has the name.
    pub(super) fn decide(&mut self, origin: Origin, outcome: Outcome) -> bool {
        let is_same = self.has_process(origin.incarnation);
        if is_same {
            self.results.decide(origin.request, outcome);
        }
        is_same
    }

    /// Returns whether this request may be repeated: its process did not acknowledge the result.
    pub(super) fn may_repeat(&self, origin: Origin) -> bool {
        self.has_process(origin.incarnation)
            && !self.membership.is_expiring()
            && self.results.may_repeat(origin.request)
    }

    /// Returns the medium-term key of the name.
    #[cfg(feature = "medium-keys")]
    pub(super) fn published(&self) -> &Published {
        &self.published
    }

    /// Returns the medium-term key of the name, to change it.
    pub(super) fn published_mut(&mut self) -> &mut Published {
        &mut self.published
    }

    // ---- delivery ----

    /// Returns the results of the client's requests.
    pub(super) fn results(&self) -> &Results {
        &self.results
    }

    /// Returns the mutable results of the client's requests.
    pub(super) fn results_mut(&mut self) -> &mut Results {
        &mut self.results
    }

    /// Returns the messages stored for the client.
    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Returns the mutable mailbox of the client.
    pub(super) fn mailbox_mut(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }

    /// Returns the receipts for the client.
    pub(super) fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// Returns the mutable receipts for the client.
    pub(super) fn receipts_mut(&mut self) -> &mut Receipts {
        &mut self.receipts
    }

    /// Returns the client's cursor in the channel log.
    pub(super) fn channel(&self) -> &ChannelCursor {
        &self.channel
    }

    /// Returns the client's mutable cursor in the channel log.
    pub(super) fn channel_mut(&mut self) -> &mut ChannelCursor {
        &mut self.channel
    }

    /// Returns the client's cursor in the table changes.
    pub(super) fn table(&self) -> &TableCursor {
        &self.table
    }

    /// Returns the client's mutable cursor in the table changes.
    pub(super) fn table_mut(&mut self) -> &mut TableCursor {
        &mut self.table
    }

    /// Returns the next page of the table and its position in the common order, in a room of
    /// `names` names. There is none before the table lists the client as online.
    pub(super) fn next_page(
        &mut self,
        table: &TableChanges<'_>,
        used: u32,
    ) -> Option<(u64, NextPage)> {
        self.table.next(table, used, self.listing.is_online())
    }

    // ---- the store ----

    /// Handles the storage of the latest change; returns whether to announce it to all.
    pub(super) fn on_stored(&mut self) -> bool {
        self.results.confirm_leave();
        self.membership.take_announcement()
    }

    /// Builds the record of the name. `session` is the session id that its process sends to.
    pub(super) fn record(&self, session: u64, now: Instant) -> NameRecord<'_> {
        let (last_request, outcomes) = self.results.to_store();
        NameRecord {
            name: self.name(),
            registered: self.membership.is_registered(),
            address: self.process.address().get(),
            incarnation: self.process.incarnation(),
            key: self.process.key(),
            session_sequence: self.process.session_sequence(),
            session,
            previous: self.process.replaced(self.membership.is_provisional()),
            last_request,
            outcomes,
            log_next: self.channel.acked(),
            away_s: self.offline_s(now),
            medium_key: self.published.key(),
        }
    }

    /// Restores the name from its record.
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
        self.published.restore(&record.medium_key);
        self.channel.jump_to(record.log_next);
    }

    /// Restores a request that took effect: a stored message or entry proves it.
    pub(super) fn restore_request(&mut self, origin: Origin) {
        if self.has_process(origin.incarnation) {
            self.results.restore_saved(origin.request);
        }
    }

    /// Builds the record of the client's cursors.
    pub(super) fn progress(&self) -> Record<'_> {
        Record::Progress {
            name: self.name(),
            handed_over: self.mailbox.handed_over(),
            log_next: self.channel.acked(),
        }
    }

    /// Restores the client's cursors from their record.
    pub(super) fn restore_progress(&mut self, handed_over: u64, log_next: u32) {
        self.channel.restore(log_next);
        self.mailbox.restore_handed_over(handed_over);
    }
}

mod roles;
#[cfg(test)]
mod tests;
