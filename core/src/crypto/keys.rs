//! Keys that last: of a program, and of a room.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::sizes::KEY_LEN;
use super::suite::Suite;

/// The public half of a [`StaticKey`]: who somebody is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct PublicKey(#[serde(with = "crate::crypto::byte_array")] pub [u8; KEY_LEN]);

impl PublicKey {
    /// No key; nobody has this one, because X25519 with it gives zero, which is refused.
    pub const NONE: Self = Self([0; KEY_LEN]);

    /// Whether this is no key at all.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// The key that these bytes begin with, and what is behind it; none, and nothing, if they are
    /// too short for one.
    pub fn in_front_of(bytes: &[u8]) -> (Self, &[u8]) {
        match bytes.split_first_chunk() {
            Some((key, rest)) => (Self(*key), rest),
            None => (Self::NONE, &[]),
        }
    }
}

impl fmt::Display for PublicKey {
    /// 64 digits in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "PublicKey({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// A private key. It is wiped when it is dropped, and never printed.
#[derive(Clone)]
pub struct StaticKey {
    suite: Suite,
    private: [u8; KEY_LEN],
}

impl StaticKey {
    /// A private key from 32 bytes that nobody else can predict; they are all that has to be kept
    /// of it.
    #[cfg(feature = "noise")]
    pub const fn new(private: [u8; KEY_LEN]) -> Self {
        Self {
            suite: Suite::Noise,
            private,
        }
    }

    /// A key that protects nothing: all that is sealed with it can be read and forged by anybody.
    /// It lets a simulator run faster, with the same datagrams in size and number.
    #[cfg(feature = "null-cipher")]
    pub const fn transparent(private: [u8; KEY_LEN]) -> Self {
        Self {
            suite: Suite::NullCipher,
            private,
        }
    }

    pub(super) fn suite(&self) -> Suite {
        self.suite
    }

    /// The secret itself.
    pub(super) fn private(&self) -> &[u8; KEY_LEN] {
        &self.private
    }

    /// The public half. Cost: one multiplication on the curve.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.suite.public(&self.private))
    }
}

impl Drop for StaticKey {
    fn drop(&mut self) {
        self.private.zeroize();
    }
}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticKey(..)")
    }
}

/// What all who are invited to a room know, and nobody else: without it nothing is answered.
#[derive(Clone)]
pub struct RoomKey([u8; KEY_LEN]);

impl RoomKey {
    /// A room key from 32 bytes that nobody outside can guess.
    pub const fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The secret itself.
    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl Drop for RoomKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomKey(..)")
    }
}
