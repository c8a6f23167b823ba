//! Runs the two messages of a handshake, with real keys.

use chatapp_core::crypto::{Handshake, Responder};

use crate::input::Input;
use crate::people::identity;

/// The longest message that fits into a datagram.
const LEN_MAX: usize = 1_200;

/// Runs a handshake with the prologue, the payloads and the changed bytes in `bytes`. Then reads
/// arbitrary bytes as both messages.
///
/// # Panics
/// If an unchanged handshake fails, if a changed one succeeds, or if the two sides differ.
pub fn handshake(bytes: &[u8]) {
    let mut input = Input(bytes);
    let _ = honest(&mut input);
    any(input.0);
}

fn honest(input: &mut Input<'_>) -> Option<()> {
    let (initiator_id, responder_id) = (identity(1), identity(2));
    let ephemeral = [input.byte()?.wrapping_add(1); 32];
    let other_ephemeral = [input.byte()?.wrapping_add(1); 32];
    let (place, bits) = (input.number()?, input.byte()?);
    let prologue = input.bytes()?;
    // The longest payload in a datagram has this length.
    let said = input.bytes()?;
    let said = &said[..said.len().min(112)];
    let answer = input.bytes()?;
    let answer = &answer[..answer.len().min(112)];
    let begun = Handshake {
        identity: &initiator_id,
        remote: &responder_id.public(),
        prologue,
        ephemeral: &ephemeral,
        payload: said,
    };
    let mut first = [0; LEN_MAX];
    let len = begun.first(&mut first).expect("there is room");
    let first = &mut first[..len];
    let again = |first: &mut [u8]| begun.first(first);
    assert_eq!(
        again(&mut first.to_vec()),
        Some(len),
        "a buffer of the exact length is too short"
    );

    let mut heard = [0; LEN_MAX];
    let read = Responder::read(&responder_id, prologue, first, &mut heard);
    let (responder, len) = read.expect("the responder can read the first message");
    assert_eq!(responder.remote(), initiator_id.public());
    assert_eq!(&heard[..len], said);
    let mut second = [0; LEN_MAX];
    let answered = responder.answer(&responder_id, &other_ephemeral, answer, &mut second);
    let (answered_keys, len) = answered.expect("there is room");
    let second = &mut second[..len];
    let (keys, len) = begun
        .complete(second, &mut heard)
        .expect("the initiator can read the answer");
    assert_eq!(&heard[..len], answer);
    let (send, receive) = keys.keys();
    assert_eq!(answered_keys.keys(), (receive, send));

    if bits != 0 {
        let at = usize::from(place);
        first[at % first.len()] ^= bits;
        second[at % second.len()] ^= bits;
        // The highest bit of a point on the curve does not count (RFC 7748, section 5), but the
        // transcript has it.
        assert!(Responder::read(&responder_id, prologue, first, &mut heard).is_none());
        assert!(begun.complete(second, &mut heard).is_none());
    }
    Some(())
}

/// Reads arbitrary bytes as both messages.
fn any(bytes: &[u8]) {
    let (initiator_id, responder_id) = (identity(1), identity(2));
    let mut heard = [0; LEN_MAX];
    assert!(Responder::read(&responder_id, b"", bytes, &mut heard).is_none());
    let begun = Handshake {
        identity: &initiator_id,
        remote: &responder_id.public(),
        prologue: b"",
        ephemeral: &[9; 32],
        payload: b"hello",
    };
    assert!(begun.complete(bytes, &mut heard).is_none());
    // The buffer may be too short for any message.
    let mut short = vec![0; bytes.len().min(200)];
    if let Some(len) = begun.first(&mut short) {
        assert!(len <= short.len());
    }
}
