//! The frames that clients get: what each of them is made of, and what it moves when it is sent and
//! acknowledged. Each is built anew whenever it is sent.

use super::channel_log::ChannelLog;
use super::in_flight::{InFlight, SentFrame};
use super::listing;
use super::mailboxes::{Mailboxes, Parties};
use super::roster::Roster;
use super::table::TableChanges;
use crate::limits::BODY_LEN_MAX;
use crate::stats::Stats;
use crate::wire::{DataWriter, Frame};

/// Bytes of a page around its entries, at most.
const PAGE_OVERHEAD: usize = 12;
/// Bytes that a page leaves free when it is first built, so that it fits behind the longest header
/// when it is repeated.
const PAGE_RESERVE: usize = 16;

/// What a client's acknowledgement of one frame leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    /// Nothing more.
    Nothing,
    /// A cursor has moved, and is to be stored.
    Progress,
    /// The message in this slot was handed over.
    Message(u32),
    /// The receipt of a message between these two is gone.
    Receipt(Parties),
}

/// The parts that frames are made of.
pub(super) struct Delivery<'s, 'a> {
    pub(super) roster: &'s mut Roster<'a>,
    pub(super) mail: &'s mut Mailboxes<'a>,
    pub(super) channel: &'s ChannelLog<'a>,
    pub(super) table: &'s TableChanges<'a>,
    pub(super) in_flight: &'s mut InFlight<'a>,
    /// Where texts and pages are put together.
    pub(super) scratch: &'s mut [u8; BODY_LEN_MAX],
    pub(super) stats: &'s mut Stats,
}

impl Delivery<'_, '_> {
    /// Writes a new frame to the client in a slot, which has not acknowledged `count` frames from
    /// `first` on; returns whether it fits.
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

    /// Writes a frame that was sent before, again; returns whether it fits.
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
            // As the first of a datagram the page fits again.
            return false;
        }
        debug_assert!(
            again == frame,
            "a repeated page has no room for all that it stands for: {frame:?}, {again:?}"
        );
        let kind = built.kind();
        let is_written = writer.push(&built);
        if is_written {
            self.stats.sent.count_frame(kind);
        }
        is_written
    }

    /// Builds a frame for the client in a slot; a page has at most `room` bytes of entries, and is
    /// returned with its end filled in.
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
            SentFrame::Mail(index) => {
                let from = roster.name(mail.parties(index).from);
                mail.build(index, from, name.membership().boundary(), out)
            }
            SentFrame::Log(number) => {
                let from = channel
                    .get(number)
                    .map_or("", |entry| roster.name(entry.from()));
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
            SentFrame::Found { query, slot } => listing::build_found(roster.at(slot), query),
            SentFrame::Missing { query } => Frame::Missing { query },
            SentFrame::Vacant => {
                debug_assert!(false, "every sequence number has its frame");
                Frame::Skipped { count: 0 }
            }
        };
        (built, frame)
    }

    /// Moves the cursor that a frame came from, as it was written for the first time.
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

    /// Moves the cursor that a frame came from, as the client has acknowledged it.
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
