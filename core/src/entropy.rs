//! Unguessable numbers, all from one seed that the caller hands in.

use core::hash::Hasher;

use siphasher::sip::SipHasher24;

/// 32 bytes from a source that nobody else can predict, fresh for every process or boot.
///
/// The core has no randomness of its own: it stretches the seed with SipHash-2-4 as a pseudo-random function
/// (Aumasson, Bernstein, INDOCRYPT 2012). The same seed gives the same run, byte for byte.
#[derive(Clone, Copy)]
pub struct Seed(pub [u8; 32]);

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A key for one use of the pseudo-random function.
#[derive(Clone, Copy)]
pub(crate) struct Key(u64, u64);

impl Key {
    pub(crate) const fn new(low: u64, high: u64) -> Self {
        Self(low, high)
    }

    pub(crate) fn hasher(self) -> SipHasher24 {
        SipHasher24::new_with_keys(self.0, self.1)
    }

    pub(crate) fn hash(self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

/// Draws identifiers and keys from the seed, one after another.
pub(crate) struct Entropy {
    key: Key,
    /// The other half of the seed stands in front of the count in what is hashed.
    salt: [u64; 2],
    drawn: u64,
}

impl Entropy {
    pub(crate) fn new(Seed(bytes): Seed) -> Self {
        let mut words = bytes.chunks_exact(8).map(|word| {
            let mut eight = [0; 8];
            eight
                .iter_mut()
                .zip(word)
                .for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(eight)
        });
        let mut word = || words.next().unwrap_or_default();
        Self {
            key: Key(word(), word()),
            salt: [word(), word()],
            drawn: 0,
        }
    }

    /// 64 random bits, never zero, so that zero can stand for "none".
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let [high, low] = self.salt;
        let mut words = [0; 24];
        for (to, word) in words.chunks_exact_mut(8).zip([high, low, self.drawn]) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        self.key.hash(&words).max(1)
    }

    pub(crate) fn key(&mut self) -> Key {
        Key(self.draw(), self.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_the_seed_counts_and_no_draw_repeats() {
        let mut first_draws = std::collections::BTreeSet::new();
        for bit in 0..256 {
            let mut seed = [7; 32];
            seed[bit / 8] ^= 1 << (bit % 8);
            let mut entropy = Entropy::new(Seed(seed));
            let draws: std::collections::BTreeSet<u64> = (0..4).map(|_| entropy.draw()).collect();
            assert_eq!(draws.len(), 4);
            first_draws.insert(draws);
        }
        assert_eq!(first_draws.len(), 256);
    }
}
