//! The pinned keys: each name that messages were exchanged with, and the only key that it may have.
//! No pin is ever evicted; without room for another one, no further name is trusted. The ignored
//! keys are here, too.

use super::event::MessageStatus;
use super::ignored::Ignored;
use super::peer_slot::PeerSlot;
use super::pin_marks::PinMarks;
use crate::containers::{Index, Slots};
use crate::crypto::{Key, PublicKey};
use crate::driver::StorageError;
use crate::name::Name;

/// The pinned key of one name.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct PinSlot {
    name: Name,
    key: PublicKey,
    marks: PinMarks,
}

impl PinSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        name: Name::VACANT,
        key: PublicKey::NONE,
        marks: PinMarks::NONE,
    };
}

/// All pinned keys, in the order in which they were pinned.
pub(super) struct Pins<'a> {
    slots: Slots<'a, PinSlot>,
    names: Index<'a>,
    hash_key: Key,
    /// Slots from here on were never used.
    fresh: u32,
    /// The pins from here on were not exported as records yet.
    unexported: u32,
    ignored: Ignored<'a>,
}

impl<'a> Pins<'a> {
    /// Creates it without pins. The names are hashed under a secret key.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that is too small.
    pub(super) fn new(
        slots: &'a mut [PinSlot],
        cells: &'a mut [u32],
        hash_key: Key,
    ) -> Result<Self, StorageError> {
        let few_slots = StorageError::new("pins", slots.len(), 1);
        let few_cells = StorageError::new("pin_names", cells.len(), 2 * slots.len());
        let slots = Slots::new(slots).ok_or(few_slots)?;
        let names = Index::new(cells, slots.len()).ok_or(few_cells)?;
        Ok(Self {
            slots,
            names,
            hash_key,
            fresh: 0,
            unexported: 0,
            ignored: Ignored::none(),
        })
    }

