//! One name: its client, and how far that has got everything.

use super::absence::{Absent, Away};
use super::channel_cursor::ChannelCursor;
use super::contest::Contest;
use super::journal::Stored;
use super::listing::{Listed, Listing};
use super::liveness::Heard;
use super::mailboxes::{Mailbox, Receipts};
use super::membership::Membership;
use super::name_list::{NameLinks, NameList};
use super::process::Process;
use super::restart_notices::{Notice, Noticed};
use super::results::Results;
use super::table::TableCursor;
use crate::containers::{Link, Linked};
use crate::name::Name;
use crate::time::Instant;
use crate::wire::Entry;

/// One name: its client, and how far that has got everything. A composition of parts, each of which
/// changes its own state.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct NameSlot {
    name: Name,
    links: NameLinks,
    /// Stored messages, receipts and log entries that refer to it.
    references: u32,
    pub(super) membership: Membership,
    /// A request in the latest datagram was not taken, because its source asks for more than its
    /// share.
    throttled: bool,
    /// The change is stored after the message with this serial number.
    stored_after: u64,
    pub(super) process: Process,
    pub(super) contest: Contest,
    /// When it was last heard of, or probed.
    heard_at: Instant,
    away: Away,
    notice: Notice,
    pub(super) listing: Listing,
    pub(super) table: TableCursor,
    pub(super) results: Results,
    pub(super) mailbox: Mailbox,
    pub(super) receipts: Receipts,
    pub(super) channel: ChannelCursor,
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
        away: Away::VACANT,
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
        self.membership.forget();
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

    /// Returns for how many seconds it has been offline.
    pub(super) fn away_s(&self, now: Instant) -> u32 {
        if self.membership.is_here() {
            return 0;
        }
        self.away.seconds(now)
    }

    /// Notes that the session has ended: frames that were not acknowledged are sent again in the
    /// next one.
    pub(super) fn rewind(&mut self) {
        self.mailbox.rewind();
        self.receipts.rewind();
        self.channel.rewind();
        self.table.rewind();
        self.results.rewind();
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
    fn away(&self) -> Away {
        self.away
    }

    fn set_away(&mut self, away: Away) {
        self.away = away;
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
