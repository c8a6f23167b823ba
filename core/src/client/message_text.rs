//! The text of a message, plain or encrypted in place.

use crate::crypto::{KEY_LEN, MESSAGE_OVERHEAD, PublicKey, SENT_AT_LEN, TAG_LEN};
use crate::limits::STORED_MESSAGE_LEN_MAX;
use crate::time::UnixSeconds;

/// The form of the text in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Encrypted,
}

/// A text, with room in front for the ephemeral key, and behind for the time and the tag.
#[derive(Clone, Debug)]
pub(super) struct MessageText {
    form: Form,
    /// The length of the text in bytes.
    len: u16,
    /// When the user has written it: a text that is encrypted twice is the same both times.
    sent_at: UnixSeconds,
    bytes: [u8; STORED_MESSAGE_LEN_MAX],
}

impl MessageText {
    /// An empty text; all zero bits.
    pub(super) const EMPTY: Self = Self {
        form: Form::Plain,
        len: 0,
        sent_at: UnixSeconds(0),
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

    /// Sets the time of a new message.
    pub(super) fn set_time(&mut self, sent_at: UnixSeconds) {
        self.sent_at = sent_at;
    }

    /// Returns the time of the message.
    pub(super) fn sent_at(&self) -> UnixSeconds {
        self.sent_at
    }

    /// Returns whether the text is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.form == Form::Encrypted
    }

    /// Encrypts the text, and the time behind it, in place by `encrypt`, which returns the tag.
    /// `key` goes in front.
    pub(super) fn encrypt(
        &mut self,
        key: &PublicKey,
        encrypt: impl FnOnce(&mut [u8]) -> [u8; TAG_LEN],
    ) -> Option<()> {
        let (front, rest) = self.bytes.split_first_chunk_mut()?;
        let len = usize::from(self.len) + SENT_AT_LEN;
        let (content, rest) = rest.split_at_mut_checked(len)?;
        let tag = rest.first_chunk_mut()?;
        *front = key.0;
        *tag = encrypt(content);
        self.form = Form::Encrypted;
        Some(())
    }

    /// Decrypts the text in place by `decrypt`; true if that succeeded.
    pub(super) fn decrypt(&mut self, decrypt: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let end = KEY_LEN + usize::from(self.len) + MESSAGE_OVERHEAD;
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

    /// Returns the stored message: the key, the encrypted text and time, and the tag.
    pub(super) fn stored(&self) -> &[u8] {
        self.part(0, MESSAGE_OVERHEAD)
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
        let encrypted = text.encrypt(&key, |content| {
            flip(content);
            [9; TAG_LEN]
        });
        assert!(encrypted.is_some() && text.is_encrypted());
        let stored = text.stored();
        assert_eq!(stored.len(), KEY_LEN + 5 + MESSAGE_OVERHEAD);
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
