//! Builds the frames for clients, and moves the cursors that they come from. Each frame is built
//! anew whenever it is sent.

use super::channel_log::{ChannelLog, LogSlot};
use super::in_flight::{InFlight, SentFrame};
use super::listing;
use super::mailboxes::{Mailboxes, Parties};
use super::roster::Roster;
use super::table::TableChanges;
use crate::limits::BODY_LEN_MAX;
use crate::stats::Stats;
use crate::wire::{DataWriter, Frame};

/// Maximum bytes of a page around its entries.
const PAGE_OVERHEAD: usize = 12;
/// Bytes that a page leaves free when it is first built. A repeated page then fits behind the
/// longest header.
const PAGE_RESERVE: usize = 16;

/// The consequence of a client's acknowledgement of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    /// Nothing else changes.
    Nothing,
    /// A cursor has moved, and has to be stored.
    Progress,
    /// The message in this slot was delivered.
    Message(u32),
    /// The receipt of a message between these two was delivered, and its slot is free.
    Receipt(Parties),
}

/// The parts from which frames are built.
pub(super) struct Delivery<'s, 'a> {
    pub(super) roster: &'s mut Roster<'a>,
    pub(super) mail: &'s mut Mailboxes<'a>,
    pub(super) channel: &'s ChannelLog<'a>,
    pub(super) table: &'s TableChanges<'a>,
    pub(super) in_flight: &'s mut InFlight<'a>,
    /// Buffer for texts and pages.
    pub(super) scratch: &'s mut [u8; BODY_LEN_MAX],
    pub(super) stats: &'s mut Stats,
}

impl Delivery<'_, '_> {
    /// Writes a new frame for the client in a slot; returns whether it fits. The client has not
    /// acknowledged `count` frames from `first` on.
    pub(super) fn write_new(
        &mut self,
        slot: u32,
        frame: SentFrame,
        (first, count): (u32, u32),
        writer: &mut DataWriter<'_>,
    ) -> bool {
        if let SentFrame::Snapshot { from: 0, .. } = frame {
            self.in_flight.empty_snapshots(slot, first, count);
            let cursor = self.roster.at_mut(slot).table_mut();
            cursor.begin_snapshot(self.table);
        }
        let (version, names) = (self.table.version(), self.roster.used());
        let room = writer.room().saturating_sub(PAGE_OVERHEAD + PAGE_RESERVE);
        let (built, frame) = self.build(slot, frame, room);
        let is_stuck = match frame {
            SentFrame::Changes { from, upto } => from == upto && upto != version,
            SentFrame::Snapshot { from, upto } => from == upto && upto != names,
            _ => false,
        };
        let kind = built.kind();
        if is_stuck || !writer.push(&built) {
            return false;
        }
        self.stats.sent.count_frame(kind);
        self.in_flight.set(slot, first.wrapping_add(count), frame);
        self.on_sent(slot, frame);
        true
    }

    /// Writes a frame again that was sent before; returns whether it fits.
    pub(super) fn write_again(
        &mut self,
        slot: u32,
        sequence: u32,
        writer: &mut DataWriter<'_>,
    ) -> bool {
        let mut frame = self.in_flight.get(slot, sequence);
        if let SentFrame::Changes { from, upto } = frame {
            let cursor = self.roster.at_mut(slot).table_mut();
            if !cursor.may_repeat(self.table, (from, upto)) {
                frame = SentFrame::Emptied;
            }
        }
        let room = writer.room().saturating_sub(PAGE_OVERHEAD);
        let (built, again) = self.build(slot, frame, room);
        if again != frame && writer.has_frames() {
            // The page fits as the first frame of a datagram.
            return false;
        }
        debug_assert!(
            again == frame,
            "a repeated page has no room for all its entries: {frame:?}, {again:?}"
        );
        let kind = built.kind();
        let is_written = writer.push(&built);
        if is_written {
            self.stats.sent.count_frame(kind);
        }
        is_written
    }

