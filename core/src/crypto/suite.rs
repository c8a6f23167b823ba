//! The cipher suite: the real primitives, or the null cipher in a simulator. The rest of this
//! module builds on these primitives, and is the same for both suites.

#[cfg(feature = "noise")]
use super::noise;
#[cfg(feature = "noise")]
use super::nonce::nonce;
#[cfg(feature = "null-cipher")]
use super::null_cipher;
#[cfg(feature = "ring")]
use super::ring as cipher;
#[cfg(all(feature = "noise", not(feature = "ring")))]
use super::rust_crypto as cipher;
use super::{KEY_LEN, TAG_LEN};

/// A set of cryptographic primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// X25519, ChaCha20-Poly1305, BLAKE2s.
    #[cfg(feature = "noise")]
    Noise,
    /// No encryption, for simulators.
    #[cfg(feature = "null-cipher")]
    NullCipher,
}

impl Suite {
    /// The primitives that are used without a key.
    #[cfg(feature = "noise")]
    pub(crate) const DEFAULT: Self = Self::Noise;
    #[cfg(all(feature = "null-cipher", not(feature = "noise")))]
    pub(crate) const DEFAULT: Self = Self::NullCipher;

    /// Returns the binary logarithm of the number of datagrams between two key updates. Sessions in
    /// a simulated room are shorter: a lower number makes them update their keys, too.
    pub(crate) const fn rekey_bits(self) -> u32 {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => 16,
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => 8,
        }
    }

    /// Overwrites the copies of secrets that computations have left on the stack below the caller.
    pub(crate) fn wipe_stack(self) {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::wipe_stack(),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => {}
        }
    }

    /// Returns the public half of a private key.
    pub(crate) fn public(self, private: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::public(private),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::public(private),
        }
    }

    /// Returns the shared secret of two key pairs, or `None` if it is zero.
    pub(crate) fn shared(
        self,
        private: &[u8; KEY_LEN],
        public: &[u8; KEY_LEN],
    ) -> Option<[u8; KEY_LEN]> {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::shared(private, public),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => Some(null_cipher::shared(private, public)),
        }
    }

    /// Returns the hash of all parts, concatenated.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::hash(parts),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::hash(parts),
        }
    }

    /// Returns the HMAC of all parts, concatenated.
    pub(crate) fn hmac(self, key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::hmac(key, parts),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::hmac(key, parts),
        }
    }

    /// Encrypts in place; returns the tag.
    // Neither this nor `open` is inlined, so that a profile shows the cost of the AEAD separately.
    #[inline(never)]
    pub(crate) fn seal(
        self,
        key: &[u8; KEY_LEN],
        counter: u64,
        associated: &[u8],
        text: &mut [u8],
    ) -> [u8; TAG_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => cipher::seal(key, &nonce(counter), associated, text),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::tag(key, counter, associated, text),
        }
    }

    /// Decrypts in place, or returns `None` if the tag is wrong: then the content of `text` is
    /// undefined.
    #[inline(never)]
    pub(crate) fn open(
        self,
        key: &[u8; KEY_LEN],
        counter: u64,
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Option<()> {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => cipher::open(key, &nonce(counter), associated, text, tag),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => {
                (null_cipher::tag(key, counter, associated, text) == *tag).then_some(())
            }
        }
    }

    /// Returns the key that follows this one (`REKEY`).
    pub(crate) fn rekey(self, key: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            // Noise, section 4.2: zeros, encrypted under the nonce that no datagram uses.
            Self::Noise => {
                let mut next = [0; KEY_LEN];
                self.seal(key, u64::MAX, &[], &mut next);
                next
            }
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::hash(&[b"rekey", key]),
        }
    }
}
