//! Queues that are sent and acknowledged in order.

use crate::containers::{Chained, Next, Queue, Slots};

/// A queue of slots, and its first unsent one. Slots leave it when they are acknowledged.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct SendQueue {
    all: Queue,
    /// The first slot that was not sent.
    unsent: Next,
}

impl SendQueue {
    /// An empty queue; all zero bits.
    pub(super) const EMPTY: Self = Self {
        all: Queue::EMPTY,
        unsent: Next::NONE,
    };

    /// Returns all slots, sent or not.
    pub(super) fn all(&self) -> &Queue {
        &self.all
    }

    /// Returns the first slot that was not sent.
    pub(super) fn next_unsent(&self) -> Option<u32> {
        self.unsent.get()
    }

    /// Appends an unsent slot.
    pub(super) fn push<T: Chained>(&mut self, slots: &mut Slots<'_, T>, index: u32) {
        self.all.push(slots, index);
        if self.unsent == Next::NONE {
            self.unsent = Next::to(index);
        }
    }

    /// Removes the oldest slot, sent or not.
    pub(super) fn pop<T: Chained>(&mut self, slots: &Slots<'_, T>) -> Option<u32> {
        let index = self.all.pop(slots)?;
        if self.unsent == Next::to(index) {
            self.unsent = slots.at(index).next();
        }
        Some(index)
    }

    /// Marks the first unsent slot as sent.
    pub(super) fn on_sent<T: Chained>(&mut self, slots: &Slots<'_, T>) {
        if let Some(index) = self.unsent.get() {
            self.unsent = slots.at(index).next();
        }
    }

    /// Moves the unsent slots that are `wanted` to a queue of their own.
    #[cfg(feature = "moderation")]
    pub(super) fn split_unsent<T: Chained>(
        &mut self,
        slots: &mut Slots<'_, T>,
        wanted: impl Fn(&T) -> bool,
    ) -> Queue {
        let (mut taken, mut before) = (Queue::EMPTY, core::mem::replace(self, Self::EMPTY));
        let mut is_sent = before.unsent != Next::NONE;
        // Without an unsent slot, all stay.
        if !is_sent {
            *self = before;
            return taken;
        }
        while let Some(index) = before.all.pop(slots) {
            is_sent &= before.unsent != Next::to(index);
            if is_sent {
                self.all.push(slots, index);
            } else if wanted(slots.at(index)) {
                taken.push(slots, index);
            } else {
                self.push(slots, index);
            }
        }
        taken
    }

    /// Marks all slots as unsent.
    pub(super) fn rewind(&mut self) {
        self.unsent = self.all.first().map_or(Next::NONE, Next::to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::mailboxes::MailSlot;

    #[test]
    fn sends_in_order_and_again_after_rewind() {
        let mut slots = [MailSlot::VACANT; 3];
        let mut slots = Slots::new(&mut slots).unwrap();
        let mut queue = SendQueue::EMPTY;
        queue.push(&mut slots, 2);
        queue.push(&mut slots, 0);
        queue.on_sent(&slots);
        assert_eq!(queue.next_unsent(), Some(0));
        queue.on_sent(&slots);
        assert_eq!(queue.next_unsent(), None);
        assert_eq!(queue.pop(&slots), Some(2));
        queue.push(&mut slots, 1);
        assert_eq!(queue.next_unsent(), Some(1));
        queue.rewind();
        assert_eq!(queue.next_unsent(), Some(0));
        // An unsent slot may leave, too: the recipient reported that it has it.
        assert_eq!(queue.pop(&slots), Some(0));
        assert_eq!(queue.next_unsent(), Some(1));
    }
}
