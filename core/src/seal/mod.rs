//! All cryptography, behind one seam: keys, handshakes, sealed datagrams, letters.
//!
//! `SECURITY.md` beside this crate says what is promised and why it holds; `PROTOCOL.md` gives every step as bytes,
//! with test vectors. In short:
//!
//! * Every program has a static X25519 key pair ([`StaticKey`], [`PublicKey`]; RFC 7748).
//! * A [session](Session) between two programs begins with a [handshake](Handshake) of one round trip,
//!   `Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s` (Noise Protocol Framework, revision 34); from then on each datagram is
//!   sealed with ChaCha20-Poly1305 (RFC 8439) under a 64-bit counter.
//! * What goes directly is sealed by the session with its recipient. A private message that the server keeps is a
//!   [letter](Letters): sealed by its sender for its recipient alone.
//!
//! This module is public for those who write tools: dissectors, fuzzers, other implementations. Programs need only
//! the keys.

mod handshake;
mod letter;
#[cfg(feature = "noise")]
mod noise;
mod part_key;
#[cfg(feature = "ring")]
mod ring;
// The tests compare both.
#[cfg(all(feature = "noise", any(test, not(feature = "ring"))))]
mod rust_crypto;
mod session;
#[cfg(feature = "stand-in")]
mod stand_in;
mod suite;
mod symmetric;
#[cfg(all(test, feature = "noise"))]
mod tests;

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

pub(crate) use handshake::{FIRST_OVERHEAD, FIRST_PAYLOAD_MAX, SECOND_OVERHEAD};
pub use handshake::{Handshake, Responder};
pub use letter::{Correspondence, LETTER_OVERHEAD, Letters};
pub use part_key::PartKey;
pub use session::Session;
pub(crate) use suite::Suite;

use crate::entropy::Key;

/// Bytes of a key of any kind.
pub const KEY_LEN: usize = 32;
/// Bytes that prove that something was sealed with a key.
pub const TAG_LEN: usize = 16;

/// The public half of a [`StaticKey`]: who somebody is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct PublicKey(#[serde(with = "crate::wire::array")] pub [u8; KEY_LEN]);

impl PublicKey {
    /// No key; nobody has this one, because X25519 with it gives zero, which is refused.
    pub const NONE: Self = Self([0; KEY_LEN]);

    /// Whether this is no key at all.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// The key that these bytes begin with, and what is behind it; none, and nothing, if they are too short for one.
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
    /// A private key from 32 bytes that nobody else can predict; they are all that has to be kept of it.
    #[cfg(feature = "noise")]
    pub const fn new(private: [u8; KEY_LEN]) -> Self {
        Self {
            suite: Suite::Noise,
            private,
        }
    }

    /// A key that protects nothing: all that is sealed with it can be read and forged by anybody. It lets a simulator run
    /// faster, with the same datagrams in size and number.
    #[cfg(feature = "stand-in")]
    pub const fn transparent(private: [u8; KEY_LEN]) -> Self {
        Self {
            suite: Suite::StandIn,
            private,
        }
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

/// Who we are and which room we are in: all long-lived secrets of one program.
#[derive(Clone, Debug)]
pub struct Identity {
    key: StaticKey,
    public: PublicKey,
    room: Option<RoomKey>,
    tag: Key,
    reset: Key,
}

impl Identity {
    /// The identity of this key, in the room with this key, or in an open one.
    pub fn new(key: StaticKey, room: Option<RoomKey>) -> Self {
        let suite = key.suite;
        let tag = room.as_ref().map_or(Key::PUBLIC, |room| {
            Key::from_bytes(&suite.hash(&[b"ChatApp room", &room.0]))
        });
        let reset = Key::from_bytes(&suite.hash(&[b"ChatApp reset", &key.private]));
        Self {
            public: key.public(),
            key,
            room,
            tag,
            reset,
        }
    }

    /// Our public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Whether only those who have the key of the room get any answer.
    pub fn is_closed(&self) -> bool {
        self.room.is_some()
    }

    pub(crate) fn suite(&self) -> Suite {
        self.key.suite
    }

    /// The key of the tag of datagrams that are not sealed: it keeps strangers out of a closed room.
    pub(crate) fn tag_key(&self) -> Key {
        self.tag
    }

    /// What proves that a session of ours, which the other side writes to under this id, is gone (as the stateless
    /// reset of RFC 9000, section 10.3): only we can make it, also after a restart.
    pub fn reset_token(&self, local_id: u64) -> [u8; TAG_LEN] {
        let id = u128::from(local_id);
        let half = |number: u128| u128::from(self.reset.hash(&(number << 64 | id).to_le_bytes()));
        (half(1) << 64 | half(0)).to_le_bytes()
    }

    fn pre_shared(&self) -> [u8; KEY_LEN] {
        self.room.as_ref().map_or([0; KEY_LEN], |room| room.0)
    }
}

/// Whether two secrets are the same; all bytes are looked at, whatever they are.
pub(crate) fn is_same(one: &[u8; TAG_LEN], other: &[u8; TAG_LEN]) -> bool {
    one.iter()
        .zip(other)
        .fold(0, |differs, (a, b)| differs | (a ^ b))
        == 0
}
