//! The handshake: `Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s`.
//!
//! ```text
//! <- s
//! ...
//! -> e, es, s, ss, psk
//! <- e, ee, se
//! ```
//!
//! The initiator knows the responder's key, and proves its own in the first message; one round trip
//! is enough. The pre-shared key is that of the room, or zeros in an open one. The framework is
//! followed by hand because no implementation of it is free of panics; the tests compare it with
//! another one.

use core::fmt;

use zeroize::Zeroizing;

use super::symmetric::{Symmetric, take, take_mut};
use super::{HandshakeKey, Identity, KEY_LEN, PublicKey, SessionKeys, TAG_LEN};

const NAME: &[u8] = b"Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s";

/// Bytes of the first message around its payload.
pub(crate) const FIRST_OVERHEAD: usize = KEY_LEN + KEY_LEN + TAG_LEN + TAG_LEN;
/// Bytes of the second message around its payload.
pub(crate) const SECOND_OVERHEAD: usize = KEY_LEN + TAG_LEN;

/// The initiator's side of a handshake. It holds no state between the two messages: the first is
/// made again, bit for bit, from the same ephemeral key, the same prologue and the same payload,
/// which no other handshake may ever use.
pub struct Handshake<'a> {
    /// Who we are.
    pub identity: &'a Identity,
    /// Whom we mean.
    pub remote: &'a PublicKey,
    /// What both sides know of the handshake beforehand: what stands in front of the first
    /// message.
    pub prologue: &'a [u8],
    /// 32 bytes that nobody else can predict.
    pub ephemeral: &'a [u8; KEY_LEN],
    /// What the first message says.
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
    /// Builds the first message; returns its length. `None` if it does not fit, or the other side's
    /// key is none. Cost: three multiplications on the curve.
    pub fn first(&self, out: &mut [u8]) -> Option<usize> {
        let room = out.len();
        let mut rest = out;
        self.write(&mut rest, unseen)?;
        Some(room - rest.len())
    }

    /// `before` sees the state in front of each part that is sealed.
    fn write(&self, out: &mut &mut [u8], mut before: impl FnMut(&Symmetric)) -> Option<Symmetric> {
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

    /// Reads the second message: the session, and the length of the answer in `payload`. `None` if
    /// it is no answer to the first. Cost: five multiplications on the curve.
    pub fn complete(&self, second: &[u8], payload: &mut [u8]) -> Option<(SessionKeys, usize)> {
        self.hear(second, payload, unseen)
    }

    /// `before` sees the state in front of what is sealed.
    fn hear(
        &self,
        second: &[u8],
        payload: &mut [u8],
        before: impl FnOnce(&Symmetric),
    ) -> Option<(SessionKeys, usize)> {
        let mut first = [0; FIRST_OVERHEAD + FIRST_PAYLOAD_MAX];
        let mut state = self.write(&mut first.as_mut_slice(), unseen)?;
        let mut rest = second;
        let theirs = read_key(&mut state, &mut rest)?;
        state.mix_shared(self.ephemeral, &theirs)?;
        state.mix_shared(self.identity.private(), &theirs)?;
        before(&state);
        let len = state.decrypt(rest, payload)?;
        let (send, receive) = state.split();
        Some((SessionKeys::new(&send, &receive), len))
    }

    /// Tells what the two sealed parts of the first message, our key and the payload, are sealed
    /// with. For tools: all is computed again.
    pub fn first_message_keys(&self, mut export: impl FnMut(HandshakeKey)) {
        let mut first = [0; FIRST_OVERHEAD + FIRST_PAYLOAD_MAX];
        self.write(&mut first.as_mut_slice(), |state| {
            export(state.handshake_key());
        });
    }

    /// Tells what the payload of the second message is sealed with; nothing, if that has no key
    /// that answers the first. For tools: all is computed again.
    pub fn second_message_key(&self, second: &[u8], export: impl FnOnce(HandshakeKey)) {
        self.hear(second, &mut [], |state| export(state.handshake_key()));
    }
}

