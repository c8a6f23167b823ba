//! The handshake: `Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s`.
//!
//! ```text
//! <- s
//! ...
//! -> e, es, s, ss, psk
//! <- e, ee, se
//! ```
//!
//! The initiator knows the responder's key, and proves its own in the first message, so that one
//! round trip is enough. The pre-shared key is that of the room, or zeros in an open one.
//!
//! This is an implementation of its own because none of the others is free of panics. The tests
//! compare it with one of them.

use core::fmt;

use zeroize::Zeroizing;

use super::symmetric::{Symmetric, take, take_mut};
use super::{HandshakeKey, Identity, KEY_LEN, PublicKey, SessionKeys, TAG_LEN};

const NAME: &[u8] = b"Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s";

/// Bytes of the first message around its payload.
pub(crate) const FIRST_OVERHEAD: usize = KEY_LEN + KEY_LEN + TAG_LEN + TAG_LEN;
/// Bytes of the second message around its payload.
pub(crate) const SECOND_OVERHEAD: usize = KEY_LEN + TAG_LEN;

/// The initiator's side of a handshake.
///
/// It keeps no state between the two messages: the same fields give the same first message, bit for
/// bit. No other handshake may use the same ephemeral key.
pub struct Handshake<'a> {
    /// Identity of the initiator.
    pub identity: &'a Identity,
    /// Static public key of the responder.
    pub remote: &'a PublicKey,
    /// Data that both sides know beforehand: the bytes in front of the first message.
    pub prologue: &'a [u8],
    /// Private ephemeral key: 32 unpredictable bytes.
    pub ephemeral: &'a [u8; KEY_LEN],
    /// Payload of the first message.
    pub payload: &'a [u8],
}

impl fmt::Debug for Handshake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

impl Handshake<'_> {
    /// Builds the first message and returns its length, or `None` if it does not fit or the
    /// responder's key is invalid. Cost: three multiplications on the curve.
    pub fn first(&self, out: &mut [u8]) -> Option<usize> {
        let room = out.len();
        let mut rest = out;
        self.write_first(&mut rest, ignore_state)?;
        Some(room - rest.len())
    }

    /// Writes the first message. `before` gets the state in front of each encrypted part.
    fn write_first(
        &self,
        out: &mut &mut [u8],
        mut before: impl FnMut(&Symmetric),
    ) -> Option<Symmetric> {
        let identity = self.identity;
        let suite = identity.suite();
        let mut state = Symmetric::new(suite, NAME, &[self.prologue]);
        state.mix_hash(&self.remote.0);
        let ephemeral = suite.public(self.ephemeral);
        write_key(&mut state, &ephemeral, out)?;
        state.mix_shared(self.ephemeral, &self.remote.0)?;
        before(&state);
        state.encrypt(&identity.public().0, out)?;
        state.mix_shared(identity.private(), &self.remote.0)?;
        state.mix_key_and_hash(&Zeroizing::new(identity.pre_shared()));
        before(&state);
        state.encrypt(self.payload, out)?;
        Some(state)
    }

    /// Reads the second message; returns the keys of the session, and the length of the answer in
    /// `payload`. Returns `None` if the message does not answer the first. Cost: five
    /// multiplications on the curve.
    pub fn complete(&self, second: &[u8], payload: &mut [u8]) -> Option<(SessionKeys, usize)> {
        self.read_second(second, payload, ignore_state)
    }

    /// Reads the second message. `before` gets the state in front of the encrypted part.
    fn read_second(
        &self,
        second: &[u8],
        payload: &mut [u8],
        before: impl FnOnce(&Symmetric),
    ) -> Option<(SessionKeys, usize)> {
        let mut first = [0; FIRST_OVERHEAD + FIRST_PAYLOAD_MAX];
        let mut state = self.write_first(&mut first.as_mut_slice(), ignore_state)?;
        let mut rest = second;
        let remote_ephemeral = read_key(&mut state, &mut rest)?;
        state.mix_shared(self.ephemeral, &remote_ephemeral)?;
        state.mix_shared(self.identity.private(), &remote_ephemeral)?;
        before(&state);
        let len = state.decrypt(rest, payload)?;
        let [send, receive] = &*state.split();
        Some((SessionKeys::new(send, receive), len))
    }

    /// Exports the keys of the two encrypted parts of the first message: the initiator's static key
    /// and the payload. For tools: it computes everything again.
    pub fn first_message_keys(&self, mut export: impl FnMut(HandshakeKey)) {
        let mut first = [0; FIRST_OVERHEAD + FIRST_PAYLOAD_MAX];
        self.write_first(&mut first.as_mut_slice(), |state| {
            export(state.handshake_key());
        });
    }

    /// Exports the key of the payload of the second message, or nothing if that message has no
    /// valid ephemeral key. For tools: it computes everything again.
    pub fn second_message_key(&self, second: &[u8], export: impl FnOnce(HandshakeKey)) {
        self.read_second(second, &mut [], |state| export(state.handshake_key()));
    }
}

/// Longest payload of a first message.
pub(crate) const FIRST_PAYLOAD_MAX: usize = 112;

