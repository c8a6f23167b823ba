//! The handshakes of one socket, as initiator and responder: its identity, its ephemeral keys, and
//! the key log.

use super::connection::{Connection, PeerParameters};
use super::key_log::{KeyEvent, KeyLog, SentRequest};
use crate::address::PackedAddress;
#[cfg(feature = "medium-keys")]
use crate::crypto::KEY_LEN;
use crate::crypto::{Entropy, FIRST_PAYLOAD_MAX, Identity, PublicKey, Responder, SessionKeys};
use crate::drop_reason::DropReason;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::wire::{
    ACCEPT_MESSAGE_LEN_MAX, ANSWER_LEN_MAX, Accept, Answer, ClientHelloMessage, Datagram, Hello,
    PeerHelloMessage,
};

/// The first message of a handshake, as received.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Session id that the initiator chose.
    pub(crate) id: u64,
    prologue: &'a [u8],
    message: &'a [u8],
}

impl<'a> From<&ClientHelloMessage<'a>> for Request<'a> {
    fn from(hello: &ClientHelloMessage<'a>) -> Self {
        Self {
            id: hello.id,
            prologue: hello.prologue,
            message: hello.message,
        }
    }
}

impl<'a> From<&PeerHelloMessage<'a>> for Request<'a> {
    fn from(hello: &PeerHelloMessage<'a>) -> Self {
        Self {
            id: hello.id,
            prologue: hello.prologue,
            message: hello.message,
        }
    }
}

/// The parameters that the responder sends in each session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// Store epoch; 0 for none.
    pub(crate) epoch: u64,
    /// Roster epoch; 0 for none.
    pub(crate) table_epoch: u64,
    /// Number of frames that the responder accepts beyond those it acknowledged.
    pub(crate) window: u16,
}

/// The second message of a handshake, and the keys of the session that it opens.
pub(super) struct Response {
    keys: SessionKeys,
    bytes: [u8; ACCEPT_MESSAGE_LEN_MAX],
    len: usize,
}

impl Response {
    /// Returns the message.
    pub(super) fn message(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// An accepted session that has no slot yet.
pub(super) struct Accepted {
    local_id: u64,
    response: Response,
}

impl Accepted {
    /// Puts the session into a slot.
    pub(super) fn settle(
        &self,
        connection: &mut Connection,
        remote: PackedAddress,
        peer: PeerParameters,
    ) {
        let Response { keys, .. } = &self.response;
        connection.accept(self.local_id, remote, peer, keys, self.response.message());
    }
}

/// The recipient of a request for a session, and its static public key.
pub(crate) type Recipient = (Hello, PublicKey);

/// The state that all handshakes of a socket share.
pub(crate) struct Handshakes<'a> {
    identity: Identity,
    entropy: Entropy,
    key_log: KeyLog<'a>,
}

impl<'a> Handshakes<'a> {
    /// Creates the state of a socket with this identity. The key log is off.
    pub(crate) fn new(identity: Identity, entropy: Entropy) -> Self {
        Self {
            identity,
            entropy,
            key_log: KeyLog::off(),
        }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// As [`Identity::join`].
    pub(crate) fn join(&mut self, server: &PublicKey, is_proved: bool) {
        self.identity.join(server, is_proved);
    }

    /// Draws the id of a new session.
    pub(super) fn draw_id(&mut self) -> u64 {
        self.entropy.draw()
    }

    /// Draws a secret key.
    #[cfg(feature = "medium-keys")]
    pub(crate) fn draw_secret(&mut self) -> zeroize::Zeroizing<[u8; KEY_LEN]> {
        self.entropy.secret()
    }

    // ---- the key log ----

    pub(crate) fn key_log(&mut self) -> &mut KeyLog<'a> {
        &mut self.key_log
    }

    /// Exports the keys of an initiator's message, or of the answer to it.
    fn log_request(
        &mut self,
        connection: &Connection,
        &(hello, ref remote): &Recipient,
        second: Option<&[u8]>,
    ) {
        if self.key_log.is_on() {
            let request = SentRequest {
                identity: &self.identity,
                hello,
                remote,
                connection,
            };
            self.key_log.note(&KeyEvent::Requested(request, second));
        }
    }

    // ---- the responder ----

    /// Reads a request; returns the responder's state, and the length of the payload in `payload`.
    /// Returns `None` if it is not for this identity. Cost: two multiplications on the curve.
    pub(crate) fn read(
        &self,
        request: &Request<'_>,
        payload: &mut [u8; FIRST_PAYLOAD_MAX],
    ) -> Option<(Responder, usize)> {
        Responder::read(&self.identity, request.prologue, request.message, payload)
    }

