//! Receipts of messages: given with their events, and taken back when the output has written them.

use super::roster::Sender;
use crate::client::machine::Client;
use crate::client::receipts::{Receipt, Receipts};
use crate::client::record::Shown;
use crate::client::shown_frame::ShownFrame;
use crate::drop_reason::DropReason;
use crate::time::Instant;
use crate::wire::Outcome;

impl Client<'_> {
    /// Takes back the receipt of a message: the output has written the event. The message is
    /// acknowledged to its sender, or to the server, which send it again otherwise. A channel
    /// message may be acknowledged 50 ms later.
    ///
    /// Receipts come back in the order of their events, to the client that gave them. Any other
    /// one has no effect, and counts as [`DropReason::Unexpected`]. The caller first stores the
    /// [record](Receipt::record) of the message, if it has a store.
    pub fn handle_shown(&mut self, now: Instant, receipt: Receipt) {
        let Some(frame) = self.receipts.take_back(&receipt) else {
            if Receipts::ARE_LATE {
                self.sessions.count_drop(DropReason::Unexpected);
            }
            return;
        };
        self.sessions.advance(now);
        let has_session = self.sessions.at(frame.peer).local_id() == frame.session;
        let mut may_wait = frame.may_wait;
        if has_session {
            let receipts = self.peers.at_mut(frame.peer).receipts_mut();
            may_wait &= receipts.take_back(frame.number);
        }
        self.acknowledge(frame.peer, has_session, may_wait);
        if self.awaits_receipts_for_medium_keys() {
            self.advance_medium_keys();
        }
    }

    /// Makes the acknowledgement of a frame due, now or with a delay, unless its session has ended.
    pub(super) fn acknowledge(&mut self, peer: u32, has_session: bool, may_wait: bool) {
        if self.receipts.is_empty() {
            self.server_log.note_shown();
        }
        if !has_session {
            return;
        }
        let connection = self.sessions.at_mut(peer);
        let is_newly_due = connection.require_ack();
        // A receipt that came back before may have delayed it.
        let was_delayed = Receipts::ARE_LATE && connection.is_ack_delayed();
        if may_wait {
            self.sessions.delay_ack(peer);
        } else if was_delayed {
            connection.flush_ack();
        }
        if may_wait || was_delayed || is_newly_due {
            self.reschedule(peer);
        }
    }

    /// Returns whether a message that was shown before is perhaps not written yet.
    pub(super) fn is_unwritten(&self, sender: Sender, counter: u32, channel: bool) -> bool {
        let shown = Shown {
            process: match sender {
                Sender::Current(peer) => self.peers.at(peer).marks().process(),
                Sender::Other(process) => process,
            },
            channel,
            counter,
        };
        self.receipts.has_unwritten(&shown)
    }

    /// Returns whether a frame has to wait until all messages before it are written.
    pub(super) fn waits_for_receipts(&mut self) -> bool {
        let waits = !self.receipts.is_empty();
        if waits {
            self.receipts.block();
        }
        waits
    }

    /// Returns whether the end of the registration has to wait: what was written is acknowledged
    /// before the sessions with peers are closed.
    pub(super) fn holds_result(&mut self, outcome: Outcome) -> bool {
        outcome == Outcome::Left
            && (self.waits_for_receipts()
                || (self.receipts.is_unsent() && self.sessions.has_output()))
    }

    /// Makes the receipt for an accepted frame. Until it comes back, the frame is not
    /// acknowledged.
    //= PROTOCOL.md#6.1
    pub(super) fn give_receipt(&mut self, peer: u32, number: u32, may_wait: bool) {
        self.peers.at_mut(peer).receipts_mut().give(number);
        self.receipts.give(ShownFrame {
            session: self.sessions.at(peer).local_id(),
            peer,
            number,
            may_wait,
        });
    }
}