    /// Returns the keys that the user ignores, pinned or not.
    pub(super) fn ignored(&self) -> &Ignored<'a> {
        &self.ignored
    }

    #[cfg(feature = "ignore")]
    pub(super) fn ignored_mut(&mut self) -> &mut Ignored<'a> {
        &mut self.ignored
    }

    fn find(&self, name: &Name) -> Option<u32> {
        let has_it = |pin| self.slots.at(pin).name == *name;
        self.names.find(self.hash_key.hash(name.as_bytes()), has_it)
    }

    /// Returns the pinned key of a name.
    pub(super) fn get(&self, name: &Name) -> Option<&PublicKey> {
        self.find(name).map(|pin| &self.slots.at(pin).key)
    }

    /// Returns the highest counter of private messages that was shown of this process of a name; 0
    /// for none.
    pub(super) fn mark(&self, name: &Name, process: u64) -> u32 {
        let found = self.find(name);
        found.map_or(0, |pin| self.slots.at(pin).marks.of(process))
    }

    /// Raises that mark; false if the name has no pin.
    pub(super) fn raise_mark(&mut self, name: &Name, process: u64, counter: u32) -> bool {
        let Some(pin) = self.find(name) else {
            return false;
        };
        self.slots.at_mut(pin).marks.raise(process, counter);
        true
    }

    /// Returns whether there is no room for another name.
    pub(super) fn is_full(&self) -> bool {
        self.fresh >= self.slots.len()
    }

    /// Pins the key of a name that has none. False if there is no room.
    pub(super) fn insert(&mut self, name: &Name, key: &PublicKey) -> bool {
        if self.is_full() {
            return false;
        }
        let pin = self.fresh;
        self.fresh += 1;
        *self.slots.at_mut(pin) = PinSlot {
            name: name.clone(),
            key: *key,
            marks: PinMarks::NONE,
        };
        let hash = self.hash_key.hash(name.as_bytes());
        self.names.insert(hash, pin);
        true
    }

    /// Checks whether messages may go to a peer, or come from it, and pins its key if so. The key
    /// counts from then on even if no session opens with it, because a roster that lists it could
    /// have listed any.
    ///
    /// # Errors
    /// The status of a message to it: the peer has no key, or another one than the pinned one, or
    /// there is no room for its pin.
    //= PROTOCOL.md#11.3
    pub(super) fn admit(&mut self, peer: &mut PeerSlot) -> Result<(), MessageStatus> {
        let key = peer.key();
        if !key.is_usable() {
            Err(MessageStatus::ForeignKey)
        } else if key.is_pinned() {
            Ok(())
        } else {
            self.pin(peer)
        }
    }

    /// Pins the key of a peer. Each message asks for its pin, only the first one needs this.
    #[cold]
    fn pin(&mut self, peer: &mut PeerSlot) -> Result<(), MessageStatus> {
        if !self.insert(peer.name(), peer.key().get()) {
            return Err(MessageStatus::PinsFull);
        }
        peer.key_mut().pin();
        Ok(())
    }

    /// Takes back the pin of an earlier process, or of another process that shares its store: what
    /// the store has counts. False if there is no room.
    pub(super) fn restore(&mut self, name: &Name, key: &PublicKey) -> bool {
        if let Some(pin) = self.find(name) {
            self.slots.at_mut(pin).key = *key;
            return true;
        }
        let all_exported = self.unexported == self.fresh;
        let has_room = self.insert(name, key);
        if all_exported {
            self.unexported = self.fresh;
        }
        has_room
    }

    /// Takes the next pin for the store.
    pub(super) fn take(&mut self) -> Option<(&str, PublicKey)> {
        if self.unexported == self.fresh {
            return None;
        }
        let pin = self.slots.at(self.unexported);
        self.unexported += 1;
        Some((pin.name.as_str(), pin.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KEY_LEN;

    const KEY: PublicKey = PublicKey([7; KEY_LEN]);
    const OTHER: PublicKey = PublicKey([8; KEY_LEN]);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// Runs with room for two pins.
    fn with_pins(run: impl FnOnce(&mut Pins<'_>)) {
        let mut slots = [PinSlot::VACANT; 2];
        let mut cells = [0; 4];
        run(&mut Pins::new(&mut slots, &mut cells, Key::PUBLIC).unwrap());
    }

    #[test]
    fn exports_each_pin_once_in_order() {
        with_pins(|pins| {
            let mut peers = ["b", "a"].map(|text| PeerSlot::named(name(text)));
            let no_key = Err(MessageStatus::ForeignKey);
            assert_eq!(pins.admit(&mut peers[0]), no_key);
            for peer in &mut peers {
                peer.key_mut().list(&KEY);
                assert_eq!(pins.admit(peer), Ok(()));
                assert_eq!(pins.admit(peer), Ok(()), "it takes no more room");
            }
            assert_eq!(pins.take(), Some(("b", KEY)));
            assert_eq!(pins.take(), Some(("a", KEY)));
            assert_eq!(pins.take(), None);
            peers[1].key_mut().list(&OTHER);
            assert_eq!(pins.admit(&mut peers[1]), no_key);
            assert_eq!(pins.get(&name("a")), Some(&KEY));
        });
    }

    #[test]
    fn admits_no_further_peer_when_full() {
        with_pins(|pins| {
            assert!(pins.restore(&name("a"), &KEY));
            assert_eq!(pins.take(), None, "it came from the store");
            let mut b = PeerSlot::named(name("b"));
            b.key_mut().list(&KEY);
            assert_eq!(pins.admit(&mut b), Ok(()));
            let mut c = PeerSlot::named(name("c"));
            c.key_mut().list(&KEY);
            assert_eq!(pins.admit(&mut c), Err(MessageStatus::PinsFull));
            assert!(!c.key().is_pinned() && pins.get(&name("c")).is_none());
            assert!(!pins.restore(&name("d"), &KEY));
            assert_eq!(pins.admit(&mut b), Ok(()), "what is pinned stays so");
            assert_eq!(pins.take(), Some(("b", KEY)));
        });
    }

    #[test]
    fn prefers_pin_of_the_store() {
        with_pins(|pins| {
            assert!(pins.insert(&name("a"), &KEY));
            assert!(pins.restore(&name("a"), &OTHER));
            assert_eq!(pins.get(&name("a")), Some(&OTHER));
            assert!(pins.insert(&name("b"), &KEY), "it took no more room");
        });
    }

    #[test]
    fn asks_for_enough_memory() {
        let new = |count, cells| {
            let (mut slots, mut indexes) = ([PinSlot::VACANT; 2], [0; 4]);
            Pins::new(&mut slots[..count], &mut indexes[..cells], Key::PUBLIC).is_ok()
        };
        assert!(new(1, 2) && new(2, 4));
        assert!(!new(0, 0) && !new(2, 3));
    }
}
