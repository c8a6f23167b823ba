//! Long-lived keys: the static key of a process, and the key of a room.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::sizes::KEY_LEN;
use super::suite::Suite;

/// The highest bit of a public key.
const MARK: u8 = 0x80;

/// The public half of a [`StaticKey`]: it identifies a client or the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct PublicKey(#[serde(with = "crate::crypto::byte_array")] pub [u8; KEY_LEN]);

impl PublicKey {
    /// Stands for "no key". It is never valid: X25519 with it gives zero, which every handshake
    /// refuses.
    pub const NONE: Self = Self([0; KEY_LEN]);

    /// Returns whether this is [`NONE`](Self::NONE).
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Returns the key with its highest bit set, which X25519 ignores (RFC 7748, section 5): in
    /// front of a stored message, it says that the message is encrypted for a medium-term key.
    //= PROTOCOL.md#11.4
    #[must_use]
    pub const fn marked(mut self) -> Self {
        self.0[KEY_LEN - 1] |= MARK;
        self
    }

    /// Returns whether the key is [`marked`](Self::marked).
    pub const fn is_marked(&self) -> bool {
        self.0[KEY_LEN - 1] & MARK != 0
    }

    /// Splits a key off the front of these bytes; returns it and the bytes behind it. Returns
    /// [`NONE`](Self::NONE) and no bytes if there are fewer than [`KEY_LEN`].
    pub fn in_front_of(bytes: &[u8]) -> (Self, &[u8]) {
        match bytes.split_first_chunk() {
            Some((key, rest)) => (Self(*key), rest),
            None => (Self::NONE, &[]),
        }
    }
}

impl fmt::Display for PublicKey {
    /// Writes 64 hexadecimal digits.
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

/// A private X25519 key. `Drop` erases it, and `Debug` does not print it.
#[derive(Clone)]
pub struct StaticKey {
    suite: Suite,
    private: [u8; KEY_LEN],
}

impl StaticKey {
    /// Creates a private key from 32 unpredictable bytes. To use the same key again, store these
    /// bytes.
    #[cfg(feature = "noise")]
    pub const fn new(private: [u8; KEY_LEN]) -> Self {
        Self {
            suite: Suite::Noise,
            private,
        }
    }

    /// Creates a key of the null cipher, which protects nothing: anyone can read and forge data
    /// that it encrypts. A simulator runs faster with it, with datagrams of the same size and
    /// number.
    #[cfg(feature = "null-cipher")]
    pub const fn transparent(private: [u8; KEY_LEN]) -> Self {
        Self {
            suite: Suite::NullCipher,
            private,
        }
    }

    /// Returns the cipher suite of the key.
    pub(super) fn suite(&self) -> Suite {
        self.suite
    }

    /// Returns the secret bytes.
    pub(super) fn private(&self) -> &[u8; KEY_LEN] {
        &self.private
    }

    /// Computes the public half. Cost: one multiplication on the curve.
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

/// The shared secret of the members of a closed room. A process without it gets no answer.
#[derive(Clone)]
pub struct RoomKey([u8; KEY_LEN]);

impl RoomKey {
    /// Creates a room key from 32 bytes that no outsider can guess.
    pub const fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the secret bytes.
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
