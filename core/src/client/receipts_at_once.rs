//! Receipts of a caller whose output takes each line at once: a message is acknowledged when its
//! event is taken, and its receipt tells nothing. The other kind is in `receipts.rs`.

use super::record::{ClientRecord, Shown};
use super::shown_frame::ShownFrame;

/// The receipt of a message. The caller returns it to
/// [`Client::handle_shown`](crate::Client::handle_shown) when its output has written the message:
/// without the feature `late-receipts`, before it polls the next datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt(());

impl Receipt {
    /// Returns the record to store for the next process of the name: `None` without the feature
    /// `late-receipts`.
    pub fn record(&self) -> Option<ClientRecord<'static>> {
        None
    }
}

/// The receipts of all sessions: none is ever outstanding.
pub(super) struct Receipts;

#[expect(clippy::unused_self, reason = "as for late receipts")]
impl Receipts {
    /// A message is acknowledged when its event is taken.
    pub(super) const ARE_LATE: bool = false;

    pub(super) const fn of(_: u64) -> Self {
        Self
    }

    pub(super) fn has_unwritten(&self, _: &Shown) -> bool {
        false
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn is_blocked(&self) -> bool {
        false
    }

    pub(super) fn block(&mut self) {}

    pub(super) fn is_unsent(&self) -> bool {
        false
    }

    pub(super) fn note_sent(&mut self) {}

    pub(super) fn latest(&self) -> &Receipt {
        &Receipt(())
    }

    pub(super) fn set_record(&mut self, _: Option<Shown>) {}

    pub(super) fn give(&mut self, _: ShownFrame) {}

    pub(super) fn take_back(&mut self, _: &Receipt) -> Option<ShownFrame> {
        None
    }
}

/// The receipts for the frames of one session: none is ever outstanding.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct SessionReceipts;

#[expect(clippy::unused_self, reason = "as for late receipts")]
impl SessionReceipts {
    pub(super) const NONE: Self = Self;

    pub(super) fn give(&mut self, _: u32) {}

    pub(super) fn take_back(&mut self, _: u32) -> bool {
        true
    }

    pub(super) fn note_repetition(&mut self) {}

    pub(super) fn is_waiting(&self) -> bool {
        false
    }

    pub(super) fn is_stalled(&self) -> bool {
        false
    }

    pub(super) fn report(&mut self, expected: u32) -> u32 {
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_no_receipt_outstanding() {
        let mut receipts = Receipts::of(1);
        let receipt = *receipts.latest();
        receipts.give(ShownFrame {
            session: 1,
            peer: 2,
            number: 3,
            may_wait: false,
        });
        assert!(receipts.is_empty() && receipts.take_back(&receipt).is_none());
        assert_eq!(receipt.record(), None);
        let mut session = SessionReceipts::NONE;
        session.give(3);
        assert_eq!(session.report(4), 4);
    }
}
