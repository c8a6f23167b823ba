//! Keys that wait to be polled, in the order in which they came.

use zeroize::Zeroize;

use super::{KeySlot, LoggedKey};

/// As many keys as there are slots; of the rest it is known how many they were.
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

    pub(super) fn push(&mut self, key: LoggedKey) {
        let place = self.place(self.used);
        match self.slots.get_mut(place) {
            Some(slot) if slot.0.is_none() => {
                slot.0 = Some(key);
                self.used += 1;
            }
            _ => self.lost = self.lost.saturating_add(1),
        }
    }

    pub(super) fn pop(&mut self) -> Option<LoggedKey> {
        let oldest = self.slots.get_mut(self.first)?;
        if let Some(key) = oldest.0.clone() {
            oldest.wipe();
            self.first = self.place(1);
            self.used = self.used.saturating_sub(1);
            return Some(key);
        }
        let count = core::mem::take(&mut self.lost);
        (count != 0).then_some(LoggedKey::Lost { count })
    }
}

impl KeySlot {
    /// Leaves no key behind, not even in memory that is not read any more.
    fn wipe(&mut self) {
        match &mut self.0 {
            Some(LoggedKey::Session { key, .. } | LoggedKey::Letters { key, .. }) => key.zeroize(),
            // The key of a part wipes itself.
            Some(LoggedKey::Handshake { .. } | LoggedKey::Lost { .. }) | None => {}
        }
        self.0 = None;
    }
}

impl Drop for Ring<'_> {
    fn drop(&mut self) {
        self.slots.iter_mut().for_each(KeySlot::wipe);
    }
}