/// The responder's side of a handshake, between the two messages.
pub struct Responder {
    state: Symmetric,
    remote_ephemeral: [u8; KEY_LEN],
    remote: PublicKey,
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder")
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

impl Responder {
    /// Reads a first message; returns the responder's state, and the length of the payload in
    /// `payload`. Returns `None` if the message is for another responder or of another room. Cost:
    /// two multiplications on the curve.
    ///
    /// The message may be a replay. Only a datagram of the session proves that its sender is
    /// present.
    pub fn read(
        identity: &Identity,
        prologue: &[u8],
        first: &[u8],
        payload: &mut [u8],
    ) -> Option<(Self, usize)> {
        Self::read_first(identity, prologue, first, payload, ignore_state)
    }

    /// Reads the first message. `before` gets the state in front of each encrypted part.
    fn read_first(
        identity: &Identity,
        prologue: &[u8],
        first: &[u8],
        payload: &mut [u8],
        mut before: impl FnMut(&Symmetric),
    ) -> Option<(Self, usize)> {
        let mut state = Symmetric::new(identity.suite(), NAME, &[prologue]);
        state.mix_hash(&identity.public().0);
        let mut rest = first;
        let remote_ephemeral = read_key(&mut state, &mut rest)?;
        let private = identity.private();
        state.mix_shared(private, &remote_ephemeral)?;
        let mut remote = PublicKey::NONE;
        before(&state);
        state.decrypt(take(&mut rest, KEY_LEN + TAG_LEN)?, &mut remote.0)?;
        state.mix_shared(private, &remote.0)?;
        state.mix_key_and_hash(&Zeroizing::new(identity.pre_shared()));
        before(&state);
        let len = state.decrypt(rest, payload)?;
        let responder = Self {
            state,
            remote_ephemeral,
            remote,
        };
        Some((responder, len))
    }

    /// Returns the initiator's static public key.
    pub fn remote(&self) -> PublicKey {
        self.remote
    }

    /// Builds the second message; returns the keys of the session, and the length of the message,
    /// or `None` if it does not fit. `ephemeral` is 32 unpredictable bytes that no other handshake
    /// uses. Cost: three multiplications on the curve.
    pub fn answer(
        self,
        identity: &Identity,
        ephemeral: &[u8; KEY_LEN],
        payload: &[u8],
        out: &mut [u8],
    ) -> Option<(SessionKeys, usize)> {
        self.write_second(identity, ephemeral, payload, out, ignore_state)
    }

    /// Writes the second message. `before` gets the state in front of the encrypted part.
    fn write_second(
        mut self,
        identity: &Identity,
        ephemeral: &[u8; KEY_LEN],
        payload: &[u8],
        out: &mut [u8],
        before: impl FnOnce(&Symmetric),
    ) -> Option<(SessionKeys, usize)> {
        let room = out.len();
        let mut rest = out;
        let state = &mut self.state;
        write_key(state, &identity.suite().public(ephemeral), &mut rest)?;
        state.mix_shared(ephemeral, &self.remote_ephemeral)?;
        state.mix_shared(ephemeral, &self.remote.0)?;
        before(state);
        state.encrypt(payload, &mut rest)?;
        let [receive, send] = &*state.split();
        Some((SessionKeys::new(send, receive), room - rest.len()))
    }

    /// Exports the keys of the encrypted parts of both messages: the initiator's static key, its
    /// payload, and the answer with this ephemeral key. They are fewer if the first message is for
    /// another responder. For tools: it computes everything again.
    pub fn handshake_keys(
        identity: &Identity,
        prologue: &[u8],
        first: &[u8],
        ephemeral: &[u8; KEY_LEN],
        mut export: impl FnMut(HandshakeKey),
    ) {
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let read = Self::read_first(identity, prologue, first, &mut payload, |state| {
            export(state.handshake_key());
        });
        if let Some((responder, _)) = read {
            // The buffer has room for the ephemeral key only: the export needs no answer.
            let mut second = [0; KEY_LEN];
            responder.write_second(identity, ephemeral, &[], &mut second, |state| {
                export(state.handshake_key());
            });
        }
    }
}

/// Exports nothing. A function, because each closure would compile another copy of the handshake.
fn ignore_state(_: &Symmetric) {}

/// Writes an ephemeral public key. In a handshake with a pre-shared key, the key is key material,
/// too (Noise, section 9.2).
fn write_key(state: &mut Symmetric, key: &[u8; KEY_LEN], out: &mut &mut [u8]) -> Option<()> {
    take_mut(out, KEY_LEN)?
        .iter_mut()
        .zip(key)
        .for_each(|(to, from)| *to = *from);
    state.mix_hash(key);
    state.mix_key(key);
    Some(())
}

fn read_key(state: &mut Symmetric, message: &mut &[u8]) -> Option<[u8; KEY_LEN]> {
    let key = *take(message, KEY_LEN)?.first_chunk()?;
    state.mix_hash(&key);
    state.mix_key(&key);
    Some(key)
}

#[cfg(test)]
mod tests;
