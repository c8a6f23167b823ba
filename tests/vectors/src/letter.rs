//! Letters "hi" of alice to bob.

use chatapp_core::PublicKey;
use chatapp_core::crypto::{Correspondence, Letters};

use crate::people::{LETTERS_EPHEMERAL, alice, bob, counting, identity, public};
use crate::values::{Bytes, INCARNATION, Take};

/// Numbers of the first and of another one.
pub(crate) const FIRST: u32 = 300;
pub(crate) const LATER: u32 = 302;

pub(crate) fn make(take: Take<'_>) {
    take("ciphertext", &letter(FIRST));
    take("stored-message", &kept_letter());
}

/// The letter, with the key of the letters in front.
pub(crate) fn kept_letter() -> Bytes {
    let mut kept = Bytes::from_slice(&key().0).expect("there is room");
    kept.extend_from_slice(&letter(FIRST))
        .expect("there is room");
    kept
}

/// The key of the letters.
pub(crate) fn key() -> PublicKey {
    public(LETTERS_EPHEMERAL)
}

/// The one with this number.
pub(crate) fn letter(number: u32) -> Bytes {
    let (alice, bob) = (identity(alice()), identity(bob()));
    let letters_key = key();
    let ephemeral = counting(LETTERS_EPHEMERAL);
    let who = Correspondence {
        from: "alice",
        incarnation: INCARNATION,
        to: "bob",
    };
    let to = Letters::to(&alice, &bob.public(), &ephemeral, &letters_key, who);
    let mut text = Bytes::from_slice(b"hi").expect("there is room");
    let tag = to.expect("bob has a key").seal(&alice, number, &mut text);
    text.extend_from_slice(&tag).expect("there is room");
    let from = Letters::from(&bob, &alice.public(), &letters_key, who).expect("alice has a key");
    for (counter, reads) in [(number + 1, false), (number, true)] {
        let mut sealed = text.clone();
        let opened = from.open(&bob, counter, &mut sealed);
        assert_eq!(opened.is_some_and(|text| text == b"hi"), reads);
    }
    text
}
