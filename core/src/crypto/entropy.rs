//! Unpredictable numbers, all derived from one seed that the caller provides.

use zeroize::{Zeroize, Zeroizing};

use super::keyed_hash::{Key, words};
use super::sizes::KEY_LEN;
use super::suite::Suite;

/// Holds 32 bytes from a cryptographically secure source, fresh for every process or boot.
///
/// The core has no source of randomness of its own. It derives identifiers with SipHash-2-4 as a
/// pseudo-random function (Aumasson, Bernstein, INDOCRYPT 2012), and ephemeral keys with a chain of
/// one-way hashes. Both start from hashes of the seed, each with its own label: neither reveals
/// anything about the seed or the other one.
///
/// The same seed gives the same run, byte for byte. Two runs with one seed share their secrets: if
/// the source of entropy fails, do not start a client or a server.
///
/// The bytes stay in the caller's buffer, and the drop of the seed wipes them there: no copy of
/// them remains, and no seed serves twice.
pub struct Seed<'a>(&'a mut [u8; KEY_LEN]);

impl<'a> Seed<'a> {
    /// Borrows the bytes in a buffer. They are zero when the seed is dropped.
    pub const fn new(bytes: &'a mut [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// Returns an unpredictable number for another component, such as a network stack. It reveals
    /// nothing about the seed, nor about the numbers that the core draws from it.
    #[cfg(any(feature = "noise", feature = "null-cipher"))]
    pub fn number(&self) -> u64 {
        let [number, ..] = words(&Suite::DEFAULT.hash(&[b"ChatApp number", self.0]));
        number
    }
}

impl core::fmt::Debug for Seed<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl Drop for Seed<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Draws identifiers and keys from the seed, one after another.
pub(crate) struct Entropy {
    suite: Suite,
    /// The state that the next secret is derived from; it reveals no earlier one.
    chain: [u8; KEY_LEN],
    /// The key of the identifiers.
    key: Key,
    /// Precedes the count in the input of that hash.
    salt: [u64; 2],
    drawn: u64,
}

impl Entropy {
    /// Creates the generator of a seed.
    pub(crate) fn new(suite: Suite, seed: Seed<'_>) -> Self {
        let [low, high, salt @ ..] = words(&suite.hash(&[b"ChatApp draws", seed.0]));
        let entropy = Self {
            suite,
            chain: suite.hash(&[b"ChatApp secrets", seed.0]),
            key: Key::new(low, high),
            salt,
            drawn: 0,
        };
        drop(seed);
        suite.wipe_stack();
        entropy
    }

    /// Returns 32 bytes for an ephemeral key.
    pub(crate) fn secret(&mut self) -> Zeroizing<[u8; KEY_LEN]> {
        let secret = Zeroizing::new(self.suite.hash(&[b"secret", &self.chain]));
        self.chain = self.suite.hash(&[b"next", &self.chain]);
        secret
    }

    /// Returns 64 random bits, never zero, so that zero can stand for "none".
    //= PROTOCOL.md#3.1
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let [high, low] = self.salt;
        let mut words = [0; 24];
        for (to, word) in words.chunks_exact_mut(8).zip([high, low, self.drawn]) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        self.key.hash(&words).max(1)
    }

    /// Draws a key for a keyed hash.
    pub(crate) fn key(&mut self) -> Key {
        Key::new(self.draw(), self.draw())
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.chain.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depends_on_every_bit_of_a_seed_that_it_wipes() {
        let mut first_draws = std::collections::BTreeSet::new();
        let mut numbers = std::collections::BTreeSet::new();
        let step = if cfg!(miri) { 32 } else { 1 };
        for bit in (0..256).step_by(step) {
            let mut seed = [7; 32];
            seed[bit / 8] ^= 1 << (bit % 8);
            numbers.insert(Seed::new(&mut seed.clone()).number());
            let mut entropy = Entropy::new(Suite::Noise, Seed::new(&mut seed));
            assert_eq!(seed, [0; 32], "it is wiped");
            let draws: std::collections::BTreeSet<u64> = (0..4).map(|_| entropy.draw()).collect();
            assert_eq!(draws.len(), 4);
            assert_ne!(entropy.secret(), entropy.secret());
            first_draws.insert((draws, *entropy.secret()));
        }
        assert_eq!(first_draws.len(), 256 / step);
        assert_eq!(numbers.len(), 256 / step);
    }

    /// The state must not lead back to the seed, nor to secrets that were drawn.
    #[test]
    fn holds_nothing_of_the_seed() {
        let seed: [u8; KEY_LEN] = core::array::from_fn(|at| at as u8 ^ 0xa5);
        let mut entropy = Entropy::new(Suite::Noise, Seed::new(&mut seed.clone()));
        let first = entropy.secret();
        let words = [entropy.key.halves(), entropy.salt];
        let words = words.as_flattened().iter();
        let mut state: std::vec::Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
        state.extend(entropy.chain);
        let is_held = |part: &[u8]| state.windows(part.len()).any(|held| held == part);
        assert!(!seed.windows(4).any(is_held) && !first.windows(4).any(is_held));
    }
}
