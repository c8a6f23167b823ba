//! Receipts: the caller returns one when its output has written a message. Only then does the
//! client acknowledge the message.

use core::fmt;

use super::record::{ClientRecord, Shown};
use super::shown_frame::ShownFrame;
use super::unwritten::Unwritten;
use crate::limits::SHOWN_MAX;

/// The receipt of a message. The caller returns it to
/// [`Client::handle_shown`](crate::Client::handle_shown) when its output has written the message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// The incarnation of the client that gave it.
    client: u64,
    sequence: u32,
    frame: ShownFrame,
    shown: Option<Shown>,
}

impl Receipt {
    /// Returns the record to store for the next process of the name, before the receipt is
    /// returned: the message is written, and may still be sent again. `None` if the text of the
    /// message was not shown.
    pub fn record(&self) -> Option<ClientRecord<'static>> {
        self.shown.map(ClientRecord::Shown)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receipt").field(&self.sequence).finish()
    }
}

/// The receipts of all sessions, which come back in the order in which they were given.
pub(super) struct Receipts {
    unwritten: Unwritten,
    given: u32,
    returned: u32,
    /// The next frame waits for a receipt.
    is_blocked: bool,
    /// Receipts came back whose acknowledgements may not be sent yet.
    is_unsent: bool,
    /// The receipt of the latest event.
    latest: Receipt,
}

impl Receipts {
    /// A message is acknowledged when its receipt comes back.
    pub(super) const ARE_LATE: bool = true;

    /// Makes no receipts yet, for the client with this incarnation.
    pub(super) const fn of(client: u64) -> Self {
        Self {
            unwritten: Unwritten::NONE,
            given: 0,
            returned: 0,
            is_blocked: false,
            is_unsent: false,
            latest: Receipt {
                client,
                sequence: 0,
                frame: ShownFrame {
                    session: 0,
                    peer: 0,
                    number: 0,
                    may_wait: false,
                },
                shown: None,
            },
        }
    }

    /// Returns whether acknowledgements of receipts that came back may not be sent yet.
    pub(super) fn is_unsent(&self) -> bool {
        self.is_unsent
    }

    /// Records that all acknowledgements are sent.
    pub(super) fn note_sent(&mut self) {
        self.is_unsent = false;
    }

    /// Returns the receipt of the latest event.
    pub(super) fn latest(&self) -> &Receipt {
        &self.latest
    }

    /// Sets the record for the next receipt.
    pub(super) fn set_record(&mut self, shown: Option<Shown>) {
        self.latest.shown = shown;
    }

    /// Returns whether the caller has no receipt.
    pub(super) fn is_empty(&self) -> bool {
        self.given == self.returned
    }

    /// Returns whether the next frame waits for a receipt.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Lets the next frame wait for a receipt.
    pub(super) fn block(&mut self) {
        self.is_blocked = true;
    }

    /// Returns whether a message that was shown before may be one that is not written yet.
    pub(super) fn has_unwritten(&self, shown: &Shown) -> bool {
        !self.is_empty() && self.unwritten.has(shown, self.returned, self.given)
    }

    /// Makes the receipt of a message. The last one that the caller may have blocks the next frame.
    pub(super) fn give(&mut self, frame: ShownFrame) {
        if let Some(shown) = &self.latest.shown {
            self.unwritten.note(shown, self.returned, self.given);
        }
        self.latest.sequence = self.given;
        self.latest.frame = frame;
        self.given = self.given.wrapping_add(1);
        self.is_blocked = self.given.wrapping_sub(self.returned) >= SHOWN_MAX;
    }

    /// Takes a receipt back, and returns the frame of its message; `None` if it is not the oldest
    /// one that the caller has, or if another client gave it.
    //= PROTOCOL.md#6.1
    pub(super) fn take_back(&mut self, receipt: &Receipt) -> Option<ShownFrame> {
        let is_own = receipt.client == self.latest.client;
        let is_oldest = is_own && !self.is_empty() && receipt.sequence == self.returned;
        if is_oldest {
            self.returned = self.returned.wrapping_add(1);
            self.is_blocked = false;
            self.is_unsent = true;
        }
        is_oldest.then_some(receipt.frame)
    }
}

/// Whether an acknowledgement would tell the peer of a session something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Pace {
    /// Nothing was accepted since the last acknowledgement.
    Waiting,
    /// A receipt has come back, or a frame before all messages was accepted, and the
    /// acknowledgement was not sent yet.
    Returned,
    /// The display stalls: the peer has repeated a frame.
    Stalled,
}

/// The receipts for the frames of one session.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct SessionReceipts {
    /// All frames before this one are acknowledged, while the caller has receipts. Otherwise the
    /// number that the last datagram told.
    acknowledged: u32,
    outstanding: u16,
    pace: Pace,
}

const _: () = assert!(SHOWN_MAX <= u16::MAX as u32, "`outstanding` counts them");

impl SessionReceipts {
    /// No receipts; all zero bits.
    pub(super) const NONE: Self = Self {
        acknowledged: 0,
        outstanding: 0,
        pace: Pace::Waiting,
    };

    /// Records a receipt for the frame with this number. Frames before it may not be acknowledged
    /// yet.
    pub(super) fn give(&mut self, number: u32) {
        if self.outstanding == 0 {
            if self.acknowledged != number {
                self.pace = Pace::Returned;
            }
            self.acknowledged = number;
        }
        self.outstanding = self.outstanding.saturating_add(1);
    }

