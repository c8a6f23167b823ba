//! The handshake state of a session: the parts of the initiator's message, or the responder's
//! message.

use zeroize::Zeroize;

use crate::crypto::{FIRST_PAYLOAD_MAX, KEY_LEN};
use crate::wire::ACCEPT_MESSAGE_LEN_MAX;

/// The initiator builds its message again from an ephemeral key and a payload. The responder stores
/// the second message itself.
const HANDSHAKE_LEN: usize = KEY_LEN + FIRST_PAYLOAD_MAX;

const _: () = assert!(ACCEPT_MESSAGE_LEN_MAX <= HANDSHAKE_LEN && HANDSHAKE_LEN <= u8::MAX as usize);

/// Most answers that the initiator reads for one request.
const ANSWERS_MAX: u8 = 16;

/// The own side of a handshake: initiator or responder.
#[derive(Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Handshake {
    bytes: [u8; HANDSHAKE_LEN],
    len: u8,
    /// Length of the datagram behind the second message.
    parting: u8,
    /// Number of answers that were read.
    answers: u8,
    /// The own message is due.
    due: bool,
}

impl Handshake {
    pub(super) const VACANT: Self = Self {
        bytes: [0; HANDSHAKE_LEN],
        len: 0,
        parting: 0,
        answers: 0,
        due: false,
    };

    fn set(&mut self, parts: [&[u8]; 2]) {
        let bytes = parts.into_iter().flatten();
        self.bytes
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        self.len = u8::try_from(len.min(HANDSHAKE_LEN)).unwrap_or_default();
    }

    /// Sets the parts of the first message.
    pub(crate) fn offer(&mut self, ephemeral: &[u8; KEY_LEN], payload: &[u8]) {
        self.set([ephemeral, payload]);
    }

    /// Sets the second message.
    pub(super) fn answer(&mut self, message: &[u8]) {
        self.set([message, &[]]);
    }

    /// Keeps the last datagram of the session that this one replaces, behind the second message:
    /// its keys are gone when it may be sent. A datagram without room is dropped.
    pub(crate) fn keep_parting(&mut self, datagram: &[u8]) {
        let place = self.bytes.get_mut(self.len.into()..);
        if let Some(place) = place.and_then(|behind| behind.get_mut(..datagram.len())) {
            place
                .iter_mut()
                .zip(datagram)
                .for_each(|(to, from)| *to = *from);
            self.parting = u8::try_from(datagram.len()).unwrap_or_default();
        }
    }

    /// Returns the last datagram of the session before, or nothing.
    pub(crate) fn parting(&self) -> &[u8] {
        let behind = self.bytes.get(self.len.into()..).unwrap_or_default();
        behind.get(..self.parting.into()).unwrap_or_default()
    }

    /// Drops the last datagram of the session before, which is sent once.
    pub(crate) fn drop_parting(&mut self) {
        self.parting = 0;
    }

    /// Returns the ephemeral key and the payload of the first message, or `None` before the offer.
    pub(crate) fn offered(&self) -> Option<(&[u8; KEY_LEN], &[u8])> {
        self.message().split_first_chunk()
    }

    /// Returns the second message.
    pub(crate) fn message(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }

    /// Counts an answer to the request; returns whether to read it. Each costs multiplications on
    /// the curve, and an attacker on the path can forge them.
    //= PROTOCOL.md#4.7
    pub(crate) fn try_answer(&mut self) -> bool {
        self.answers = self.answers.saturating_add(1);
        self.answers <= ANSWERS_MAX
    }

    /// Makes the own message due.
    pub(crate) fn send(&mut self) {
        self.due = true;
    }

    pub(super) fn on_sent(&mut self) {
        self.due = false;
    }

    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// Erases the ephemeral key.
    pub(super) fn wipe(&mut self) {
        self.bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#4.4
    fn remembers_the_parts_of_a_request() {
        let mut handshake = Handshake::VACANT;
        assert_eq!(handshake.offered(), None);
        handshake.offer(&[3; KEY_LEN], b"hello");
        assert_eq!(handshake.offered(), Some((&[3; KEY_LEN], &b"hello"[..])));
    }

    #[test]
    fn remembers_the_answer_as_it_is() {
        let mut handshake = Handshake::VACANT;
        handshake.answer(b"accepted");
        assert_eq!(handshake.message(), b"accepted");
    }

    #[test]
    fn keeps_the_end_of_the_session_before() {
        let mut handshake = Handshake::VACANT;
        handshake.answer(&[1; ACCEPT_MESSAGE_LEN_MAX]);
        assert_eq!(handshake.parting(), b"");
        handshake.keep_parting(&[2; 39]);
        assert_eq!(handshake.parting(), [2; 39]);
        assert_eq!(handshake.message(), [1; ACCEPT_MESSAGE_LEN_MAX]);
        handshake.drop_parting();
        handshake.keep_parting(&[3; HANDSHAKE_LEN]);
        assert_eq!(handshake.parting(), b"", "it has no room");
    }

    #[test]
    //= PROTOCOL.md#4.7
    fn reads_at_most_sixteen_answers() {
        let mut handshake = Handshake::VACANT;
        assert_eq!((0..300).filter(|_| handshake.try_answer()).count(), 16);
    }

    #[test]
    fn wipes_its_secret() {
        let mut handshake = Handshake::VACANT;
        handshake.offer(&[3; KEY_LEN], &[4; FIRST_PAYLOAD_MAX]);
        handshake.wipe();
        assert_eq!(handshake.bytes, [0; HANDSHAKE_LEN]);
    }
}
