//! Medium-term keys in steps: those of the participants, and those that the machine has sent.

#[cfg(feature = "libfuzzer")]
use arbitrary::{Arbitrary, Result, Unstructured};
use chatapp_core::PublicKey;
use chatapp_core::crypto::{KEY_LEN, MEDIUM_ID_LEN};
use serde::{Deserialize, Serialize};

use crate::people::{ephemeral_public, participant};

/// The keys of a machine that can be named.
const SENT_KEYS: usize = 4;

/// A medium-term key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediumKeyStep {
    /// No key: zeros.
    #[default]
    None,
    /// The key with this number, of any participant.
    Of(u8),
    /// A key that the machine has sent, counted backwards.
    Sent(u8),
    /// The static key of the participant with this number.
    Static(u8),
    /// A key of low order: every shared secret with it is zero.
    LowOrder,
}

impl MediumKeyStep {
    /// Returns the key.
    pub(crate) fn key(&self, sent: &SentKeys) -> PublicKey {
        match self {
            Self::None => PublicKey::NONE,
            Self::Of(number) => ephemeral_public([number.wrapping_add(0x60); KEY_LEN]),
            Self::Sent(back) => sent.0[usize::from(*back) % SENT_KEYS],
            Self::Static(number) => participant(*number).public(),
            Self::LowOrder => {
                let mut key = PublicKey::NONE;
                key.0[0] = 1;
                key
            }
        }
    }
}

/// Returns the id of a key as it stands in a message: nothing for no key.
pub(crate) fn id_of(key: &PublicKey) -> &[u8] {
    let len = if key.is_none() { 0 } else { MEDIUM_ID_LEN };
    &key.0[..len]
}

/// The medium-term keys that the machine has sent, the latest first: its own, or those that it
/// handed out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentKeys([PublicKey; SENT_KEYS]);

impl Default for SentKeys {
    fn default() -> Self {
        Self([PublicKey::NONE; SENT_KEYS])
    }
}

impl SentKeys {
    /// Takes a key that the machine has sent.
    pub(crate) fn note(&mut self, key: PublicKey) {
        if self.0[0] != key {
            self.0.rotate_right(1);
            self.0[0] = key;
        }
    }

    /// Returns the latest key.
    pub(crate) fn latest(&self) -> PublicKey {
        self.0[0]
    }
}

#[cfg(feature = "libfuzzer")]
impl<'a> Arbitrary<'a> for MediumKeyStep {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=15)? {
            0 | 1 => Self::None,
            2 => Self::Static(u.arbitrary()?),
            3 => Self::LowOrder,
            4..=8 => Self::Sent(u.int_in_range(0..=1)?),
            _ => Self::Of(u.int_in_range(0..=3)?),
        })
    }
}

/// The use of medium-term keys by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub enum MediumHabit {
    /// It has no store.
    NotStored,
    /// It stores its secrets.
    Stored,
    /// It uses the secrets that another process stores.
    Shared,
}
