//! The ignored keys, of which the client shows no message.

use core::fmt;

use crate::crypto::PublicKey;
use crate::name::Name;

/// An ignored key, and the name that it had when it was ignored.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct IgnoredSlot {
    name: Name,
    key: PublicKey,
}

impl IgnoredSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        name: Name::VACANT,
        key: PublicKey::NONE,
    };
}

/// Why a key cannot be ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IgnoreError {
    /// No key of the name is known: it is not in the roster, and no message was exchanged.
    NoKey,
    /// The name is the client's own.
    OwnName,
    /// As many keys are ignored as there is room for.
    Full,
}

impl fmt::Display for IgnoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey => "no key of this name is known",
            Self::OwnName => "that is your own name",
            Self::Full => "too many keys are ignored",
        })
    }
}

impl core::error::Error for IgnoreError {}

/// All ignored keys, in the order in which they were ignored.
pub(super) struct Ignored<'a> {
    slots: &'a mut [IgnoredSlot],
    count: usize,
}

impl<'a> Ignored<'a> {
    /// Creates it without room for a key.
    pub(super) const fn none() -> Self {
        Self {
            slots: &mut [],
            count: 0,
        }
    }

    /// Creates it with room for as many keys as there are slots.
    pub(super) const fn of(slots: &'a mut [IgnoredSlot]) -> Self {
        Self { slots, count: 0 }
    }

    fn used(&self) -> &[IgnoredSlot] {
        self.slots.get(..self.count).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns whether a key is ignored. Cost: looks at all ignored keys.
    pub(super) fn has_key(&self, key: &PublicKey) -> bool {
        self.used().iter().any(|slot| slot.key == *key)
    }

    /// Returns whether a key is ignored that had this name.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.used().iter().any(|slot| slot.name.as_str() == name)
    }

    /// Ignores a key. False if there is no room for it.
    pub(super) fn insert(&mut self, name: &Name, key: &PublicKey) -> bool {
        if self.has_key(key) {
            return true;
        }
        let Some(slot) = self.slots.get_mut(self.count) else {
            return false;
        };
        self.count += 1;
        *slot = IgnoredSlot {
            name: name.clone(),
            key: *key,
        };
        true
    }

    /// Ends ignoring the first key that had this name, or is this key. Returns it.
    pub(super) fn remove(&mut self, name: &Name, key: Option<&PublicKey>) -> Option<PublicKey> {
        let is_it = |slot: &IgnoredSlot| slot.name == *name || Some(&slot.key) == key;
        let at = self.used().iter().position(is_it)?;
        let rest = self.slots.get_mut(at..self.count)?;
        rest.rotate_left(1);
        self.count -= 1;
        let removed = core::mem::replace(self.slots.get_mut(self.count)?, IgnoredSlot::VACANT);
        Some(removed.key)
    }

    /// Returns all ignored keys, with the names that they had.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, PublicKey)> {
        self.used()
            .iter()
            .map(|slot| (slot.name.as_str(), slot.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KEY_LEN;

    const BOB: PublicKey = PublicKey([7; KEY_LEN]);
    const CAROL: PublicKey = PublicKey([8; KEY_LEN]);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn has_room_for_each_slot_and_no_further() {
        let mut slots = [IgnoredSlot::VACANT; 2];
        let mut ignored = Ignored::of(&mut slots);
        assert!(ignored.insert(&name("bob"), &BOB));
        assert!(ignored.insert(&name("carol"), &CAROL));
        assert!(ignored.insert(&name("robert"), &BOB), "it is there");
        assert!(!ignored.insert(&name("dave"), &PublicKey([9; KEY_LEN])));
        assert!(!Ignored::none().insert(&name("bob"), &BOB));
        let all: std::vec::Vec<_> = ignored.iter().collect();
        assert_eq!(all, [("bob", BOB), ("carol", CAROL)]);
    }

    #[test]
    fn removes_by_former_name_or_by_key() {
        let mut slots = [IgnoredSlot::VACANT; 3];
        let mut ignored = Ignored::of(&mut slots);
        for (text, key) in [("bob", BOB), ("carol", CAROL)] {
            assert!(ignored.insert(&name(text), &key));
        }
        assert_eq!(ignored.remove(&name("dave"), None), None);
        assert_eq!(ignored.remove(&name("bob"), None), Some(BOB));
        assert!(!ignored.has_key(&BOB) && !ignored.has_name("bob"));
        assert!(ignored.has_key(&CAROL) && ignored.has_name("carol"));
        assert_eq!(ignored.remove(&name("caroline"), Some(&CAROL)), Some(CAROL));
        assert_eq!(ignored.iter().count(), 0);
    }
}
