//! The ring buffer of the keys that wait to be polled.

use super::logged_key::{KeySlot, LoggedKey};

/// A ring buffer in the caller's slots. When it is full, it counts the keys that it loses.
pub(super) struct Ring<'a> {
    slots: &'a mut [KeySlot],
    first: usize,
    used: usize,
    lost: u32,
}

impl<'a> Ring<'a> {
    pub(super) fn new(slots: &'a mut [KeySlot]) -> Self {
        Self {
            slots,
            first: 0,
            used: 0,
            lost: 0,
        }
    }

    fn place(&self, ahead: usize) -> usize {
        let place = self.first.saturating_add(ahead);
        place.checked_rem(self.slots.len()).unwrap_or_default()
    }

    /// Appends a key, or counts it as lost if there is no room.
    pub(super) fn push(&mut self, key: LoggedKey) {
        let place = self.place(self.used);
        match self.slots.get_mut(place) {
            Some(slot) if slot.is_vacant() => {
                slot.fill(key);
                self.used += 1;
            }
            _ => self.lost = self.lost.saturating_add(1),
        }
    }

    /// Removes and returns the oldest key; after the last one, the number of lost keys.
    pub(super) fn pop(&mut self) -> Option<LoggedKey> {
        let oldest = self.slots.get_mut(self.first)?;
        if let Some(key) = oldest.take() {
            self.first = self.place(1);
            self.used = self.used.saturating_sub(1);
            return Some(key);
        }
        let count = core::mem::take(&mut self.lost);
        (count != 0).then_some(LoggedKey::Lost { count })
    }
}

impl Drop for Ring<'_> {
    fn drop(&mut self) {
        self.slots.iter_mut().for_each(KeySlot::wipe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u64) -> LoggedKey {
        LoggedKey::Session { id, key: [7; 32] }
    }

    #[test]
    fn keeps_order_and_counts_lost_keys() {
        let mut slots = [const { KeySlot::VACANT }; 3];
        let mut log = Ring::new(&mut slots);
        for round in 0..4 {
            (0..5).for_each(|id| log.push(key(10 * round + id)));
            for id in 0..3 {
                assert_eq!(log.pop(), Some(key(10 * round + id)));
            }
            assert_eq!(log.pop(), Some(LoggedKey::Lost { count: 2 }));
            assert_eq!(log.pop(), None);
        }
        log.push(key(1));
        log.push(key(2));
        assert_eq!(log.pop(), Some(key(1)));
        log.push(key(3));
        assert_eq!(log.pop(), Some(key(2)));
        assert_eq!(log.pop(), Some(key(3)));
    }
}
