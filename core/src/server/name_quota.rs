//! How many names one key, and one source, may have.

use crate::address::PackedAddress;
use crate::containers::{Count, CountSlot, Tally};
use crate::crypto::{Key, PublicKey};
use crate::driver::StorageError;

/// The key and the source that a name is counted for, as hashes; 0 for nothing.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Counted {
    key: Count,
    source: Count,
}

impl Counted {
    /// Not counted; all zero bits.
    pub(super) const NOT: Self = Self {
        key: Count::ZERO,
        source: Count::ZERO,
    };
}

/// The number of names of each key, and of each source. A source is an IPv4 address, or the upper
/// 64 bits of an IPv6 address. Loopback addresses are not counted.
pub(super) struct NameQuota<'a> {
    counts: Tally<'a>,
    key: Key,
    /// Maximum number of names of one key; 0 for no limit.
    per_key: u32,
    /// Maximum number of names from one source; 0 for no limit.
    per_source: u32,
}

impl<'a> NameQuota<'a> {
    /// Creates the quotas of a room of so many names, at most `per_key` and `per_source`.
    ///
    /// # Errors
    /// [`StorageError`] if there are not two slots for each name.
    pub(super) fn new(
        slots: &'a mut [CountSlot],
        names: u32,
        (per_key, per_source): (u32, u32),
        key: Key,
    ) -> Result<Self, StorageError> {
        let most = names.saturating_mul(2);
        let few = StorageError::new("name_counts", slots.len(), most as usize);
        Ok(Self {
            counts: Tally::new(slots, most).ok_or(few)?,
            key,
            per_key,
            per_source,
        })
    }

    /// Returns the upper half of a hash that no remote party can predict; never 0.
    fn hash(&self, bytes: &[u8]) -> u32 {
        ((self.key.hash(bytes) >> u32::BITS) as u32).max(1)
    }

    fn source(&self, from: &PackedAddress) -> u32 {
        if from.get().ip().is_loopback() {
            return 0;
        }
        self.hash(&from.network().to_le_bytes())
    }

    fn is_below(&self, hash: u32, most: u32) -> bool {
        hash == 0 || most == 0 || self.counts.count(hash) < most
    }

    /// Returns whether this key may have another name, registered from this address.
    //= PROTOCOL.md#15.3
    pub(super) fn admits(&self, key: &PublicKey, from: &PackedAddress) -> bool {
        !cfg!(feature = "quotas")
            || self.admits_key(key) && self.is_below(self.source(from), self.per_source)
    }

    /// Returns whether this key may have another name, registered from anywhere.
    pub(super) fn admits_key(&self, key: &PublicKey) -> bool {
        self.is_below(self.hash(&key.0), self.per_key)
    }

    /// Returns whether a name is counted for the source of this address.
    pub(super) fn is_counted_for(&self, name: &Counted, from: &PackedAddress) -> bool {
        name.source.get() == self.source(from)
    }

    /// Counts a name of this key that was registered from this address.
    pub(super) fn count(&mut self, name: &mut Counted, key: &PublicKey, from: &PackedAddress) {
        if !cfg!(feature = "quotas") {
            return;
        }
        self.uncount(name);
        name.key.set(self.hash(&key.0));
        name.source.set(self.source(from));
        for hash in [name.key, name.source] {
            if hash != Count::ZERO {
                self.counts.add(hash.get());
            }
        }
    }

    /// Counts the name for the address that its client has registered from now. If that source has
    /// too many names already, the name stays counted for the one before.
    pub(super) fn move_to(&mut self, name: &mut Counted, from: &PackedAddress) {
        if !cfg!(feature = "quotas") {
            return;
        }
        let source = self.source(from);
        if source == name.source.get() || !self.is_below(source, self.per_source) {
            return;
        }
        if name.source != Count::ZERO {
            self.counts.remove(name.source.get());
        }
        name.source.set(source);
        if name.source != Count::ZERO {
            self.counts.add(source);
        }
    }

