//! The letter "hi" of alice to bob with number 300.

use chatapp_core::seal::{Correspondence, Letters};

use crate::people::{LETTERS_EPHEMERAL, alice, bob, counting, identity, public};
use crate::{Bytes, Take};

pub(crate) fn make(take: Take<'_>) {
    take("letter", &letter());
    take("letter-kept", &kept_letter());
}

/// The letter, with the key of the letters in front.
pub(crate) fn kept_letter() -> Bytes {
    let mut kept = Bytes::from_slice(&public(LETTERS_EPHEMERAL).0).expect("there is room");
    kept.extend_from_slice(&letter()).expect("there is room");
    kept
}

pub(crate) fn letter() -> Bytes {
    let (alice, bob) = (identity(alice()), identity(bob()));
    let letters_key = public(LETTERS_EPHEMERAL);
    let ephemeral = counting(LETTERS_EPHEMERAL);
    let who = Correspondence {
        from: "alice",
        incarnation: crate::handshakes::INCARNATION,
        to: "bob",
    };
    let to = Letters::to(&alice, &bob.public(), &ephemeral, &letters_key, who);
    let mut text = Bytes::from_slice(b"hi").expect("there is room");
    let tag = to.expect("bob has a key").seal(&alice, 300, &mut text);
    text.extend_from_slice(&tag).expect("there is room");
    let from = Letters::from(&bob, &alice.public(), &letters_key, who).expect("alice has a key");
    for (counter, reads) in [(301, false), (300, true)] {
        let mut sealed = text.clone();
        let opened = from.open(&bob, counter, &mut sealed);
        assert_eq!(opened.is_some_and(|text| text == b"hi"), reads);
    }
    text
}
