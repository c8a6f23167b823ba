//! End-to-end encryption of stored messages: the server stores them, and only their recipient can
//! decrypt them.
//!
//! All stored messages of one process to one recipient have one key. Sender and recipient agree on
//! it as in the one-way pattern `K` of the Noise Protocol Framework (section 7.4): `e, es, ss`
//! between static keys that both know; see `PROTOCOL.md`, section 11.1. If the recipient has a
//! medium-term key, the message key depends on it, too. The nonce of a message is
//! its counter, which the sender's process uses once. The time of its sender is encrypted with it.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::symmetric::Symmetric;
use super::{Identity, KEY_LEN, PublicKey, TAG_LEN};
use crate::time::UnixSeconds;

const NAME: &[u8] = b"ChatApp letter, as Noise_K_25519_ChaChaPoly_BLAKE2s";

/// Bytes of the time behind a text.
pub const SENT_AT_LEN: usize = 4;

/// Bytes that a stored message is longer than its text, without the ephemeral public key: the time
/// of its sender, and the tag.
pub const MESSAGE_OVERHEAD: usize = SENT_AT_LEN + TAG_LEN;

/// The key of the stored messages from one process to one recipient. A drop wipes it.
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct MessageKey {
    key: [u8; KEY_LEN],
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageKey(..)")
    }
}

/// Sender and recipient of stored messages. The key depends on all of these fields.
#[derive(Clone, Copy, Debug)]
pub struct Correspondence<'a> {
    /// Public key of the server: the room.
    pub room: &'a PublicKey,
    /// Name of the sender.
    pub from: &'a str,
    /// Incarnation of the sender: its process.
    pub incarnation: u64,
    /// Name of the recipient.
    pub to: &'a str,
}

impl Correspondence<'_> {
    fn start(&self, identity: &Identity, sender: &PublicKey, recipient: &PublicKey) -> Symmetric {
        let len = |name: &str| [u8::try_from(name.len()).unwrap_or(u8::MAX)];
        let prologue: [&[u8]; 6] = [
            &self.room.0,
            &self.incarnation.to_le_bytes(),
            &len(self.from),
            self.from.as_bytes(),
            &len(self.to),
            self.to.as_bytes(),
        ];
        let mut state = Symmetric::new(identity.suite(), NAME, &prologue);
        state.mix_hash(&sender.0);
        state.mix_hash(&recipient.0);
        state
    }
}

impl MessageKey {
    /// The content of a vacant slot: all zero bits.
    pub(crate) const VACANT: Self = Self { key: [0; KEY_LEN] };

    /// Derives the sender's key of the stored messages to `recipient`. Returns `None` if the
    /// recipient's key is invalid.
    ///
    /// A process draws `ephemeral` once, and sends `public`, its public half, with each stored
    /// message. Cost: two multiplications on the curve.
    pub fn to(
        identity: &Identity,
        recipient: &PublicKey,
        ephemeral: &[u8; KEY_LEN],
        public: &PublicKey,
        who: Correspondence<'_>,
    ) -> Option<Self> {
        let mut state = who.start(identity, &identity.public(), recipient);
        let pairs = [(ephemeral, recipient), (identity.private(), recipient)];
        agree(&mut state, None, public, pairs)?;
        Some(Self::of(state.bound_key()))
    }

    /// Derives the recipient's key of the stored messages of `sender`. Returns `None` if one of the
    /// keys is invalid.
    ///
    /// `ephemeral` is the ephemeral public key of the sender's process. Cost: two multiplications
    /// on the curve.
    pub fn from(
        identity: &Identity,
        sender: &PublicKey,
        ephemeral: &PublicKey,
        who: Correspondence<'_>,
    ) -> Option<Self> {
        let private = identity.private();
        let mut state = who.start(identity, sender, &identity.public());
        let pairs = [(private, ephemeral), (private, sender)];
        agree(&mut state, None, ephemeral, pairs)?;
        Some(Self::of(state.bound_key()))
    }

