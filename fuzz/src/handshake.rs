//! The two messages of a handshake, with real keys.

use chatapp_core::crypto::{Handshake, Responder};

use crate::input::Input;
use crate::people::identity;

/// Longest message that any datagram has room for.
const LEN_MAX: usize = 1_200;

/// Opens a session with what `bytes` say: what stands in front, what both sides say, and which byte of which message
/// is another one. Then both messages are any bytes.
///
/// # Panics
/// If an honest handshake fails, if one that was changed succeeds, or if the two sides differ.
pub fn handshake(bytes: &[u8]) {
    let mut input = Input(bytes);
    let _ = honest(&mut input);
    any(input.0);
}

fn honest(input: &mut Input<'_>) -> Option<()> {
    let (us, them) = (identity(1), identity(2));
    let ephemeral = [input.byte()?.wrapping_add(1); 32];
    let other_ephemeral = [input.byte()?.wrapping_add(1); 32];
    let (place, bits) = (input.number()?, input.byte()?);
    let prologue = input.bytes()?;
    // As much as the messages of datagrams have room for.
    let said = input.bytes()?;
    let said = &said[..said.len().min(112)];
    let answer = input.bytes()?;
    let answer = &answer[..answer.len().min(112)];
    let begun = Handshake {
        identity: &us,
        remote: &them.public(),
        prologue,
        ephemeral: &ephemeral,
        payload: said,
    };
    let mut first = [0; LEN_MAX];
    let len = begun.first(&mut first).expect("there is room");
    let first = &mut first[..len];
    let again = |first: &mut [u8]| begun.first(first);
    assert_eq!(again(&mut first.to_vec()), Some(len), "it fits exactly");

    let mut heard = [0; LEN_MAX];
    let read = Responder::read(&them, prologue, first, &mut heard);
    let (responder, len) = read.expect("it is for them");
    assert_eq!(responder.remote(), us.public());
    assert_eq!(&heard[..len], said);
    let mut second = [0; LEN_MAX];
    let answered = responder.answer(&them, &other_ephemeral, answer, &mut second);
    let (theirs, len) = answered.expect("there is room");
    let second = &mut second[..len];
    let (ours, len) = begun.complete(second, &mut heard).expect("it answers us");
    assert_eq!(&heard[..len], answer);
    let (send, receive) = ours.keys();
    assert_eq!(theirs.keys(), (receive, send));

    if bits != 0 {
        let at = usize::from(place);
        first[at % first.len()] ^= bits;
        second[at % second.len()] ^= bits;
        // The highest bit of a point on the curve does not count (RFC 7748, section 5), but the transcript has it.
        assert!(Responder::read(&them, prologue, first, &mut heard).is_none());
        assert!(begun.complete(second, &mut heard).is_none());
    }
    Some(())
}

/// Whatever it is, it is read or refused.
fn any(bytes: &[u8]) {
    let (us, them) = (identity(1), identity(2));
    let mut heard = [0; LEN_MAX];
    assert!(Responder::read(&them, b"", bytes, &mut heard).is_none());
    let begun = Handshake {
        identity: &us,
        remote: &them.public(),
        prologue: b"",
        ephemeral: &[9; 32],
        payload: b"hello",
    };
    assert!(begun.complete(bytes, &mut heard).is_none());
    // There may be no room for anything.
    let mut short = vec![0; bytes.len().min(200)];
    if let Some(len) = begun.first(&mut short) {
        assert!(len <= short.len());
    }
}