    /// Builds a frame for the client in a slot. A page has at most `room` bytes of entries; the
    /// returned frame names its end.
    fn build(&mut self, slot: u32, frame: SentFrame, room: usize) -> (Frame<'_>, SentFrame) {
        let Self {
            roster,
            mail,
            channel,
            table,
            scratch,
            ..
        } = self;
        let name = roster.at(slot);
        let out = scratch.as_mut_slice();
        let built = match frame {
            SentFrame::Result(request) => name.results().build(request),
            SentFrame::Receipt(index) => {
                mail.build_receipt(index, roster.name(mail.parties(index).to))
            }
            SentFrame::Mail(index) if mail.is_withdrawn(index) => Frame::WITHDRAWN,
            SentFrame::Mail(index) => {
                let from = roster.name(mail.parties(index).from);
                mail.build(index, from, name.membership().boundary(), out)
            }
            SentFrame::Log(number) => {
                let sender = channel.get(number).and_then(LogSlot::sender);
                let from = sender.map_or("", |sender| roster.name(sender));
                channel.build(number, from, name.membership().boundary(), out)
            }
            SentFrame::Skipped { count, .. } => Frame::Skipped { count },
            SentFrame::Changes { from, upto } => {
                let out = out.get_mut(..room).unwrap_or_default();
                let (page, upto) = table.build_changes(roster.slots(), (from, upto), out);
                return (page, SentFrame::Changes { from, upto });
            }
            SentFrame::Snapshot { from, upto } => {
                let (slots, used) = (roster.slots(), roster.used());
                let out = out.get_mut(..room).unwrap_or_default();
                let since = name.table().since();
                let (page, upto) = table.build_snapshot(slots, used, since, (from, upto), out);
                return (page, SentFrame::Snapshot { from, upto });
            }
            SentFrame::Emptied => Frame::EMPTIED_PAGE,
            SentFrame::Partial => Frame::Partial,
            #[cfg(feature = "medium-keys")]
            SentFrame::Found { query: 0, slot } => {
                let name = roster.at(slot);
                listing::build_key(name, name.published().key())
            }
            SentFrame::Found { query, slot } => listing::build_found(roster.at(slot), query),
            SentFrame::Missing { query } => Frame::Missing { query },
            SentFrame::Vacant => {
                debug_assert!(false, "a sequence number has no frame");
                Frame::Skipped { count: 0 }
            }
        };
        (built, frame)
    }

    /// Moves the cursor that a frame came from, when the frame is first written.
    fn on_sent(&mut self, slot: u32, frame: SentFrame) {
        let names = self.roster.used();
        let name = self.roster.at_mut(slot);
        match frame {
            SentFrame::Result(request) => name.results_mut().on_sent(request),
            SentFrame::Receipt(_) => self.mail.on_receipt_sent(name.receipts_mut()),
            SentFrame::Mail(_) => self.mail.on_sent(name.mailbox_mut()),
            SentFrame::Log(number) => name.channel_mut().on_sent(number),
            SentFrame::Skipped { upto, .. } => name.channel_mut().on_skipped_sent(upto),
            SentFrame::Changes { upto, .. } => name.table_mut().on_changes_sent(upto),
            SentFrame::Snapshot { upto, .. } => name.table_mut().on_snapshot_sent(upto, names),
            SentFrame::Partial => name.table_mut().on_partial_sent(),
            SentFrame::Emptied
            | SentFrame::Found { .. }
            | SentFrame::Missing { .. }
            | SentFrame::Vacant => {}
        }
    }

    /// Moves the cursor that a frame came from, when the client acknowledges it.
    pub(super) fn on_acked(&mut self, slot: u32, sequence: u32) -> Acked {
        let name = self.roster.at_mut(slot);
        let upto = match self.in_flight.get(slot, sequence) {
            SentFrame::Result(request) => {
                name.results_mut().on_acked(request);
                return Acked::Nothing;
            }
            SentFrame::Receipt(_) => {
                let parties = self.mail.on_receipt_acked(name.receipts_mut());
                return parties.map_or(Acked::Nothing, Acked::Receipt);
            }
            SentFrame::Mail(_) => {
                let index = self.mail.on_acked(name.mailbox_mut());
                return index.map_or(Acked::Nothing, Acked::Message);
            }
            SentFrame::Log(number) => number + 1,
            SentFrame::Skipped { upto, .. } => upto,
            _ => return Acked::Nothing,
        };
        name.channel_mut().on_acked(self.channel, slot, upto);
        Acked::Progress
    }
}

#[cfg(test)]
mod tests;
