//! The text of a message, plain or encrypted in place.

use crate::crypto::{KEY_LEN, PublicKey, TAG_LEN};
use crate::limits::STORED_MESSAGE_LEN_MAX;

/// The form of the text in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Encrypted,
}

/// A text, with room in front for the ephemeral key, and behind for the tag.
#[derive(Clone, Debug)]
pub(super) struct MessageText {
    form: Form,
    /// The length of the text in bytes.
    len: u16,
    bytes: [u8; STORED_MESSAGE_LEN_MAX],
}

impl MessageText {
    /// An empty text; all zero bits.
    pub(super) const EMPTY: Self = Self {
        form: Form::Plain,
        len: 0,
        bytes: [0; STORED_MESSAGE_LEN_MAX],
    };

    /// Sets the text of a new message.
    pub(super) fn set(&mut self, text: &str) {
        self.form = Form::Plain;
        self.len = u16::try_from(text.len()).unwrap_or_default();
        let place = self.bytes.get_mut(KEY_LEN..).unwrap_or_default();
        place
            .iter_mut()
            .zip(text.as_bytes())
            .for_each(|(to, from)| *to = *from);
    }

    /// Returns whether the text is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.form == Form::Encrypted
    }

    /// Encrypts the text in place by `encrypt`, which returns the tag. `key` goes in front.
    pub(super) fn encrypt(
        &mut self,
        key: &PublicKey,
        encrypt: impl FnOnce(&mut [u8]) -> [u8; TAG_LEN],
    ) -> Option<()> {
        let (front, rest) = self.bytes.split_first_chunk_mut()?;
        let (text, rest) = rest.split_at_mut_checked(self.len.into())?;
        let tag = rest.first_chunk_mut()?;
        *front = key.0;
        *tag = encrypt(text);
        self.form = Form::Encrypted;
        Some(())
    }

    /// Decrypts the text in place by `decrypt`; true if that succeeded.
    pub(super) fn decrypt(&mut self, decrypt: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let end = KEY_LEN + usize::from(self.len) + TAG_LEN;
        let is_plain = self.bytes.get_mut(KEY_LEN..end).is_some_and(decrypt);
        self.form = if is_plain {
            Form::Plain
        } else {
            Form::Encrypted
        };
        is_plain
    }

    fn part(&self, from: usize, tail: usize) -> &[u8] {
        let end = KEY_LEN + usize::from(self.len) + tail;
        self.bytes.get(from..end).unwrap_or_default()
    }

    /// Returns the stored message: the key, the encrypted text, and its tag.
    pub(super) fn stored(&self) -> &[u8] {
        self.part(0, TAG_LEN)
    }

    /// Returns the text; it must be plain.
    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Returns the bytes of the text; it must be plain.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.part(KEY_LEN, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypts_text_between_key_and_tag() {
        let mut text = MessageText::EMPTY;
        text.set("hello");
        let flip = |bytes: &mut [u8]| bytes.iter_mut().for_each(|byte| *byte ^= 1);
        let key = PublicKey([7; KEY_LEN]);
        let encrypted = text.encrypt(&key, |text| {
            flip(text);
            [9; TAG_LEN]
        });
        assert!(encrypted.is_some() && text.is_encrypted());
        let stored = text.stored();
        assert_eq!(stored.len(), KEY_LEN + 5 + TAG_LEN);
        assert!(stored.starts_with(&[7; KEY_LEN]) && stored.ends_with(&[9; TAG_LEN]));
        assert!(!text.decrypt(|_| false), "another key decrypted the text");
        assert!(text.is_encrypted());
        assert!(text.decrypt(|both| {
            flip(&mut both[..5]);
            both.ends_with(&[9; TAG_LEN])
        }));
        assert_eq!((text.is_encrypted(), text.as_str()), (false, "hello"));
    }
}
