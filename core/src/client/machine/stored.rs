//! Stored messages: encryption for recipients, and decryption for this client.

use core::ops::Range;

use super::roster::Sender;
use crate::client::event::{MessageStatus, NotShownReason};
use crate::client::machine::Client;
use crate::client::message_keys::{MediumId, NO_MEDIUM_KEY};
#[cfg(feature = "medium-keys")]
use crate::crypto::MediumKeyId;
use crate::crypto::{
    Correspondence, MEDIUM_ID_LEN, MESSAGE_OVERHEAD, MessageKey, PublicKey, TAG_LEN,
};
use crate::name::Name;
use crate::session::connection::Phase;
use crate::session::key_log::KeyEvent;
use crate::time::UnixSeconds;
use crate::wire::Frame;

/// The fields of a stored message that its decryption needs.
pub(super) struct Envelope {
    pub(super) from: Name,
    pub(super) incarnation: u64,
    pub(super) counter: u32,
    /// The static public key of the sender.
    pub(super) key: PublicKey,
    /// The ephemeral public key of the sender's process.
    pub(super) ephemeral: PublicKey,
    /// The medium-term key of this client that the message is encrypted for.
    pub(super) medium: MediumId,
}

impl Envelope {
    /// Reads the fields from a frame; `None` if the name is not valid, or nothing was stored.
    pub(super) fn of(frame: &Frame<'_>) -> Option<Self> {
        let Frame::Mail {
            incarnation,
            counter,
            key,
            from,
            message_key,
            ciphertext,
            ..
        } = *frame
        else {
            return None;
        };
        if message_key.is_none() && ciphertext.is_empty() {
            return None;
        }
        Some(Self {
            from: Name::new(from).ok()?,
            incarnation,
            counter,
            key,
            ephemeral: message_key,
            medium: medium_id_of(&message_key, ciphertext),
        })
    }
}

/// Returns the id of the medium-term key that a message is encrypted for; zeros for none.
fn medium_id_of(ephemeral: &PublicKey, ciphertext: &[u8]) -> MediumId {
    #[cfg(feature = "medium-keys")]
    if let Some(id) = MediumKeyId::in_front_of(ephemeral, ciphertext) {
        return id.bytes();
    }
    let _ = (ephemeral, ciphertext);
    NO_MEDIUM_KEY
}

/// Returns the number of bytes in front of the text of a message with this ephemeral key.
fn front_len(ephemeral: &PublicKey) -> usize {
    if cfg!(feature = "medium-keys") && ephemeral.is_marked() {
        MEDIUM_ID_LEN
    } else {
        0
    }
}

/// Returns where the encrypted text of a message begins, whose ciphertext ends here.
pub(super) fn start_of(ephemeral: &PublicKey, ciphertext: &[u8], end: usize) -> usize {
    let start = end.saturating_sub(ciphertext.len());
    end.min(start + front_len(ephemeral))
}

/// The greatest difference in seconds between the times of sender and server that is not reported.
const CLOCKS_DIFFER_S: u32 = 600;

