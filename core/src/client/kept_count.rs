//! How many messages of this process the server keeps for a peer, and how many the peer got since.

/// The stored messages for one peer that were not reported as delivered.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct KeptCount {
    /// Messages without a receipt.
    kept: u32,
    /// Of these, how many the server has no more: their receipt follows in this session, or never.
    gone: u32,
    /// Messages with a receipt, which the user was not told.
    delivered: u32,
}

impl KeptCount {
    /// No messages; all zero bits.
    pub(super) const NONE: Self = Self {
        kept: 0,
        gone: 0,
        delivered: 0,
    };

    /// Counts a message that the server has stored. Its receipt may have come first, in a session
    /// before this one.
    pub(super) fn add(&mut self, has_receipt: bool) {
        if has_receipt {
            self.delivered = self.delivered.saturating_add(1);
        } else {
            let kept = self.kept.saturating_sub(core::mem::take(&mut self.gone));
            self.kept = kept.saturating_add(1);
        }
    }

    /// Records that the server has none of the messages.
    pub(super) fn end_keeping(&mut self) {
        self.gone = self.kept;
    }

    /// Counts all messages as delivered: the receipt of the last one arrived.
    pub(super) fn deliver(&mut self) {
        let kept = core::mem::take(&mut self.kept);
        self.gone = 0;
        self.delivered = self.delivered.saturating_add(kept);
    }

    /// Returns whether [`take_delivered`](Self::take_delivered) has messages.
    pub(super) fn has_delivered(&self) -> bool {
        self.delivered != 0
    }

    /// Returns the messages that were delivered since the last call.
    pub(super) fn take_delivered(&mut self) -> u32 {
        core::mem::take(&mut self.delivered)
    }

    /// Forgets all messages: it cannot be known any more whether they arrive.
    pub(super) fn forget(&mut self) {
        *self = Self::NONE;
    }
}

/// No peer has this slot.
const NO_PEER: u32 = u32::MAX;

/// The peer that got stored messages, if the user was not told.
pub(super) struct Unreported(u32);

impl Unreported {
    /// No peer.
    pub(super) const NONE: Self = Self(NO_PEER);

    /// Sets the peer.
    pub(super) fn set(&mut self, peer: u32) {
        self.0 = peer;
    }

    /// Returns whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.0 == NO_PEER
    }

    /// Returns the peer, once.
    pub(super) fn take(&mut self) -> Option<u32> {
        if self.is_none() {
            return None;
        }
        Some(core::mem::replace(&mut self.0, NO_PEER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_message_once() {
        let mut count = KeptCount::NONE;
        count.add(false);
        count.add(false);
        assert!(!count.has_delivered());
        count.deliver();
        count.deliver();
        count.add(true);
        assert!(count.has_delivered());
        assert_eq!((count.take_delivered(), count.take_delivered()), (3, 0));
        // A receipt that does not come in time never comes.
        count.add(false);
        count.end_keeping();
        count.add(false);
        count.deliver();
        assert_eq!(count.take_delivered(), 1);
        count.add(false);
        count.end_keeping();
        count.deliver();
        assert_eq!(count.take_delivered(), 1);
        count.add(false);
        count.forget();
        count.deliver();
        assert!(!count.has_delivered());
    }
}