    /// Answers a request, or returns `None` if a shared secret is zero. Cost: three multiplications
    /// on the curve.
    pub(super) fn answer(
        &mut self,
        request: &Request<'_>,
        responder: Responder,
        answer: &Answer,
    ) -> Option<Response> {
        let mut payload = [0; ANSWER_LEN_MAX];
        let payload = postcard::to_slice(answer, &mut payload).ok()?;
        let ephemeral = self.entropy.secret();
        let mut bytes = [0; ACCEPT_MESSAGE_LEN_MAX];
        let (keys, len) = responder.answer(&self.identity, &ephemeral, payload, &mut bytes)?;
        self.key_log.note(&KeyEvent::Answered {
            identity: &self.identity,
            id: request.id,
            prologue: request.prologue,
            first: request.message,
            ephemeral: &ephemeral,
        });
        Some(Response { keys, bytes, len })
    }

    /// Accepts a request with these parameters. Returns `None` as [`answer`](Self::answer) does.
    pub(super) fn accept(
        &mut self,
        request: &Request<'_>,
        responder: Responder,
        terms: Terms,
    ) -> Option<Accepted> {
        let local_id = self.draw_id();
        let accept = Accept {
            id: local_id,
            epoch: terms.epoch,
            table_epoch: terms.table_epoch,
            window: terms.window,
            reset: self.identity.reset_token(local_id),
        };
        let response = self.answer(request, responder, &Answer::Accepted(accept))?;
        Some(Accepted { local_id, response })
    }

    // ---- the initiator ----

    /// Sets the payload of the request of a session, and draws the ephemeral key for it.
    pub(super) fn offer(
        &mut self,
        connection: &mut Connection,
        payload: &[u8],
        recipient: &Recipient,
    ) {
        let ephemeral = self.entropy.secret();
        connection.handshake_mut().offer(&ephemeral, payload);
        self.log_request(connection, recipient, None);
    }