impl Client<'_> {
    /// Encrypts a message for its recipient.
    ///
    /// # Errors
    /// The status of the message: its recipient is not admitted, or has no usable key.
    //= PROTOCOL.md#11.2
    pub(super) fn encrypt_message(&mut self, slot: u32) -> Result<(), MessageStatus> {
        let to = self.outbox.at(slot).to();
        // A message for an earlier key is of no use to the present owner of the name.
        self.admit(to)?;
        if self.outbox.at(slot).text().is_encrypted() {
            return Ok(());
        }
        self.seal_message(slot).ok_or(MessageStatus::ForeignKey)
    }

    /// Encrypts a plain message for its recipient, which is admitted; `None` if that has no public
    /// key.
    pub(super) fn seal_message(&mut self, slot: u32) -> Option<()> {
        let to = self.outbox.at(slot).to();
        self.learn_key_to(to)?;
        let (ephemeral, medium) = self.label_to(to);
        let key = self.peers.at(to).message_keys().latest_to();
        let entry = self.outbox.at_mut(slot);
        let (counter, sent_at) = (entry.counter(), entry.text().sent_at());
        let identity = self.sessions.identity();
        let encrypt = |content: &mut [u8]| key.seal(identity, counter, sent_at, content);
        entry.text_mut().encrypt(&ephemeral, medium, encrypt)
    }

    /// Derives the key of messages to a peer, unless its slot has it; `None` if it has no public
    /// key.
    fn learn_key_to(&mut self, peer: u32) -> Option<()> {
        let slot = self.peers.at_mut(peer);
        if slot.message_keys().to().is_some() {
            return Some(());
        }
        let room = self.server.key()?;
        let correspondence = Correspondence {
            room: &room,
            from: self.name.as_str(),
            incarnation: self.incarnation,
            to: slot.name().as_str(),
        };
        let identity = self.sessions.identity();
        let recipient = slot.key().get();
        #[cfg(feature = "medium-keys")]
        let key = match slot.message_keys().medium().get() {
            Some(medium) => {
                let recipient = (recipient, medium);
                self.message_keys
                    .derive_medium(identity, recipient, correspondence)?
            }
            None => self
                .message_keys
                .derive(identity, recipient, correspondence)?,
        };
        #[cfg(not(feature = "medium-keys"))]
        let key = self
            .message_keys
            .derive(identity, recipient, correspondence)?;
        self.sessions
            .handshakes()
            .key_log()
            .note(&KeyEvent::StoredMessages {
                incarnation: self.incarnation,
                to: slot.name(),
                key: &key,
            });
        slot.message_keys_mut().set_to(key);
        Some(())
    }

    /// Decrypts a message that goes directly after all. False if its text is lost.
    pub(super) fn decrypt_message(&mut self, slot: u32) -> bool {
        let entry = self.outbox.at_mut(slot);
        if !entry.text().is_encrypted() {
            return true;
        }
        let counter = entry.counter();
        let key = self.peers.at(entry.to()).message_keys().latest_to();
        let decrypt = |text: &mut [u8]| key.open(self.sessions.identity(), counter, text).is_some();
        entry.text_mut().decrypt(decrypt)
    }

    fn message_key_from(&mut self, envelope: &Envelope) -> Option<MessageKey> {
        let room = self.server.key()?;
        let correspondence = Correspondence {
            room: &room,
            from: envelope.from.as_str(),
            incarnation: envelope.incarnation,
            to: self.name.as_str(),
        };
        let key = self.derive_key_from(envelope, correspondence)?;
        self.sessions
            .handshakes()
            .key_log()
            .note(&KeyEvent::StoredMessages {
                incarnation: envelope.incarnation,
                to: &self.name,
                key: &key,
            });
        Some(key)
    }

    fn derive_key_from(
        &self,
        envelope: &Envelope,
        correspondence: Correspondence<'_>,
    ) -> Option<MessageKey> {
        let identity = self.sessions.identity();
        let Envelope { key, ephemeral, .. } = envelope;
        #[cfg(feature = "medium-keys")]
        if ephemeral.is_marked() {
            let medium = self.message_keys.medium().find(envelope.medium)?;
            return MessageKey::from_medium(identity, medium, key, ephemeral, correspondence);
        }
        MessageKey::from(identity, key, ephemeral, correspondence)
    }

    /// Decrypts a stored message in place, in these bytes of the inbox. Its text is in front of the
    /// time and the tag then.
    pub(super) fn decrypt_stored(
        &mut self,
        sender: Sender,
        envelope: &Envelope,
        message: Range<usize>,
    ) -> Result<(), NotShownReason> {
        let pinned = self.pins.get(&envelope.from);
        if pinned.is_some_and(|pinned| *pinned != envelope.key) {
            return Err(NotShownReason::ForeignKey);
        }
        let is_new = pinned.is_none();
        if is_new && self.pins.is_full() {
            return Err(NotShownReason::PinsFull);
        }
        let peer = match sender {
            Sender::Current(peer) => Some(peer),
            // The sender gets a slot, if there is room for one.
            Sender::Other(_) => self.peer_for_command(&envelope.from),
        };
        let known = peer
            .map(|peer| self.peers.at(peer))
            .filter(|slot| *slot.key().get() == envelope.key)
            .and_then(|slot| {
                let keys = slot.message_keys();
                keys.from(envelope.incarnation, envelope.medium)
            });
        let derived = match known {
            Some(_) => None,
            None => {
                let key = self.message_key_from(envelope);
                Some(key.ok_or(NotShownReason::Unreadable)?)
            }
        };
        let known = || {
            let keys = self.peers.at(peer?).message_keys();
            keys.from(envelope.incarnation, envelope.medium)
        };
        let key = derived.as_ref().or_else(known);
        let key = key.ok_or(NotShownReason::Unreadable)?;
        let bytes = self.inbox.stored_message(message);
        let text = key.open(self.sessions.identity(), envelope.counter, bytes);
        if !text.is_some_and(|(text, _)| is_text(text)) {
            return Err(NotShownReason::Unreadable);
        }
        if is_new {
            self.pins.insert(&envelope.from, &envelope.key);
        }
        if let Some(peer) = peer {
            self.learn_keys(peer, envelope, derived);
        }
        Ok(())
    }

    /// Records the key of a peer, which has proved it, and is pinned. `derived` is the key of its
    /// messages, unless its slot has that already.
    fn learn_keys(&mut self, peer: u32, envelope: &Envelope, derived: Option<MessageKey>) {
        let slot = self.peers.at_mut(peer);
        let is_rekeyed = slot.key_mut().learn(&envelope.key);
        slot.key_mut().pin();
        if is_rekeyed {
            slot.message_keys_mut().expire_to();
        }
        if let Some(key) = derived {
            let (process, medium) = (envelope.incarnation, envelope.medium);
            slot.message_keys_mut().set_from(process, medium, key);
        }
        if is_rekeyed && self.sessions.at(peer).phase() != Phase::Closed {
            // The session is with another client, which the roster listed under this name.
            self.fall_back(peer);
        }
    }
}

/// Returns whether these bytes may be the text of a message.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    // Most texts are ASCII, and that check is fast.
    !bytes.is_empty() && (bytes.is_ascii() || core::str::from_utf8(bytes).is_ok())
}

/// Returns the text of a stored message that was decrypted in place.
pub(super) fn text_of<'a>(ephemeral: &PublicKey, message: &'a [u8]) -> &'a str {
    let end = message.len().checked_sub(MESSAGE_OVERHEAD);
    end.and_then(|end| message.get(front_len(ephemeral)..end))
        .and_then(|text| core::str::from_utf8(text).ok())
        .unwrap_or_default()
}

/// Returns when the sender of a message that was decrypted in place has sent it, by its own clock.
/// `None` if it has no clock, or if that is about the time of the server.
//= PROTOCOL.md#11.2
pub(super) fn other_time(message: &[u8], stamp: UnixSeconds) -> Option<UnixSeconds> {
    let (content, _) = message.split_last_chunk::<TAG_LEN>()?;
    let sent_at = u32::from_le_bytes(*content.last_chunk()?);
    let differs = sent_at != 0 && sent_at.abs_diff(stamp.0) > CLOCKS_DIFFER_S;
    differs.then_some(UnixSeconds(sent_at))
}
