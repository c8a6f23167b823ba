//! How a session is opened and closed: what is remembered of its handshake, and the numbers of its frames.

use zeroize::Zeroize;

use super::{Connection, HANDSHAKE_LEN, Other, Phase};
use crate::address::PackedAddress;
use crate::crypto::{KEY_LEN, SessionKeys};

/// Answers to one request for a session that are looked at.
const ANSWERS_MAX: u8 = 16;

impl Connection {
    /// A new session with the numbers of none: what is outstanding is numbered again, from 0.
    fn restart(&mut self, phase: Phase, local_id: u64, remote: PackedAddress) {
        *self = Self {
            phase,
            remote,
            local_id,
            end: self.outstanding(),
            open_due: phase == Phase::Opening,
            listed: self.listed,
            ..Self::VACANT
        };
    }

    /// Asks for a session. Without an [offer](Self::offer), for a cookie first.
    pub(crate) fn open(&mut self, local_id: u64, remote: PackedAddress) {
        self.restart(Phase::Opening, local_id, remote);
    }

    fn set_handshake(&mut self, parts: [&[u8]; 2]) {
        let bytes = parts.into_iter().flatten();
        self.handshake
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        self.handshake_len = u8::try_from(len.min(HANDSHAKE_LEN)).unwrap_or_default();
    }

    /// What the request for a session is made of: an ephemeral key and a payload.
    pub(crate) fn offer(&mut self, ephemeral: &[u8; KEY_LEN], payload: &[u8]) {
        self.set_handshake([ephemeral, payload]);
    }

    /// Whether one more answer to our request is looked at: each costs multiplications on the curve, and whoever is
    /// on the path can forge them.
    pub(crate) fn try_answer(&mut self) -> bool {
        self.answers = self.answers.saturating_add(1);
        self.answers <= ANSWERS_MAX
    }

    /// The ephemeral key and the payload of our request; `None` before there are any.
    pub(crate) fn offered(&self) -> Option<(&[u8; KEY_LEN], &[u8])> {
        self.handshake_message().split_first_chunk()
    }

    /// The second message of the handshake, which is sent as often as it is asked for.
    pub(crate) fn handshake_message(&self) -> &[u8] {
        self.handshake
            .get(..self.handshake_len.into())
            .unwrap_or_default()
    }

    fn set_other(&mut self, other: Other, session: SessionKeys) {
        self.remote_id = other.id;
        self.window = other.window.max(1);
        self.reset = other.reset;
        self.keys = session;
    }

    /// The answer to our request came: the session is open.
    pub(crate) fn opened(&mut self, other: Other, session: SessionKeys) {
        self.restart(Phase::Open, self.local_id, self.remote);
        self.set_other(other, session);
    }

    /// The other side asked for a session: it is open, and an `Accept` with this message is owed.
    pub(crate) fn accept(
        &mut self,
        local_id: u64,
        remote: PackedAddress,
        other: Other,
        session: SessionKeys,
        message: &[u8],
    ) {
        self.restart(Phase::Open, local_id, remote);
        self.set_other(other, session);
        self.set_handshake([message, &[]]);
        self.accept_due = true;
    }

    /// The other side repeats its request.
    pub(crate) fn accept_again(&mut self) {
        self.accept_due = true;
    }

    /// The session is given up, with everything outstanding.
    pub(crate) fn close(&mut self) {
        *self = Self {
            remote: self.remote,
            listed: self.listed,
            ..Self::VACANT
        };
    }

    /// As [`close`](Self::close), but the id that others write to stays known: whoever still does can be told.
    pub(crate) fn end(&mut self) {
        let local_id = self.local_id;
        self.close();
        self.local_id = local_id;
    }

    /// Leaves no secret behind.
    pub(crate) fn wipe(&mut self) {
        self.keys.wipe();
        self.handshake.zeroize();
    }
}
