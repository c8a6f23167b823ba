//! The names that the server knows: their slots, and an index to find them.

use super::listing::Listed;
use super::name_list::NameList;
use super::name_slot::NameSlot;
use super::restriction::Suspect;
use crate::containers::{Index, List, Slots};
use crate::crypto::Key;
use crate::driver::StorageError;
use crate::name::Name;

/// Maximum number of names that one search for an unused one looks at.
const LOOKS: u32 = 8;

/// The slot of a new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inserted {
    /// The slot of the name.
    pub(super) slot: u32,
    /// The latest table version of the forgotten name that had the slot before, if any had.
    pub(super) replaced: Option<u32>,
}

/// The way in which a full room gets space for another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// The name in this slot is to be evicted.
    Evict(u32),
    /// A name is being evicted, or some may have to be: ask again.
    Later,
    /// All names were used.
    Never,
}

/// All names: online, offline and forgotten.
pub(super) struct Roster<'a> {
    slots: Slots<'a, NameSlot>,
    index: Index<'a>,
    hash_key: Key,
    /// Number of used slots: slots below this have names.
    used: u32,
    /// Forgotten names that nothing refers to.
    vacated: List<NameList>,
    /// Offline names that were never used, oldest first. No name is in both lists.
    unused: List<NameList>,
    /// The slot of the name that was evicted last.
    evicted: Option<u32>,
}

impl<'a> Roster<'a> {
    /// Creates a roster without names.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that is too small.
    pub(super) fn new(
        slots: &'a mut [NameSlot],
        cells: &'a mut [u32],
        hash_key: Key,
    ) -> Result<Self, StorageError> {
        let few_slots = StorageError::new("names", slots.len(), 1);
        let few_cells = StorageError::new("name_index", cells.len(), 2 * slots.len());
        let slots = Slots::new(slots).ok_or(few_slots)?;
        Ok(Self {
            index: Index::new(cells, slots.len()).ok_or(few_cells)?,
            slots,
            hash_key,
            used: 0,
            vacated: List::new(NameList::Reusable),
            unused: List::new(NameList::Reusable),
            evicted: None,
        })
    }

