//! Unpredictable numbers, all derived from one seed that the caller provides.

use zeroize::Zeroize;

use super::keyed_hash::{Key, words};
use super::sizes::KEY_LEN;
use super::suite::Suite;

/// Holds 32 bytes from a cryptographically secure source, fresh for every process or boot.
///
/// The core has no source of randomness of its own. It derives identifiers from the seed with
/// SipHash-2-4 as a pseudo-random function (Aumasson, Bernstein, INDOCRYPT 2012). It derives
/// ephemeral keys with a chain of one-way hashes.
///
/// The same seed gives the same run, byte for byte. Two runs with one seed share their secrets: if
/// the source of entropy fails, do not start a client or a server.
#[derive(Clone, Copy)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// Returns an unpredictable number for another component, such as a network stack. It reveals
    /// nothing about the seed, nor about the numbers that the core draws from it.
    pub fn number(&self) -> u64 {
        let [low, high, ..] = words(&self.0);
        // The core hashes 24 bytes under this key, so that no result is the same.
        Key::new(low, high).hash(self.0.last_chunk::<16>().unwrap_or(&[0; 16]))
    }
}

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Draws identifiers and keys from the seed, one after another.
pub(crate) struct Entropy {
    suite: Suite,
    /// The state that the next secret is derived from; it reveals no earlier one.
    chain: [u8; KEY_LEN],
    key: Key,
    /// The other half of the seed: it precedes the count in the input of the hash.
    salt: [u64; 2],
    drawn: u64,
}

impl Entropy {
    /// Creates the generator of a seed.
    pub(crate) fn new(suite: Suite, Seed(bytes): Seed) -> Self {
        let [low, high, salt @ ..] = words(&bytes);
        Self {
            suite,
            chain: suite.hash(&[b"ChatApp secrets", &bytes]),
            key: Key::new(low, high),
            salt,
            drawn: 0,
        }
    }

    /// Returns 32 bytes for an ephemeral key.
    pub(crate) fn secret(&mut self) -> [u8; KEY_LEN] {
        let secret = self.suite.hash(&[b"secret", &self.chain]);
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
    fn depends_on_every_bit_and_repeats_no_draw() {
        let mut first_draws = std::collections::BTreeSet::new();
        let mut numbers = std::collections::BTreeSet::new();
        let step = if cfg!(miri) { 32 } else { 1 };
        for bit in (0..256).step_by(step) {
            let mut seed = [7; 32];
            seed[bit / 8] ^= 1 << (bit % 8);
            numbers.insert(Seed(seed).number());
            let mut entropy = Entropy::new(Suite::Noise, Seed(seed));
            let draws: std::collections::BTreeSet<u64> = (0..4).map(|_| entropy.draw()).collect();
            assert_eq!(draws.len(), 4);
            assert_ne!(entropy.secret(), entropy.secret());
            first_draws.insert((draws, entropy.secret()));
        }
        assert_eq!(first_draws.len(), 256 / step);
        assert_eq!(numbers.len(), 256 / step);
    }
}
