//! Builds stored messages: the text "hi" of alice to bob.

use chatapp_core::PublicKey;
use chatapp_core::crypto::{Correspondence, MessageKey};

use crate::people::{MESSAGES_EPHEMERAL, alice, bob, counting, identity, public};
use crate::values::{Bytes, INCARNATION, Take};

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
    let who = Correspondence {
        from: "alice",
        incarnation: INCARNATION,
        to: "bob",
    };
    let to = MessageKey::to(&alice, &bob.public(), &ephemeral, &public_key, who);
    let mut text = Bytes::from_slice(b"hi").expect("there is room");
    let tag = to.expect("bob has a key").seal(&alice, number, &mut text);
    text.extend_from_slice(&tag).expect("there is room");
    let from = MessageKey::from(&bob, &alice.public(), &public_key, who).expect("alice has a key");
    for (counter, reads) in [(number + 1, false), (number, true)] {
        let mut copy = text.clone();
        let decrypted = from.open(&bob, counter, &mut copy);
        assert_eq!(decrypted.is_some_and(|text| text == b"hi"), reads);
    }
    text
}
