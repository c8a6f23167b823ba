//! The participants. The key of a person follows from its name, so that it is the same in each of
//! its processes.

use std::hash::Hasher;

use chatapp_core::crypto::{Correspondence, KEY_LEN, MessageKey, SENT_AT_LEN};
use chatapp_core::{Identity, PublicKey, RoomKey, StaticKey, UnixSeconds};
use siphasher::sip::SipHasher24;

/// The key of the closed room in some tests.
pub(crate) const ROOM: RoomKey = RoomKey::new([0x33; KEY_LEN]);

/// The session id that the server chooses.
pub(crate) const SERVER_ID: u64 = 0x5e;
/// The incarnation of bob.
pub(crate) const BOB: u64 = 0xb0b;
/// The session id that bob chooses.
pub(crate) const BOB_ID: u64 = 0xb1d;

/// Returns 32 bytes that follow from a text and a number.
pub(crate) fn bytes(text: &str, number: u64) -> [u8; KEY_LEN] {
    let mut bytes = [0x55; KEY_LEN];
    let from = number.to_le_bytes().into_iter().chain(text.bytes());
    bytes.iter_mut().zip(from).for_each(|(to, from)| *to = from);
    bytes
}

pub(crate) fn identity(name: &str) -> Identity {
    identity_in(name, None)
}

pub(crate) fn identity_in(name: &str, room: Option<RoomKey>) -> Identity {
    Identity::new(StaticKey::new(bytes(name, 0)), room)
}

pub(crate) fn key(name: &str) -> PublicKey {
    identity(name).public()
}

/// Returns the short tag of a datagram in an open room. Everybody can compute it.
pub(crate) fn tag(content: &[u8]) -> [u8; 8] {
    let (low, high) = (b"ChatApp ", b"datagram");
    let (low, high) = (u64::from_le_bytes(*low), u64::from_le_bytes(*high));
    let mut hasher = SipHasher24::new_with_keys(low, high);
    hasher.write(content);
    hasher.finish().to_le_bytes()
}

/// A stored message, and the values that it is encrypted with. A frame may claim other values.
#[derive(Clone, Copy)]
pub(crate) struct StoredMessage<'a> {
    /// Persons whose keys encrypt and decrypt the message.
    pub(crate) person: &'a str,
    pub(crate) recipient: &'a str,
    /// Values that the encryption covers: the names, the incarnation of the sender, and the
    /// counter.
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) incarnation: u64,
    pub(crate) counter: u32,
    pub(crate) text: &'a str,
    /// The person whose server has the room, and the time of the sender.
    pub(crate) room: &'a str,
    pub(crate) sent_at: u32,
}

/// Returns the public key that decrypts the stored messages of this person's process.
pub(crate) fn message_key(person: &str) -> PublicKey {
    StaticKey::new(bytes(person, 1)).public()
}

impl StoredMessage<'_> {
    /// Returns the ciphertext with its tag.
    pub(crate) fn ciphertext(&self) -> Vec<u8> {
        let sender = identity(self.person);
        let room = key(self.room);
        let who = Correspondence {
            room: &room,
            from: self.from,
            incarnation: self.incarnation,
            to: self.to,
        };
        let (secret, public) = (bytes(self.person, 1), message_key(self.person));
        let key = MessageKey::to(&sender, &key(self.recipient), &secret, &public, who).unwrap();
        let mut ciphertext = [self.text.as_bytes(), &[0; SENT_AT_LEN]].concat();
        let sent_at = UnixSeconds(self.sent_at);
        let tag = key.seal(&sender, self.counter, sent_at, &mut ciphertext);
        ciphertext.extend(tag);
        ciphertext
    }

    /// Returns the message as a server stores it.
    pub(crate) fn stored(&self) -> Vec<u8> {
        [&message_key(self.person).0[..], &self.ciphertext()].concat()
    }
}