    /// Records that the oldest receipt came back, for the frame with this number. Returns whether
    /// its acknowledgement may wait: the window is open.
    pub(super) fn take_back(&mut self, number: u32) -> bool {
        let is_open = self.pace != Pace::Stalled;
        self.acknowledged = number.wrapping_add(1);
        self.outstanding = self.outstanding.saturating_sub(1);
        self.pace = Pace::Returned;
        is_open
    }

    /// Records that the peer has repeated a frame.
    pub(super) fn note_repetition(&mut self) {
        if self.is_waiting() {
            self.pace = Pace::Stalled;
        }
    }

    /// Returns whether an acknowledgement would tell nothing, because the display has not taken the
    /// frame yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.outstanding != 0 && self.pace == Pace::Waiting
    }

    /// Returns whether the window is closed, because the display stalls.
    pub(super) fn is_stalled(&self) -> bool {
        self.outstanding != 0 && self.pace == Pace::Stalled
    }

    /// Returns the number to acknowledge, in a datagram that is built now, if all frames before
    /// `expected` have arrived.
    //= PROTOCOL.md#6.1
    pub(super) fn report(&mut self, expected: u32) -> u32 {
        if self.pace == Pace::Returned {
            self.pace = Pace::Waiting;
        }
        if self.outstanding == 0 {
            self.acknowledged = expected;
        }
        self.acknowledged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: ShownFrame = ShownFrame {
        session: 7,
        peer: 1,
        number: 5,
        may_wait: false,
    };

    fn give(receipts: &mut Receipts, shown: Option<Shown>) -> Receipt {
        receipts.set_record(shown);
        receipts.give(FRAME);
        *receipts.latest()
    }

    #[test]
    //= PROTOCOL.md#6.1
    fn takes_receipts_back_in_order_only() {
        let mut receipts = Receipts::of(1);
        let [first, second] = [(); 2].map(|()| give(&mut receipts, None));
        assert_eq!(receipts.take_back(&second), None);
        assert_eq!(receipts.take_back(&first), Some(FRAME));
        assert_eq!(receipts.take_back(&first), None);
        assert!(!receipts.is_empty());
        assert_eq!(receipts.take_back(&second), Some(FRAME));
        assert!(receipts.is_empty());
        assert_eq!(receipts.take_back(&second), None, "none is outstanding");
    }

    #[test]
    fn takes_no_receipt_of_another_client() {
        let mut receipts = Receipts::of(1);
        let own = give(&mut receipts, None);
        let foreign = give(&mut Receipts::of(2), None);
        assert_eq!(receipts.take_back(&foreign), None);
        assert_eq!(receipts.take_back(&own), Some(FRAME));
    }

    #[test]
    fn blocks_frames_at_the_limit() {
        let mut receipts = Receipts {
            given: u32::MAX,
            returned: u32::MAX,
            ..Receipts::of(1)
        };
        let oldest = give(&mut receipts, None);
        for _ in 1..SHOWN_MAX {
            assert!(!receipts.is_blocked());
            receipts.give(FRAME);
        }
        assert!(receipts.is_blocked());
        assert!(receipts.take_back(&oldest).is_some() && !receipts.is_blocked());
    }

    #[test]
    //= PROTOCOL.md#6.1
    fn acknowledges_what_came_back_and_no_more() {
        let mut session = SessionReceipts::NONE;
        assert_eq!(session.report(5), 5);
        session.give(5);
        session.give(8);
        assert_eq!(session.report(9), 5);
        session.take_back(5);
        assert!(!session.is_waiting());
        assert_eq!(session.report(9), 6);
        assert!(session.is_waiting());
        session.take_back(8);
        assert_eq!(session.report(12), 12);
        session.give(12);
        assert!(session.is_waiting());
        assert_eq!(session.report(13), 12);
    }

    #[test]
    fn tells_of_frames_before_the_first_message() {
        let mut session = SessionReceipts::NONE;
        session.give(2);
        assert!(!session.is_waiting(), "two frames are accepted");
        assert_eq!(session.report(3), 2);
        session.give(5);
        assert!(session.is_waiting());
        assert_eq!(session.report(6), 2);
    }

    #[test]
    fn stalls_until_a_receipt_comes_back() {
        let mut session = SessionReceipts::NONE;
        session.note_repetition();
        assert!(!session.is_stalled(), "no receipt is outstanding");
        session.give(0);
        session.give(1);
        session.note_repetition();
        assert!(session.is_stalled() && !session.is_waiting());
        assert_eq!(session.report(2), 0);
        assert!(session.is_stalled());
        session.take_back(0);
        assert!(!session.is_stalled());
        session.note_repetition();
        assert!(!session.is_stalled(), "an acknowledgement is on its way");
    }

    #[test]
    fn has_a_record_of_shown_texts_only() {
        let shown = Shown {
            process: 3,
            channel: true,
            counter: 4,
        };
        let mut receipts = Receipts::of(1);
        let [with, without] = [Some(shown), None].map(|shown| give(&mut receipts, shown));
        assert_eq!(with.record(), Some(ClientRecord::Shown(shown)));
        assert_eq!(without.record(), None);
    }
}
