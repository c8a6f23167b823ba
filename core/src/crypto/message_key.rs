//! MessageKey: private messages that wait where somebody else keeps them, and that only their
//! recipient can open.
//!
//! The key of all stored messages of one process to one recipient is agreed on as in the one-way pattern
//! `K` of the Noise Protocol Framework (section 7.4), `e, es, ss` between static keys that both
//! know; see `PROTOCOL.md`. A stored message is sealed with it under the number of the message, which its
//! process uses once.

use core::fmt;

use zeroize::Zeroize;

use super::symmetric::Symmetric;
use super::{Identity, KEY_LEN, PublicKey, TAG_LEN};

const NAME: &[u8] = b"ChatApp letter, as Noise_K_25519_ChaChaPoly_BLAKE2s";

/// Bytes that a stored message is longer than its text, wherever the key is known that it was sealed with.
pub const MESSAGE_OVERHEAD: usize = TAG_LEN;

/// The key of the stored messages from one process to one recipient.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct MessageKey {
    key: [u8; KEY_LEN],
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageKey(..)")
    }
}

/// Who writes to whom: all of it is sealed into each stored message.
#[derive(Clone, Copy, Debug)]
pub struct Correspondence<'a> {
    /// The sender's name.
    pub from: &'a str,
    /// The sender's process.
    pub incarnation: u64,
    /// The recipient's name.
    pub to: &'a str,
}

impl Correspondence<'_> {
    fn start(&self, identity: &Identity, sender: &PublicKey, recipient: &PublicKey) -> Symmetric {
        let len = |name: &str| [u8::try_from(name.len()).unwrap_or(u8::MAX)];
        let prologue: [&[u8]; 5] = [
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
    pub(crate) const VACANT: Self = Self { key: [0; KEY_LEN] };

    /// The key of our stored messages to `recipient`. `ephemeral` is drawn once for each process; its
    /// public half goes with what is kept. `None` if the recipient's key is none. Cost: two
    /// multiplications on the curve, beside that of the public half.
    pub fn to(
        identity: &Identity,
        recipient: &PublicKey,
        ephemeral: &[u8; KEY_LEN],
        public: &PublicKey,
        who: Correspondence<'_>,
    ) -> Option<Self> {
        let mut state = who.start(identity, &identity.public(), recipient);
        state.mix_hash(&public.0);
        state.mix_shared(ephemeral, &recipient.0)?;
        state.mix_shared(identity.private(), &recipient.0)?;
        Some(Self {
            key: state.bound_key(),
        })
    }

    /// The key of the stored messages of `sender` to us; `ephemeral` is the public half of what its process
    /// has drawn. `None` if a key is none. Cost: two multiplications on the curve.
    pub fn from(
        identity: &Identity,
        sender: &PublicKey,
        ephemeral: &PublicKey,
        who: Correspondence<'_>,
    ) -> Option<Self> {
        let private = identity.private();
        let mut state = who.start(identity, sender, &identity.public());
        state.mix_hash(&ephemeral.0);
        state.mix_shared(private, &ephemeral.0)?;
        state.mix_shared(private, &sender.0)?;
        Some(Self {
            key: state.bound_key(),
        })
    }

    /// Seals a text in place; gives the tag that belongs behind it. A counter is used for one text
    /// only.
    pub fn seal(&self, identity: &Identity, counter: u32, text: &mut [u8]) -> [u8; TAG_LEN] {
        identity.suite().seal(&self.key, counter.into(), &[], text)
    }

    /// Opens a stored message in place; gives its text. `None` if it was sealed with another key, or under
    /// another number.
    pub fn open<'a>(
        &self,
        identity: &Identity,
        counter: u32,
        ciphertext: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let (text, tag) = ciphertext.split_last_chunk_mut::<TAG_LEN>()?;
        let suite = identity.suite();
        suite.open(&self.key, counter.into(), &[], text, tag)?;
        Some(text)
    }

    /// MessageKey with a key that is known, for tools.
    pub fn of(key: [u8; KEY_LEN]) -> Self {
        Self { key }
    }

    /// The key. Whoever has it reads all these stored messages.
    pub fn key(&self) -> &[u8; KEY_LEN] {
        &self.key
    }

    pub(crate) fn wipe(&mut self) {
        self.key.zeroize();
    }
}
