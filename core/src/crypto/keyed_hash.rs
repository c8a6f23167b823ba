//! The keyed hash of tags, cookies and indices: SipHash-2-4.

use core::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::sizes::KEY_LEN;

/// A key for one use of the pseudo-random function.
#[derive(Clone, Copy)]
pub(crate) struct Key(u64, u64);

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The public key of short tags in open rooms (`PROTOCOL.md`, section 3.2).
    pub(crate) const PUBLIC: Self = Self(
        u64::from_le_bytes(*b"ChatApp "),
        u64::from_le_bytes(*b"datagram"),
    );

    /// Creates a key from its two halves.
    pub(crate) const fn new(low: u64, high: u64) -> Self {
        Self(low, high)
    }

    #[cfg(test)]
    pub(crate) fn halves(self) -> [u64; 2] {
        [self.0, self.1]
    }

    /// Creates a key from the first 16 bytes.
    pub(crate) fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        let [low, high, ..] = words(bytes);
        Self(low, high)
    }

    /// Returns a hasher with this key, for input in parts.
    pub(crate) fn hasher(self) -> SipHasher24 {
        SipHasher24::new_with_keys(self.0, self.1)
    }

    /// Returns the SipHash-2-4 of these bytes.
    pub(crate) fn hash(self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(bytes);
        hasher.finish()
    }

    /// Hashes a number by multiplication with a secret odd number (Dietzfelbinger and others,
    /// 1997); use the upper bits. For numbers that a remote party chooses, use
    /// [`hash`](Self::hash).
    pub(crate) fn scatter(self, number: u64) -> u64 {
        (number ^ self.0).wrapping_mul(self.1 | 1)
    }
}

/// Returns the bytes of a key as four numbers.
pub(super) fn words(bytes: &[u8; KEY_LEN]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*chunk);
    }
    words
}
