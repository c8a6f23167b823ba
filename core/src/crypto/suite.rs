//! Which primitives are at work: the real ones or, where a simulator asks for it, the null cipher. All
//! else in this module is built on these, and the same for both.

#[cfg(feature = "noise")]
use super::noise;
#[cfg(feature = "null-cipher")]
use super::null_cipher;
#[cfg(feature = "ring")]
use super::ring as cipher;
#[cfg(all(feature = "noise", not(feature = "ring")))]
use super::rust_crypto as cipher;
use super::{KEY_LEN, TAG_LEN};

/// A set of primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// X25519, ChaCha20-Poly1305, BLAKE2s.
    #[cfg(feature = "noise")]
    Noise,
    /// Nothing is hidden.
    #[cfg(feature = "null-cipher")]
    NullCipher,
}

impl Suite {
    /// After so many datagrams, in powers of two, the key of a direction gives way to the next one.
    /// In a simulated room no session lives for as long as with the real keys, and it shall see
    /// that, too.
    pub(crate) const fn rekey_bits(self) -> u32 {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => 16,
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => 8,
        }
    }

    pub(crate) fn public(self, private: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::public(private),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::public(private),
        }
    }

    /// The secret that two key pairs share; `None` where it would be zero.
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

    /// A hash of all parts, one behind the other.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::hash(parts),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::hash(parts),
        }
    }

    /// A keyed hash of all parts, one behind the other.
    pub(crate) fn hmac(self, key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => noise::hmac(key, parts),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::hmac(key, parts),
        }
    }

    /// Encrypts in place; gives the tag.
    // On its own, as is `open`: so a profile tells what is spent on sealing from all else.
    #[inline(never)]
    pub(crate) fn seal(
        self,
        key: &[u8; KEY_LEN],
        nonce: u64,
        associated: &[u8],
        text: &mut [u8],
    ) -> [u8; TAG_LEN] {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => cipher::seal(key, nonce, associated, text),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::tag(key, nonce, associated, text),
        }
    }

    /// Decrypts in place; `None`, and `text` is worthless, if the tag does not fit.
    #[inline(never)]
    pub(crate) fn open(
        self,
        key: &[u8; KEY_LEN],
        nonce: u64,
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Option<()> {
        match self {
            #[cfg(feature = "noise")]
            Self::Noise => cipher::open(key, nonce, associated, text, tag),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => {
                (null_cipher::tag(key, nonce, associated, text) == *tag).then_some(())
            }
        }
    }

    /// The key that follows this one.
    pub(crate) fn rekey(self, key: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
        match self {
            #[cfg(feature = "noise")]
            // Noise, section 4.2: what zeros are encrypted to, under a nonce that nothing else has.
            Self::Noise => {
                let mut next = [0; KEY_LEN];
                cipher::seal(key, u64::MAX, &[], &mut next);
                next
            }
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => null_cipher::hash(&[b"rekey", key]),
        }
    }
}
