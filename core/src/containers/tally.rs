//! Exact counters of things that are known by hashes only.

use super::count::Count;
use super::slots::Slots;

/// Memory for one counter.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct CountSlot {
    /// Hash of what is counted.
    hash: Count,
    /// The number of them; 0 for a vacant slot.
    count: Count,
}

impl CountSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        hash: Count::ZERO,
        count: Count::ZERO,
    };
}

/// A number for each hash that is not zero: a hash table with linear probing. The caller provides
/// at least as many slots as there are different hashes at a time, and hashes under a secret key.
pub(crate) struct Tally<'a> {
    slots: Slots<'a, CountSlot>,
}

impl<'a> Tally<'a> {
    /// Creates counters for `most` different hashes, or returns `None` if there are too few slots.
    pub(crate) fn new(slots: &'a mut [CountSlot], most: u32) -> Option<Self> {
        slots.fill(CountSlot::VACANT);
        let slots = Slots::new(slots).filter(|slots| slots.len() >= most)?;
        Some(Self { slots })
    }

    /// Returns the home of a hash: scaled to the number of slots.
    fn home(&self, hash: u32) -> u32 {
        ((u64::from(hash) * u64::from(self.slots.len())) >> u32::BITS) as u32
    }

    fn after(&self, slot: u32) -> u32 {
        if slot + 1 < self.slots.len() {
            slot + 1
        } else {
            0
        }
    }

    /// Returns the slot of a hash, or the vacant one that it would get.
    fn find(&self, hash: u32) -> u32 {
        let mut slot = self.home(hash);
        for _ in 0..self.slots.len() {
            let found = self.slots.at(slot);
            if found.count == Count::ZERO || found.hash.get() == hash {
                break;
            }
            slot = self.after(slot);
        }
        slot
    }

    /// Returns the number of a hash.
    pub(crate) fn count(&self, hash: u32) -> u32 {
        let found = self.slots.at(self.find(hash));
        if found.hash.get() == hash {
            found.count.get()
        } else {
            0
        }
    }

    /// Counts one more of a hash.
    pub(crate) fn add(&mut self, hash: u32) {
        let slot = self.slots.at_mut(self.find(hash));
        debug_assert!(
            slot.count == Count::ZERO || slot.hash.get() == hash,
            "no slot is free"
        );
        slot.hash.set(hash);
        slot.count.add(1);
    }

    /// Counts one less of a hash. The last one frees its slot and closes the gap behind it (Knuth,
    /// TAOCP volume 3, 6.4, algorithm R).
    pub(crate) fn remove(&mut self, hash: u32) {
        let mut hole = self.find(hash);
        let slot = self.slots.at_mut(hole);
        debug_assert!(
            !cfg!(feature = "quotas") || slot.count != Count::ZERO,
            "it was never counted"
        );
        slot.count.remove(1);
        if slot.count != Count::ZERO {
            return;
        }
        let len = self.slots.len();
        let distance = |from: u32, to: u32| {
            if to >= from {
                to - from
            } else {
                to + len - from
            }
        };
        let mut slot = self.after(hole);
        for _ in 1..len {
            let other = *self.slots.at(slot);
            if other.count == Count::ZERO {
                break;
            }
            if distance(self.home(other.hash.get()), slot) >= distance(hole, slot) {
                *self.slots.at_mut(hole) = other;
                self.slots.at_mut(slot).count = Count::ZERO;
                hole = slot;
            }
            slot = self.after(slot);
        }
    }
}

#[cfg(all(test, feature = "quotas"))]
mod tests {
    use super::*;

    #[test]
    fn counts_each_hash_exactly() {
        let mut slots = [CountSlot::VACANT; 12];
        let mut tally = Tally::new(&mut slots, 12).unwrap();
        // Three home slots for twelve hashes: runs wrap around.
        let hash = |number: u32| (number % 3).wrapping_sub(1) << 28 | number;
        let mut counts = [0; 12];
        let mut random = 1_u32;
        for _ in 0..5_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = random >> 16 & 15;
            let Some(count) = counts.get_mut(number as usize) else {
                continue;
            };
            if random >> 31 == 0 || *count == 0 {
                *count += 1;
                tally.add(hash(number));
            } else {
                *count -= 1;
                tally.remove(hash(number));
            }
            for (number, count) in (0..).zip(counts) {
                assert_eq!(tally.count(hash(number)), count);
            }
        }
    }

    #[test]
    fn needs_a_slot_for_each_hash() {
        let mut slots = [CountSlot::VACANT; 2];
        slots[0].hash.set(7);
        slots[0].count.set(7);
        assert!(Tally::new(&mut slots, 3).is_none());
        assert!(Tally::new(&mut [], 0).is_none());
        let mut tally = Tally::new(&mut slots, 2).unwrap();
        assert_eq!(tally.count(7), 0, "used memory was believed");
        tally.add(7);
        tally.add(1 << 31);
        assert_eq!((tally.count(7), tally.count(8)), (1, 0));
    }
}