    /// Builds the request or, without a recipient or an [offer](Self::offer), a cookie request.
    /// Returns its length, 0 if the recipient's key is invalid.
    pub(super) fn emit(
        &self,
        connection: &Connection,
        recipient: Option<&Recipient>,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> usize {
        let id = connection.local_id();
        let (Some((ephemeral, payload)), Some((hello, key))) =
            (connection.handshake().offered(), recipient)
        else {
            return Datagram::CookieRequest { id }.emit(&self.identity, out);
        };
        hello.emit(id, &self.identity, key, ephemeral, payload, out)
    }

    /// Reads an answer to the request of a session. Cost: five multiplications on the curve.
    ///
    /// # Errors
    /// Returns [`DropReason::Unexpected`] if there was no request, or too many answers to it, and
    /// [`DropReason::BadTag`] if it does not answer the request.
    pub(super) fn complete(
        &mut self,
        connection: &mut Connection,
        recipient: Option<&Recipient>,
        message: &[u8],
    ) -> Result<(SessionKeys, Answer), DropReason> {
        let is_read = connection.handshake_mut().try_answer();
        let recipient = recipient.filter(|_| is_read);
        let offered = connection.handshake().offered();
        let (Some(recipient), Some((ephemeral, payload))) = (recipient, offered) else {
            return Err(DropReason::Unexpected);
        };
        let (id, (hello, key)) = (connection.local_id(), recipient);
        let read = hello.complete(id, &self.identity, key, ephemeral, payload, message);
        let read = read.ok_or(DropReason::BadTag)?;
        self.log_request(connection, recipient, Some(message));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::crypto::{Seed, StaticKey};

    const PAYLOAD: &[u8] = b"hello";
    const ID: u64 = 7;
    const TERMS: Terms = Terms {
        epoch: 1,
        table_epoch: 2,
        window: 3,
    };

    /// The handshakes of one of several programs.
    fn handshakes<'a>(number: u8) -> Handshakes<'a> {
        let identity = Identity::new(StaticKey::new([number; 32]), None);
        let entropy = Entropy::new(identity.suite(), Seed::new(&mut [number; 32]));
        Handshakes::new(identity, entropy)
    }

    fn recipient(handshakes: &Handshakes<'_>) -> Recipient {
        let hello = Hello::Peer { to_incarnation: 5 };
        (hello, handshakes.identity().public())
    }

    /// A session that is being opened.
    fn opening() -> Connection {
        let mut connection = Connection::VACANT;
        connection.open(ID, PackedAddress::VACANT);
        connection
    }

    fn emit(
        handshakes: &Handshakes<'_>,
        connection: &Connection,
        recipient: Option<&Recipient>,
    ) -> Vec<u8> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = handshakes.emit(connection, recipient, &mut out);
        out[..len].to_vec()
    }

    /// Reads a request, and accepts it; `None` if it is for another program.
    fn accept(handshakes: &mut Handshakes<'_>, datagram: &[u8]) -> Option<Accepted> {
        let Ok(Datagram::PeerHello(hello)) = Datagram::parse(handshakes.identity(), datagram)
        else {
            panic!("no hello");
        };
        let request = Request::from(&hello);
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let (responder, len) = handshakes.read(&request, &mut payload)?;
        assert_eq!((request.id, &payload[..len]), (ID, PAYLOAD));
        handshakes.accept(&request, responder, TERMS)
    }

    #[test]
    fn asks_for_a_cookie_without_recipient_or_offer() {
        let (mut alice, bob) = (handshakes(1), handshakes(2));
        let mut connection = opening();
        let bob = recipient(&bob);
        let cookie_request = Ok(Datagram::CookieRequest { id: ID });
        let first = emit(&alice, &connection, Some(&bob));
        assert_eq!(Datagram::parse(alice.identity(), &first), cookie_request);
        alice.offer(&mut connection, PAYLOAD, &bob);
        let second = emit(&alice, &connection, None);
        assert_eq!(Datagram::parse(alice.identity(), &second), cookie_request);
    }

    #[test]
    fn repeats_a_request_until_another_offer() {
        let (mut alice, bob) = (handshakes(1), handshakes(2));
        let mut connection = opening();
        let bob = recipient(&bob);
        alice.offer(&mut connection, PAYLOAD, &bob);
        let first = emit(&alice, &connection, Some(&bob));
        assert_eq!(emit(&alice, &connection, Some(&bob)), first);
        alice.offer(&mut connection, PAYLOAD, &bob);
        // An ephemeral key serves one payload only.
        assert_ne!(emit(&alice, &connection, Some(&bob)), first);
    }

    #[test]
    fn agrees_with_the_recipient_and_nobody_else() {
        let (mut alice, mut bob, mut carol) = (handshakes(1), handshakes(2), handshakes(3));
        let mut connection = opening();
        let recipient = recipient(&bob);
        alice.offer(&mut connection, PAYLOAD, &recipient);
        let request = emit(&alice, &connection, Some(&recipient));
        assert!(accept(&mut carol, &request).is_none());
        let accepted = accept(&mut bob, &request).unwrap();
        let message = accepted.response.message();
        let completed = alice.complete(&mut connection, Some(&recipient), message);
        let Ok((keys, Answer::Accepted(accept))) = completed else {
            panic!("not accepted");
        };
        assert_eq!(accept.id, accepted.local_id);
        assert_eq!(accept.reset, bob.identity().reset_token(accept.id));
        let terms = (accept.epoch, accept.table_epoch, accept.window);
        assert_eq!(terms, (TERMS.epoch, TERMS.table_epoch, TERMS.window));
        let (send, receive) = keys.keys();
        assert_eq!(accepted.response.keys.keys(), (receive, send));
    }

    #[test]
    fn reads_an_answer_only_to_its_request() {
        let (mut alice, mut bob) = (handshakes(1), handshakes(2));
        let mut connection = opening();
        let recipient = recipient(&bob);
        let unexpected = Some(DropReason::Unexpected);
        let early = alice.complete(&mut connection, Some(&recipient), &[]);
        assert_eq!(early.err(), unexpected, "no request was made");
        alice.offer(&mut connection, PAYLOAD, &recipient);
        let request = emit(&alice, &connection, Some(&recipient));
        let accepted = accept(&mut bob, &request).unwrap();
        let message = accepted.response.message();
        let mut complete = |recipient, message: &[u8]| {
            let completed = alice.complete(&mut connection, recipient, message);
            completed.err()
        };
        assert_eq!(complete(None, message), unexpected);
        let mut damaged = message.to_vec();
        damaged[0] ^= 1;
        assert_eq!(
            complete(Some(&recipient), &damaged),
            Some(DropReason::BadTag)
        );
        assert_eq!(complete(Some(&recipient), message), None);
        let tries = (0..20).find(|_| complete(Some(&recipient), message) == unexpected);
        assert!(tries.is_some(), "answers cost too much to read any number");
    }
}
