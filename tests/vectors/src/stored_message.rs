//! Builds stored messages: the text "hi" of alice to bob.

use chatapp_core::crypto::{Correspondence, MessageKey, SENT_AT_LEN};
use chatapp_core::{PublicKey, UnixSeconds};

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

/// Returns the ciphertext and tag of the message with this counter.
pub(crate) fn ciphertext(number: u32) -> Bytes {
    let (alice, bob) = (identity(alice()), identity(bob()));
    let public_key = key();
    let ephemeral = counting(MESSAGES_EPHEMERAL);
    let room = identity(server()).public();
    let who = Correspondence {
        room: &room,
        from: "alice",
        incarnation: INCARNATION,
        to: "bob",
    };
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
