//! The send queue of one session, in the order of sequence numbers.

use super::outbox_slot::OutboxSlot;
use crate::containers::{Next, Queue, Slots};

/// The frames of one session that were not acknowledged, as outbox slots.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct SendQueue {
    queue: Queue,
    /// The slot that was sent last in this session.
    last: Next,
    /// The sequence number of that slot.
    sequence: u32,
}

impl SendQueue {
    /// An empty queue; all zero bits.
    pub(super) const EMPTY: Self = Self {
        queue: Queue::EMPTY,
        last: Next::NONE,
        sequence: 0,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Appends a slot.
    pub(super) fn push(&mut self, outbox: &mut Slots<'_, OutboxSlot>, slot: u32) {
        self.queue.push(outbox, slot);
    }

    /// Removes the oldest slot, which was acknowledged.
    pub(super) fn pop(&mut self, outbox: &Slots<'_, OutboxSlot>) -> Option<u32> {
        self.queue.pop(outbox)
    }

    /// Returns the oldest slot for which `wanted` holds.
    pub(super) fn find(
        &self,
        outbox: &Slots<'_, OutboxSlot>,
        wanted: impl Fn(&OutboxSlot) -> bool,
    ) -> Option<u32> {
        self.queue.find(outbox, wanted)
    }

    /// Takes all slots.
    pub(super) fn take(&mut self) -> Queue {
        core::mem::replace(&mut self.queue, Queue::EMPTY)
    }

    /// Inserts slots in front of the others.
    pub(super) fn put_in_front(&mut self, outbox: &mut Slots<'_, OutboxSlot>, front: &mut Queue) {
        front.append(outbox, &mut self.queue);
        core::mem::swap(front, &mut self.queue);
    }

    /// Forgets the slot sent last, when another session starts.
    pub(super) fn restart(&mut self) {
        (self.last, self.sequence) = (Next::NONE, 0);
    }

    /// Records the slot that was sent last, and its sequence number.
    pub(super) fn sent(&mut self, slot: u32, sequence: u32) {
        (self.last, self.sequence) = (Next::to(slot), sequence);
    }

    /// Returns the slot of sequence number `position`; the oldest one has the number `oldest`.
    /// Cost: O(1) after the slot sent last, otherwise the distance from the oldest.
    pub(super) fn at(
        &self,
        outbox: &Slots<'_, OutboxSlot>,
        position: u32,
        oldest: u32,
    ) -> Option<u32> {
        if let Some(last) = self.last.get()
            && position == self.sequence.wrapping_add(1)
            && position != oldest
        {
            return self.queue.after(outbox, last);
        }
        let mut slot = self.queue.first()?;
        for _ in 0..position.wrapping_sub(oldest) {
            slot = self.queue.after(outbox, slot)?;
        }
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slots_by_sequence_number() {
        let mut slots = [OutboxSlot::VACANT; 4];
        let mut slots = Slots::new(&mut slots).unwrap();
        let mut queue = SendQueue::EMPTY;
        for slot in [2, 0, 3] {
            queue.push(&mut slots, slot);
        }
        let oldest = u32::MAX;
        let find = |queue: &SendQueue, slots: &Slots<'_, _>, ahead| {
            queue.at(slots, oldest.wrapping_add(ahead), oldest)
        };
        let all = [0, 1, 2, 3].map(|ahead| find(&queue, &slots, ahead));
        assert_eq!(all, [Some(2), Some(0), Some(3), None]);
        queue.sent(0, 0);
        assert_eq!(
            find(&queue, &slots, 2),
            Some(3),
            "the slot after the last one"
        );
        assert_eq!(find(&queue, &slots, 0), Some(2), "the oldest slot");
        // The slot sent last was acknowledged, and may be in another queue.
        assert_eq!([(); 2].map(|()| queue.pop(&slots)), [Some(2), Some(0)]);
        assert_eq!(queue.at(&slots, 1, 1), Some(3));
    }

    #[test]
    fn puts_older_slots_in_front() {
        let mut slots = [OutboxSlot::VACANT; 3];
        let mut slots = Slots::new(&mut slots).unwrap();
        let (mut queue, mut older) = (SendQueue::EMPTY, Queue::EMPTY);
        queue.push(&mut slots, 1);
        older.push(&mut slots, 2);
        older.push(&mut slots, 0);
        queue.put_in_front(&mut slots, &mut older);
        assert!(older.is_empty());
        let popped = [(); 4].map(|()| queue.pop(&slots));
        assert_eq!(popped, [Some(2), Some(0), Some(1), None]);
    }
}
