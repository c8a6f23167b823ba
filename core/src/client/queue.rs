//! Queues of outbox slots.

use super::storage::OutboxSlot;
use crate::containers::Slots;

/// A first-in first-out queue of outbox slots, linked through the slots.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Queue {
    head: u32,
    tail: u32,
}

impl Queue {
    pub(crate) const EMPTY: Self = Self { head: 0, tail: 0 };

    pub(crate) fn first(&self) -> Option<u32> {
        self.head.checked_sub(1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head == 0
    }

    pub(crate) fn push(&mut self, outbox: &mut Slots<'_, OutboxSlot>, slot: u32) {
        outbox.at_mut(slot).next = 0;
        match self.tail.checked_sub(1) {
            Some(tail) => outbox.at_mut(tail).next = slot + 1,
            None => self.head = slot + 1,
        }
        self.tail = slot + 1;
    }

    pub(crate) fn pop(&mut self, outbox: &Slots<'_, OutboxSlot>) -> Option<u32> {
        let slot = self.first()?;
        self.head = outbox.at(slot).next;
        if self.head == 0 {
            self.tail = 0;
        }
        Some(slot)
    }

    /// Puts all of `other` behind what is here.
    pub(crate) fn append(&mut self, outbox: &mut Slots<'_, OutboxSlot>, other: &mut Self) {
        while let Some(slot) = other.pop(outbox) {
            self.push(outbox, slot);
        }
    }

    /// The first slot for which `wanted` holds.
    pub(crate) fn find(
        &self,
        outbox: &Slots<'_, OutboxSlot>,
        wanted: impl Fn(&OutboxSlot) -> bool,
    ) -> Option<u32> {
        let mut at = self.first();
        while let Some(slot) = at {
            if wanted(outbox.at(slot)) {
                break;
            }
            at = outbox.at(slot).next.checked_sub(1);
        }
        at
    }

    /// Takes out the first slot for which `wanted` holds.
    pub(crate) fn take(
        &mut self,
        outbox: &mut Slots<'_, OutboxSlot>,
        wanted: impl Fn(&OutboxSlot) -> bool,
    ) -> Option<u32> {
        let mut before = None;
        let mut at = self.first();
        while let Some(slot) = at {
            let next = outbox.at(slot).next;
            if wanted(outbox.at(slot)) {
                match before {
                    Some(before) => outbox.at_mut(before).next = next,
                    None => self.head = next,
                }
                if next == 0 {
                    self.tail = before.map_or(0, |before| before + 1);
                }
                return Some(slot);
            }
            before = at;
            at = next.checked_sub(1);
        }
        None
    }
}