/// Longest payload of a first message.
pub(crate) const FIRST_PAYLOAD_MAX: usize = 112;

/// The responder's side of a handshake, between the two messages.
pub struct Responder {
    state: Symmetric,
    theirs: [u8; KEY_LEN],
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
    /// Reads a first message: whose it is, and the length of its payload in `payload`. `None` if it
    /// is not for us, or of another room. Cost: two multiplications on the curve.
    ///
    /// It may be an old one that somebody sends again: that its sender is there now is known from
    /// the session.
    pub fn read(
        identity: &Identity,
        prologue: &[u8],
        first: &[u8],
        payload: &mut [u8],
    ) -> Option<(Self, usize)> {
        Self::hear(identity, prologue, first, payload, unseen)
    }

    /// `before` sees the state in front of each part that is sealed.
    fn hear(
        identity: &Identity,
        prologue: &[u8],
        first: &[u8],
        payload: &mut [u8],
        mut before: impl FnMut(&Symmetric),
    ) -> Option<(Self, usize)> {
        let mut state = Symmetric::new(identity.suite(), NAME, &[prologue]);
        state.mix_hash(&identity.public().0);
        let mut rest = first;
        let theirs = read_key(&mut state, &mut rest)?;
        let private = identity.private();
        state.mix_shared(private, &theirs)?;
        let mut remote = PublicKey::NONE;
        before(&state);
        state.decrypt(take(&mut rest, KEY_LEN + TAG_LEN)?, &mut remote.0)?;
        state.mix_shared(private, &remote.0)?;
        state.mix_key_and_hash(&Zeroizing::new(identity.pre_shared()));
        before(&state);
        let len = state.decrypt(rest, payload)?;
        let responder = Self {
            state,
            theirs,
            remote,
        };
        Some((responder, len))
    }

    /// Whose message it is.
    pub fn remote(&self) -> PublicKey {
        self.remote
    }

    /// Builds the second message: the session, and the length of the message. `None` if it does not
    /// fit. `ephemeral` is 32 bytes that nobody else can predict, and that no other handshake
    /// has. Cost: three multiplications on the curve.
    pub fn answer(
        self,
        identity: &Identity,
        ephemeral: &[u8; KEY_LEN],
        payload: &[u8],
        out: &mut [u8],
    ) -> Option<(SessionKeys, usize)> {
        self.say(identity, ephemeral, payload, out, unseen)
    }

    /// `before` sees the state in front of what is sealed.
    fn say(
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
        state.mix_shared(ephemeral, &self.theirs)?;
        state.mix_shared(ephemeral, &self.remote.0)?;
        before(state);
        state.encrypt(payload, &mut rest)?;
        let (receive, send) = state.split();
        Some((SessionKeys::new(&send, &receive), room - rest.len()))
    }

    /// Tells what the parts of both messages are sealed with: the initiator's key, its payload, and
    /// the answer that is given with this ephemeral key. Fewer, if the first message is not for
    /// us. For tools: all is computed again.
    pub fn handshake_keys(
        identity: &Identity,
        prologue: &[u8],
        first: &[u8],
        ephemeral: &[u8; KEY_LEN],
        mut export: impl FnMut(HandshakeKey),
    ) {
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let heard = Self::hear(identity, prologue, first, &mut payload, |state| {
            export(state.handshake_key());
        });
        if let Some((responder, _)) = heard {
            // No answer stands behind its key.
            let mut second = [0; KEY_LEN];
            responder.say(identity, ephemeral, &[], &mut second, |state| {
                export(state.handshake_key());
            });
        }
    }
}

/// Nobody looks on. One function, where closures would be several, each with a copy of the
/// handshake around it.
fn unseen(_: &Symmetric) {}

/// An ephemeral key; in handshakes with a pre-shared key it counts as key material, too (Noise,
/// section 9.2).
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