    /// As [`to`](Self::to), for a recipient with this medium-term key. `public` is marked
    /// ([`PublicKey::marked`]), and so is the key that goes with the message. Cost: three
    /// multiplications on the curve.
    ///
    /// A medium-term key that gives zero is accepted: it takes nothing from the secrets of the
    /// static keys, and its recipient cannot keep a sender from encrypting.
    //= PROTOCOL.md#11.4
    #[cfg(feature = "medium-keys")]
    pub fn to_medium(
        identity: &Identity,
        (recipient, medium): (&PublicKey, &PublicKey),
        ephemeral: &[u8; KEY_LEN],
        public: &PublicKey,
        who: Correspondence<'_>,
    ) -> Option<Self> {
        let mut state = who.start(identity, &identity.public(), recipient);
        let pairs = [(ephemeral, recipient), (identity.private(), recipient)];
        agree(&mut state, Some(medium), public, pairs)?;
        state.mix_any_shared(ephemeral, &medium.0);
        Some(Self::of(state.bound_key()))
    }

    /// As [`from`](Self::from), for a message that was encrypted for this medium-term key, too.
    /// Cost: three multiplications on the curve.
    #[cfg(feature = "medium-keys")]
    pub fn from_medium(
        identity: &Identity,
        (medium_secret, medium): (&[u8; KEY_LEN], &PublicKey),
        sender: &PublicKey,
        ephemeral: &PublicKey,
        who: Correspondence<'_>,
    ) -> Option<Self> {
        let private = identity.private();
        let mut state = who.start(identity, sender, &identity.public());
        let pairs = [(private, ephemeral), (private, sender)];
        agree(&mut state, Some(medium), ephemeral, pairs)?;
        state.mix_any_shared(medium_secret, &ephemeral.0);
        Some(Self::of(state.bound_key()))
    }

    /// Encrypts a text and the time of its sender in place; returns the tag to append to them. The
    /// time takes the last four bytes of `content`, behind the text. Use each counter for one text
    /// only.
    //= PROTOCOL.md#11.2
    pub fn seal(
        &self,
        identity: &Identity,
        counter: u32,
        sent_at: UnixSeconds,
        content: &mut [u8],
    ) -> [u8; TAG_LEN] {
        if let Some(time) = content.last_chunk_mut::<SENT_AT_LEN>() {
            *time = sent_at.0.to_le_bytes();
        }
        let suite = identity.suite();
        suite.seal(&self.key, counter.into(), &[], content)
    }

    /// Decrypts a stored message in place; returns its text, and the time of its sender. Returns
    /// `None` if it was encrypted with another key or under another counter.
    pub fn open<'a>(
        &self,
        identity: &Identity,
        counter: u32,
        ciphertext: &'a mut [u8],
    ) -> Option<(&'a mut [u8], UnixSeconds)> {
        let (content, tag) = ciphertext.split_last_chunk_mut::<TAG_LEN>()?;
        let suite = identity.suite();
        suite.open(&self.key, counter.into(), &[], content, tag)?;
        let (text, time) = content.split_last_chunk_mut::<SENT_AT_LEN>()?;
        Some((text, UnixSeconds(u32::from_le_bytes(*time))))
    }

    /// Creates the key from its bytes, for tools.
    pub fn of(key: [u8; KEY_LEN]) -> Self {
        Self { key }
    }

    /// Returns the bytes of the key, which decrypts all these stored messages.
    pub fn key(&self) -> &[u8; KEY_LEN] {
        &self.key
    }

    /// Erases the key.
    pub(crate) fn wipe(&mut self) {
        self.key.zeroize();
    }
}

impl ZeroizeOnDrop for MessageKey {}

impl Drop for MessageKey {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A secret of one side and a public key of the other: their product is known to both.
type Pair<'a> = (&'a [u8; KEY_LEN], &'a PublicKey);

/// Mixes a medium-term public key, if there is one, the ephemeral public key, and the products
/// `es, ss`.
fn agree(
    state: &mut Symmetric,
    medium: Option<&PublicKey>,
    ephemeral: &PublicKey,
    [es, ss]: [Pair<'_>; 2],
) -> Option<()> {
    if let Some(medium) = medium {
        state.mix_hash(&medium.0);
    }
    state.mix_hash(&ephemeral.0);
    state.mix_shared(es.0, &es.1.0)?;
    state.mix_shared(ss.0, &ss.1.0)
}