    /// Counts the name no more: it is forgotten, or was not registered.
    pub(super) fn uncount(&mut self, name: &mut Counted) {
        if !cfg!(feature = "quotas") {
            return;
        }
        for hash in [name.key, name.source] {
            if hash != Count::ZERO {
                self.counts.remove(hash.get());
            }
        }
        *name = Counted::NOT;
    }
}

#[cfg(all(test, feature = "quotas"))]
mod tests {
    use core::net::SocketAddr;

    use super::*;

    const ANN: PublicKey = PublicKey([1; 32]);
    const BOB: PublicKey = PublicKey([2; 32]);
    const CAROL: PublicKey = PublicKey([3; 32]);

    fn address(text: &str) -> PackedAddress {
        text.parse::<SocketAddr>().unwrap().into()
    }

    /// Runs a test with two names for each key, and three for each source.
    fn with(test: impl FnOnce(&mut NameQuota<'_>)) {
        let mut slots = [CountSlot::VACANT; 16];
        let key = Key::new(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        test(&mut NameQuota::new(&mut slots, 8, (2, 3), key).unwrap());
    }

    fn count(quota: &mut NameQuota<'_>, key: &PublicKey, from: &str) -> Counted {
        let mut name = Counted::NOT;
        quota.count(&mut name, key, &address(from));
        name
    }

    #[test]
    //= PROTOCOL.md#15.3
    fn limits_names_of_a_key_everywhere() {
        with(|quota| {
            let mut first = count(quota, &ANN, "192.0.2.1:1");
            count(quota, &ANN, "192.0.2.2:1");
            let elsewhere = address("192.0.2.3:1");
            assert!(!quota.admits(&ANN, &elsewhere) && quota.admits(&BOB, &elsewhere));
            quota.uncount(&mut first);
            quota.uncount(&mut first);
            assert!(quota.admits(&ANN, &elsewhere));
        });
    }

    #[test]
    fn limits_names_from_an_address_or_network() {
        with(|quota| {
            for port in 1..=3 {
                count(quota, &PublicKey([port; 32]), "[2001:db8::1]:5");
            }
            assert!(!quota.admits(&CAROL, &address("[2001:db8::2]:9")));
            assert!(quota.admits(&CAROL, &address("[2001:db8:0:1::1]:5")));
        });
    }

    #[test]
    fn counts_no_names_of_loopback_addresses() {
        with(|quota| {
            for number in 1..=8 {
                count(quota, &PublicKey([number; 32]), "127.0.0.1:1");
            }
            for host in ["127.0.0.2:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
                assert!(quota.admits(&PublicKey([9; 32]), &address(host)), "{host}");
            }
        });
    }

    #[test]
    fn moves_a_name_to_a_source_with_room_only() {
        with(|quota| {
            let (home, cafe) = ("192.0.2.1:1", address("192.0.2.2:1"));
            let mut ann = count(quota, &ANN, home);
            quota.move_to(&mut ann, &cafe);
            count(quota, &ANN, "192.0.2.2:1");
            let mut bob = count(quota, &BOB, "192.0.2.2:1");
            assert!(!quota.admits(&CAROL, &cafe) && quota.admits(&CAROL, &address(home)));
            let mut carol = count(quota, &CAROL, home);
            quota.move_to(&mut carol, &cafe);
            quota.uncount(&mut bob);
            assert!(
                quota.admits(&CAROL, &cafe),
                "carol was counted beyond the limit"
            );
            quota.move_to(&mut carol, &cafe);
            assert!(!quota.admits(&BOB, &cafe));
        });
    }

    #[test]
    fn needs_two_slots_for_each_name() {
        let mut slots = [CountSlot::VACANT; 3];
        let few = NameQuota::new(&mut slots, 2, (1, 1), Key::new(1, 2)).err();
        assert_eq!(few, Some(StorageError::new("name_counts", 3, 4)));
        let mut slots = [CountSlot::VACANT; 4];
        let mut none = NameQuota::new(&mut slots, 2, (0, 0), Key::new(1, 3)).unwrap();
        for _ in 0..2 {
            count(&mut none, &ANN, "192.0.2.1:1");
            assert!(
                none.admits(&ANN, &address("192.0.2.1:1")),
                "there is no limit"
            );
        }
    }
}