    /// Returns how many slots have names.
    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// Returns how many names there is room for.
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len()
    }

    /// Returns the name in a slot.
    pub(super) fn at(&self, slot: u32) -> &NameSlot {
        self.slots.at(slot)
    }

    /// Returns the mutable name in a slot.
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut NameSlot {
        self.slots.at_mut(slot)
    }

    /// Returns the text of the name in a slot.
    pub(super) fn name(&self, slot: u32) -> &str {
        self.slots.at(slot).name()
    }

    /// Returns the client in a slot, as a restriction sees it.
    pub(super) fn suspect(&self, slot: u32) -> Suspect<'_> {
        let name = self.slots.at(slot);
        Suspect {
            name: name.name(),
            key: name.process().key_ref(),
            address: name.process().address_ref(),
        }
    }

    /// Returns all slots.
    pub(super) fn slots(&self) -> &Slots<'a, NameSlot> {
        &self.slots
    }

    /// Returns all mutable slots, for the lists that link them.
    pub(super) fn slots_mut(&mut self) -> &mut Slots<'a, NameSlot> {
        &mut self.slots
    }

    /// Returns the slot of a name.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let hash = self.hash_key.hash(name.as_bytes());
        self.index
            .find(hash, |slot| self.slots.at(slot).name() == name)
    }

    /// Assigns a slot to a new name: an unused one, or that of a forgotten name. `None` if the room
    /// is full.
    pub(super) fn insert(&mut self, name: Name, log_next: u32) -> Option<Inserted> {
        let inserted = self.free_slot()?;
        let hash = self.hash_key.hash(name.as_bytes());
        self.slots.at_mut(inserted.slot).replace(name, log_next);
        self.index.insert(hash, inserted.slot);
        Some(inserted)
    }

    fn free_slot(&mut self) -> Option<Inserted> {
        if self.used < self.slots.len() {
            let slot = self.used;
            self.used += 1;
            *self.slots.at_mut(slot) = NameSlot::VACANT;
            return Some(Inserted {
                slot,
                replaced: None,
            });
        }
        let slot = self.vacated.pop(&mut self.slots)?;
        let (key, slots) = (self.hash_key, &self.slots);
        let hash = |slot| key.hash(slots.at(slot).name().as_bytes());
        self.index.remove(hash(slot), slot, hash);
        Some(Inserted {
            slot,
            replaced: Some(self.slots.at(slot).listing().version()),
        })
    }

    // ---- references ----

    /// Counts a message, receipt or log entry that refers to a name.
    pub(super) fn refer(&mut self, slot: u32) {
        self.slots.at_mut(slot).refer();
        self.occupy(slot);
    }

    /// Releases a reference of a message, receipt or log entry to a name.
    pub(super) fn release(&mut self, slot: u32) {
        self.slots.at_mut(slot).release();
        self.vacate(slot);
    }

    /// Protects a slot against its use for another name.
    pub(super) fn occupy(&mut self, slot: u32) {
        let is_gone = self.slots.at(slot).membership().is_gone();
        let list = if is_gone || !cfg!(feature = "quotas") {
            &mut self.vacated
        } else {
            &mut self.unused
        };
        list.remove(&mut self.slots, slot);
    }

    /// Lists a name that is offline from now on as the latest one to evict, if it was never used.
    pub(super) fn note_offline(&mut self, slot: u32) {
        if cfg!(feature = "quotas") && self.slots.at(slot).is_unused() {
            self.unused.push(&mut self.slots, slot);
        }
    }

    /// Chooses the name to evict when the room is full: the one that is offline for longest of
    /// those candidates that were never used. Names that were used after all leave the list, a few
    /// at a time. One eviction is stored before the next one.
    pub(super) fn make_space(&mut self, is_candidate: impl Fn(&NameSlot) -> bool) -> Space {
        if !cfg!(feature = "quotas") {
            return Space::Never;
        }
        let is_expiring = |slot| self.slots.at(slot).membership().is_expiring();
        if self.evicted.is_some_and(is_expiring) {
            return Space::Later;
        }
        let mut next = self.unused.first();
        let mut otherwise = Space::Never;
        for _ in 0..LOOKS {
            let Some(slot) = next else {
                return Space::Never;
            };
            next = self.unused.after(&self.slots, slot);
            let name = self.slots.at(slot);
            if !name.is_unused() {
                self.unused.remove(&mut self.slots, slot);
                otherwise = Space::Later;
            } else if is_candidate(name) {
                if name.results().is_leaving() {
                    // The deregistration itself is not stored yet.
                    return Space::Later;
                }
                self.evicted = Some(slot);
                return Space::Evict(slot);
            }
        }
        if next.is_none() {
            otherwise = Space::Never;
        }
        otherwise
    }

    /// Frees the slot of a forgotten name for another one, if nothing refers to it.
    pub(super) fn vacate(&mut self, slot: u32) {
        if self.slots.at(slot).may_be_replaced() {
            self.vacated.push(&mut self.slots, slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PackedAddress;
    use crate::crypto::{Entropy, PublicKey, Seed, Suite};
    use crate::server::process::SessionStart;

    const START: SessionStart = SessionStart {
        incarnation: 7,
        session_sequence: 1,
        key: PublicKey([1; 32]),
        address: PackedAddress::VACANT,
        cookie_issued_at_ms: 0,
    };

    fn with(test: impl FnOnce(&mut Roster<'_>)) {
        let mut slots = [NameSlot::VACANT, NameSlot::VACANT];
        with_slots(&mut slots, test);
    }

    fn with_slots(slots: &mut [NameSlot], test: impl FnOnce(&mut Roster<'_>)) {
        let mut cells = [0; 32];
        let key = Entropy::new(Suite::Noise, Seed::new(&mut [3; 32])).key();
        test(&mut Roster::new(slots, &mut cells, key).unwrap());
    }

    fn insert(roster: &mut Roster<'_>, name: &str) -> Option<u32> {
        let inserted = roster.insert(Name::new(name).unwrap(), 1)?;
        Some(inserted.slot)
    }

    #[test]
    fn reuses_slots_of_forgotten_names() {
        with(|roster| {
            let alice = insert(roster, "alice").unwrap();
            let bob = insert(roster, "bob").unwrap();
            assert_eq!(insert(roster, "carol"), None);
            roster.refer(alice);
            roster.at_mut(alice).mark_gone();
            roster.vacate(alice);
            assert_eq!(
                insert(roster, "carol"),
                None,
                "a message still refers to alice"
            );
            roster.release(alice);
            assert_eq!(insert(roster, "carol"), Some(alice));
            assert_eq!(roster.find("alice"), None);
            assert_eq!(roster.find("carol"), Some(alice));
            assert_eq!(roster.find("bob"), Some(bob));
        });
    }

    #[cfg(feature = "quotas")]
    #[test]
    //= PROTOCOL.md#9.9
    fn asks_again_if_many_names_were_used_after_all() {
        with_slots(&mut [const { NameSlot::VACANT }; 10], |roster| {
            for number in 0..10_u8 {
                let name = [b'a' + number];
                let name = core::str::from_utf8(&name).unwrap();
                let slot = insert(roster, name).unwrap();
                roster.at_mut(slot).begin_session(&START, 0);
                roster.at_mut(slot).admit();
                roster.at_mut(slot).confirm();
                roster.at_mut(slot).leave();
                roster.note_offline(slot);
            }
            for slot in 0..9 {
                roster.at_mut(slot).refer();
            }
            let asked = [(); 3].map(|()| roster.make_space(|_| true));
            assert_eq!(asked, [Space::Later, Space::Evict(9), Space::Evict(9)]);
            roster.at_mut(9).expire();
            assert_eq!(
                roster.make_space(|_| true),
                Space::Later,
                "one is being evicted"
            );
            roster.occupy(9);
            roster.at_mut(9).forget();
            assert_eq!(roster.make_space(|_| true), Space::Never);
        });
    }
}
