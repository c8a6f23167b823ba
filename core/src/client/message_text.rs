//! The text of a message, plain or encrypted in place.

use super::message_keys::{MediumId, NO_MEDIUM_KEY};
use crate::crypto::{KEY_LEN, MEDIUM_ID_LEN, MESSAGE_OVERHEAD, PublicKey, SENT_AT_LEN, TAG_LEN};
#[cfg(feature = "medium-keys")]
use crate::limits::PUBLICATION_LEN;
use crate::limits::STORED_MESSAGE_LEN_MAX;
use crate::time::UnixSeconds;

/// The form of the text in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Encrypted,
    /// Encrypted for a medium-term key, whose id is in front of the text.
    EncryptedForMedium,
}

/// The bytes in front of a text.
const FRONT: usize = KEY_LEN + MEDIUM_ID_LEN;

/// A text, with room in front for the ephemeral key and the id of a medium-term key, and behind for
/// the time and the tag.
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
        let place = self.bytes.get_mut(FRONT..).unwrap_or_default();
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
        self.form != Form::Plain
    }

    /// Encrypts the text, and the time behind it, in place by `encrypt`, which returns the tag.
    /// `key` goes in front, and the id of the medium-term key behind it if there is one.
    pub(super) fn encrypt(
        &mut self,
        key: &PublicKey,
        medium: MediumId,
        encrypt: impl FnOnce(&mut [u8]) -> [u8; TAG_LEN],
    ) -> Option<()> {
        let (_, rest) = self.bytes.split_at_mut_checked(FRONT)?;
        let len = usize::from(self.len) + SENT_AT_LEN;
        let (content, rest) = rest.split_at_mut_checked(len)?;
        let tag = rest.first_chunk_mut()?;
        *tag = encrypt(content);
        self.label(key, medium);
        Some(())
    }

    /// Destroys a text that is of no use to its recipient any more, and must not be sent as it is.
    #[cfg(feature = "medium-keys")]
    pub(super) fn destroy(&mut self, key: &PublicKey, medium: MediumId) {
        self.bytes = [0; STORED_MESSAGE_LEN_MAX];
        self.label(key, medium);
    }

    /// Puts the ephemeral key and the id of the medium-term key in front of an encrypted text.
    pub(super) fn label(&mut self, key: &PublicKey, medium: MediumId) {
        let has_id = medium != NO_MEDIUM_KEY;
        self.form = if has_id {
            Form::EncryptedForMedium
        } else {
            Form::Encrypted
        };
        let id: &[u8] = if has_id { &medium } else { &[] };
        let front = self.front();
        let place = self.bytes.get_mut(front..FRONT).unwrap_or_default();
        place
            .iter_mut()
            .zip(key.0.iter().chain(id))
            .for_each(|(to, from)| *to = *from);
    }

    /// Returns where the encrypted message begins.
    fn front(&self) -> usize {
        if self.form == Form::EncryptedForMedium {
            0
        } else {
            MEDIUM_ID_LEN
        }
    }

    /// Sets the content of a publication: a medium-term key, and zeros.
    #[cfg(feature = "medium-keys")]
    pub(super) fn publish(&mut self, key: &PublicKey) {
        if let Some(content) = self.bytes.first_chunk_mut::<PUBLICATION_LEN>() {
            *content = [0; _];
            content
                .iter_mut()
                .zip(key.0)
                .for_each(|(to, from)| *to = from);
        }
    }

    /// Returns the content of a publication.
    #[cfg(feature = "medium-keys")]
    pub(super) fn publication(&self) -> &[u8] {
        self.bytes.get(..PUBLICATION_LEN).unwrap_or_default()
    }

    /// Decrypts the text in place by `decrypt`; true if that succeeded.
    pub(super) fn decrypt(&mut self, decrypt: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let end = FRONT + usize::from(self.len) + MESSAGE_OVERHEAD;
        let is_plain = self.bytes.get_mut(FRONT..end).is_some_and(decrypt);
        if is_plain {
            self.form = Form::Plain;
        }
        is_plain
    }

    fn part(&self, from: usize, tail: usize) -> &[u8] {
        let end = FRONT + usize::from(self.len) + tail;
        self.bytes.get(from..end).unwrap_or_default()
    }

    /// Returns the stored message: the key, the id of a medium-term key, the encrypted text and
    /// time, and the tag.
    pub(super) fn stored(&self) -> &[u8] {
        self.part(self.front(), MESSAGE_OVERHEAD)
    }

    /// Returns the text; it must be plain.
    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Returns the bytes of the text; it must be plain.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.part(FRONT, 0)
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
        let encrypted = text.encrypt(&key, NO_MEDIUM_KEY, |content| {
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

    #[cfg(feature = "medium-keys")]
    #[test]
    fn puts_id_of_medium_key_behind_the_key() {
        let mut text = MessageText::EMPTY;
        text.set("hello");
        let key = PublicKey([7; KEY_LEN]);
        text.encrypt(&key, [1, 2], |_| [9; TAG_LEN]);
        let stored = text.stored();
        assert_eq!(stored.len(), KEY_LEN + 2 + 5 + MESSAGE_OVERHEAD);
        assert_eq!(stored[KEY_LEN - 1..KEY_LEN + 2], [7, 1, 2]);
        assert_eq!(stored[KEY_LEN + 2..KEY_LEN + 7], *b"hello");
        text.label(&key, [3, 4]);
        assert_eq!(text.stored()[KEY_LEN..KEY_LEN + 2], [3, 4]);
        text.label(&key, NO_MEDIUM_KEY);
        assert_eq!(text.stored().len(), KEY_LEN + 5 + MESSAGE_OVERHEAD);
        assert!(text.decrypt(|_| true));
        assert_eq!(text.as_str(), "hello");
    }

    #[cfg(feature = "medium-keys")]
    #[test]
    fn holds_a_publication() {
        let mut text = MessageText::EMPTY;
        text.set("longer than that would be");
        text.publish(&PublicKey([7; KEY_LEN]));
        let (key, rest) = text.publication().split_at(KEY_LEN);
        assert_eq!((key, rest), (&[7; KEY_LEN][..], &[0; 32][..]));
    }
}
