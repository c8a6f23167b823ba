//! Builds stored messages: the text "hi" of alice to bob.

use chatapp_core::crypto::{Correspondence, MessageKey, SENT_AT_LEN};
#[cfg(feature = "medium-keys")]
use chatapp_core::crypto::{KEY_LEN, MediumKeyId};
use chatapp_core::{PublicKey, UnixSeconds};

#[cfg(feature = "medium-keys")]
use crate::people::MEDIUM_TERM;
use crate::people::{MESSAGES_EPHEMERAL, alice, bob, counting, identity, public, server};
use crate::values::{Bytes, INCARNATION, Take};

/// The time of their sender.
const SENT_AT: UnixSeconds = UnixSeconds(1_648_150_290);

/// The counters of two messages.
pub(crate) const FIRST: u32 = 300;
pub(crate) const LATER: u32 = 302;

pub(crate) fn make(take: Take<'_>) {
    take("ciphertext", &ciphertext(FIRST));
    take("stored-message", &stored_message());
    #[cfg(feature = "medium-keys")]
    {
        take("medium-term-key", &public(MEDIUM_TERM).0);
        take("medium-stored-message", &medium_message());
    }
}

/// Returns the stored message: the ephemeral key, then the ciphertext.
pub(crate) fn stored_message() -> Bytes {
    let mut message = Bytes::from_slice(&key().0).expect("there is room");
    message
        .extend_from_slice(&ciphertext(FIRST))
        .expect("there is room");
    message
}

/// Returns the ephemeral public key of alice's process.
pub(crate) fn key() -> PublicKey {
    public(MESSAGES_EPHEMERAL)
}

/// Returns the stored message that is encrypted for bob's medium-term key, too: the ephemeral key
/// with its mark, the id of the medium-term key, then the ciphertext.
#[cfg(feature = "medium-keys")]
fn medium_message() -> Bytes {
    let (alice, bob) = (identity(alice()), identity(bob()));
    let (key, medium) = (key().marked(), public(MEDIUM_TERM));
    let room = identity(server()).public();
    let who = alice_to_bob(&room);
    let ephemeral = counting(MESSAGES_EPHEMERAL);
    let recipient = (&bob.public(), &medium);
    let to = MessageKey::to_medium(&alice, recipient, &ephemeral, &key, who);
    let mut content = *b"hi\0\0\0\0";
    let tag = to
        .expect("bob has a key")
        .seal(&alice, FIRST, SENT_AT, &mut content);
    let own = (&counting(MEDIUM_TERM), &medium);
    let from = MessageKey::from_medium(&bob, own, &alice.public(), &key, who);
    let mut message = Bytes::new();
    let id = MediumKeyId::of(&medium).bytes();
    for part in [&key.0[..], &id, &content, &tag] {
        message.extend_from_slice(part).expect("there is room");
    }
    assert_eq!(
        MediumKeyId::of_message(&message).map(MediumKeyId::bytes),
        Some(id)
    );
    let mut copy = message.clone();
    let decrypted = from
        .expect("alice has a key")
        .open(&bob, FIRST, &mut copy[KEY_LEN + id.len()..])
        .is_some_and(|(text, at)| text == b"hi" && at == SENT_AT);
    assert!(decrypted);
    message
}

/// Returns the ciphertext and tag of the message with this counter.
pub(crate) fn ciphertext(number: u32) -> Bytes {
    let (alice, bob) = (identity(alice()), identity(bob()));
    let public_key = key();
    let ephemeral = counting(MESSAGES_EPHEMERAL);
    let room = identity(server()).public();
    let who = alice_to_bob(&room);
    let to = MessageKey::to(&alice, &bob.public(), &ephemeral, &public_key, who);
    let mut text = Bytes::from_slice(b"hi").expect("there is room");
    text.extend_from_slice(&[0; SENT_AT_LEN])
        .expect("there is room");
    let to = to.expect("bob has a key");
    let tag = to.seal(&alice, number, SENT_AT, &mut text);
    text.extend_from_slice(&tag).expect("there is room");
    let from = MessageKey::from(&bob, &alice.public(), &public_key, who).expect("alice has a key");
    for (counter, reads) in [(number + 1, false), (number, true)] {
        let mut copy = text.clone();
        let decrypted = from.open(&bob, counter, &mut copy);
        let is_read = decrypted.is_some_and(|(text, at)| text == b"hi" && at == SENT_AT);
        assert_eq!(is_read, reads);
    }
    text
}

/// Returns the correspondence of both messages.
fn alice_to_bob(room: &PublicKey) -> Correspondence<'_> {
    Correspondence {
        room,
        from: "alice",
        incarnation: INCARNATION,
        to: "bob",
    }
}
