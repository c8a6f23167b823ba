//! The secret halves of a client's medium-term keys, as its store keeps them.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{KEY_LEN, MEDIUM_ID_LEN, PublicKey};
use crate::time::UnixSeconds;

/// Bytes of one secret in a store: number, time and private key.
pub const MEDIUM_SECRET_LEN: usize = 4 + 4 + KEY_LEN;

/// The id of a medium-term key: its first bytes. A stored message names the key by it.
//= PROTOCOL.md#11.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumKeyId([u8; MEDIUM_ID_LEN]);

impl MediumKeyId {
    /// Returns the id of a key.
    pub fn of(key: &PublicKey) -> Self {
        let [first, second, ..] = key.0;
        Self([first, second])
    }

    /// Reads the id from a stored message, its ephemeral key first. Returns `None` if the message
    /// was not encrypted for a medium-term key.
    pub fn of_message(message: &[u8]) -> Option<Self> {
        let (ephemeral, ciphertext) = PublicKey::in_front_of(message);
        Self::in_front_of(&ephemeral, ciphertext)
    }

    /// Reads the id from the front of a ciphertext with this ephemeral key. Returns `None` if the
    /// message was not encrypted for a medium-term key.
    pub fn in_front_of(ephemeral: &PublicKey, ciphertext: &[u8]) -> Option<Self> {
        let id = ciphertext.first_chunk().filter(|_| ephemeral.is_marked())?;
        Some(Self(*id))
    }

    /// Returns whether no message can name the key: it is none, or has the id of none.
    //= PROTOCOL.md#11.6
    pub fn is_none(self) -> bool {
        self.0 == [0; MEDIUM_ID_LEN]
    }

    /// Returns the bytes of the id.
    pub fn bytes(self) -> [u8; MEDIUM_ID_LEN] {
        self.0
    }
}

/// The secrets of at most two medium-term keys of a client, each in a place of its own. A place
/// without a secret is all zeros. A drop wipes them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MediumSecrets([[u8; MEDIUM_SECRET_LEN]; 2]);

impl fmt::Debug for MediumSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediumSecrets(..)")
    }
}

impl MediumSecrets {
    /// No secrets.
    pub const NONE: Self = Self([[0; MEDIUM_SECRET_LEN]; 2]);

    /// Creates the secrets from the bytes of both places, as a store has kept them.
    pub const fn from_places(places: [[u8; MEDIUM_SECRET_LEN]; 2]) -> Self {
        Self(places)
    }

    /// Returns the bytes of both places, for a store. To keep a secret, write its place and sync
    /// it. To delete one, overwrite its place, which is all zeros then.
    pub const fn places(&self) -> &[[u8; MEDIUM_SECRET_LEN]; 2] {
        &self.0
    }

    fn word(&self, place: usize, index: usize) -> u32 {
        let words = self.0.get(place).map(|bytes| bytes.as_chunks().0);
        let word = words.and_then(|words| words.get(index));
        word.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Returns the number of the secret in a place: rising, and 0 for none.
    pub(crate) fn number(&self, place: usize) -> u32 {
        self.word(place, 0)
    }

    /// Returns when the secret in a place was made; 0 if the client had no clock.
    pub(crate) fn made_at(&self, place: usize) -> UnixSeconds {
        UnixSeconds(self.word(place, 1))
    }

    /// Returns the private key in a place.
    pub(crate) fn private(&self, place: usize) -> Option<&[u8; KEY_LEN]> {
        let bytes = self.0.get(place).filter(|_| self.number(place) != 0)?;
        bytes.last_chunk()
    }

    /// Puts a secret into a place.
    pub(crate) fn put(
        &mut self,
        place: usize,
        number: u32,
        made_at: UnixSeconds,
        private: &[u8; KEY_LEN],
    ) {
        let (number, made_at) = (number.to_le_bytes(), made_at.0.to_le_bytes());
        let bytes = number.iter().chain(&made_at).chain(private);
        if let Some(place) = self.0.get_mut(place) {
            place
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
        }
    }

    /// Wipes a place.
    pub(crate) fn wipe(&mut self, place: usize) {
        if let Some(place) = self.0.get_mut(place) {
            place.zeroize();
        }
    }
}

impl ZeroizeOnDrop for MediumSecrets {}

impl Drop for MediumSecrets {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_secret_in_its_place() {
        let mut secrets = MediumSecrets::NONE;
        secrets.put(1, 7, UnixSeconds(9), &[5; KEY_LEN]);
        assert_eq!((secrets.number(0), secrets.private(0)), (0, None));
        assert_eq!((secrets.number(1), secrets.made_at(1)), (7, UnixSeconds(9)));
        assert_eq!(secrets.private(1), Some(&[5; KEY_LEN]));
        let again = MediumSecrets::from_places(*secrets.places());
        assert_eq!(again, secrets);
        secrets.wipe(1);
        assert_eq!(secrets, MediumSecrets::NONE);
        assert_eq!(secrets.private(2), None);
    }

    #[test]
    fn reads_id_behind_marked_key_only() {
        let key = PublicKey([3; KEY_LEN]);
        let id = MediumKeyId::of(&PublicKey([1; KEY_LEN]));
        assert_eq!(id.bytes(), [1, 1]);
        let mut message = [1; KEY_LEN + 2];
        message[..KEY_LEN].copy_from_slice(&key.0);
        assert_eq!(MediumKeyId::of_message(&message), None);
        message[..KEY_LEN].copy_from_slice(&key.marked().0);
        assert_eq!(MediumKeyId::of_message(&message), Some(id));
        assert_eq!(MediumKeyId::of_message(&message[..KEY_LEN + 1]), None);
    }
}
