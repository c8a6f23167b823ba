//! Delivers encrypted datagrams and stored messages in any order, repeatedly, and changed, with
//! working keys.

use std::collections::BTreeSet;

use chatapp_core::UnixSeconds;
use chatapp_core::crypto::{Correspondence, MessageKey, SENT_AT_LEN, SessionKeys};
use chatapp_core::{Identity, PublicKey};

use crate::input::Input;
use crate::people::identity;

/// An encrypted datagram: its counter, its plaintext, its ciphertext and the tag.
struct Encrypted {
    counter: u64,
    text: Vec<u8>,
    bytes: Vec<u8>,
    tag: [u8; 16],
}

/// Encrypts, delivers and changes datagrams as `bytes` say.
///
/// # Panics
/// If a changed or repeated datagram is decrypted, or if the result differs from the plaintext.
pub fn encrypted(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut direction = Direction::new();
    while direction.step(&mut input).is_some() {}
    stored_message(bytes);
}

/// One direction of a session.
struct Direction {
    identity: Identity,
    near: SessionKeys,
    far: SessionKeys,
    sent: Vec<Encrypted>,
    decrypted: BTreeSet<u64>,
}

impl Direction {
    fn new() -> Self {
        let (one, other) = ([1; 32], [2; 32]);
        Self {
            identity: identity(0),
            near: SessionKeys::new(&one, &other),
            far: SessionKeys::new(&other, &one),
            sent: Vec::new(),
            decrypted: BTreeSet::new(),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        let kind = input.byte()? % 4;
        if kind == 0 || self.sent.is_empty() {
            let text = input.bytes()?.to_vec();
            let mut bytes = text.clone();
            let tag = self.identity.seal(&mut self.near, b"front", &mut bytes);
            self.sent.push(Encrypted {
                counter: self.sent.len() as u64,
                text,
                bytes,
                tag,
            });
            return Some(());
        }
        let chosen = usize::from(input.byte()?) % self.sent.len();
        let Encrypted {
            counter,
            text,
            bytes,
            tag,
        } = &self.sent[chosen];
        let (mut counter, mut arriving, mut tag) = (*counter, bytes.clone(), *tag);
        let changed = if kind == 3 {
            let (place, bits) = (usize::from(input.byte()?), input.byte()?);
            match arriving.get_mut(place) {
                Some(byte) => *byte ^= bits,
                None if place % 2 == 0 => tag[place % 16] ^= bits,
                None => counter ^= u64::from(bits),
            }
            bits != 0
        } else {
            false
        };
        let is_decrypted =
            self.identity
                .open(&mut self.far, counter, b"front", &mut arriving, &tag);
        if is_decrypted {
            assert!(!changed, "a changed datagram was decrypted");
            assert!(
                self.decrypted.insert(counter),
                "a datagram was decrypted twice"
            );
            assert_eq!(arriving, *text);
        }
        Some(())
    }
}

/// Checks that only the recipient decrypts a stored message, and only under its number.
fn stored_message(bytes: &[u8]) {
    let Some((control, text)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let text = &text[..text.len().min(1_000)];
    let [from, to, other, counter, place, bits, process, _] = *control;
    let (sender, recipient) = (identity(from % 3), identity(3 + to % 3));
    let ephemeral = [5; 32];
    let public: PublicKey = chatapp_core::StaticKey::new(ephemeral).public();
    let (room, sent_at) = (identity(6).public(), UnixSeconds(7));
    let direction = |incarnation: u8| Correspondence {
        room: &room,
        from: "alice",
        incarnation: incarnation.into(),
        to: "bob",
    };
    let key = MessageKey::to(
        &sender,
        &recipient.public(),
        &ephemeral,
        &public,
        direction(process),
    );
    let key = key.expect("both have a key");
    let mut ciphertext = [text, &[0; SENT_AT_LEN]].concat();
    let tag = key.seal(&sender, counter.into(), sent_at, &mut ciphertext);
    ciphertext.extend(tag);
    let decrypt = |reader: &Identity, incarnation: u8, counter: u8, ciphertext: &[u8]| {
        let key = MessageKey::from(reader, &sender.public(), &public, direction(incarnation))?;
        let mut ciphertext = ciphertext.to_vec();
        let (text, time) = key.open(reader, counter.into(), &mut ciphertext)?;
        assert_eq!(time, sent_at);
        Some(text.to_vec())
    };
    let decrypted = decrypt(&recipient, process, counter, &ciphertext);
    assert_eq!(decrypted.as_deref(), Some(text));
    if other % 3 != to % 3 {
        assert_eq!(
            decrypt(&identity(3 + other % 3), process, counter, &ciphertext),
            None
        );
    }
    if bits != 0 {
        assert_eq!(
            decrypt(&recipient, process ^ bits, counter, &ciphertext),
            None
        );
        assert_eq!(
            decrypt(&recipient, process, counter ^ bits, &ciphertext),
            None
        );
        let at = usize::from(place) % ciphertext.len();
        ciphertext[at] ^= bits;
        assert_eq!(decrypt(&recipient, process, counter, &ciphertext), None);
    }
}
