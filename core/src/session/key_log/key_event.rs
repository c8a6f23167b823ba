//! The events at which keys come into use, and the keys of each.

use super::logged_key::LoggedKey;
use super::ring::Ring;
use crate::crypto::{Handshake, HandshakeKey, Identity, KEY_LEN, MessageKey, PublicKey, Responder};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::name::Name;
use crate::session::connection::Connection;
use crate::wire::Hello;

/// An event at which keys come into use.
pub(crate) enum KeyEvent<'a> {
    /// A session was opened.
    Session(&'a Connection),
    /// The key of the stored messages of a process to a name was computed.
    StoredMessages {
        incarnation: u64,
        to: &'a Name,
        key: &'a MessageKey,
    },
    /// The initiator has a request for a session or, with a second message, the answer to it.
    Requested(SentRequest<'a>, Option<&'a [u8]>),
    /// The responder answers a request for a session.
    Answered {
        identity: &'a Identity,
        id: u64,
        prologue: &'a [u8],
        first: &'a [u8],
        ephemeral: &'a [u8; KEY_LEN],
    },
}

/// A request for a session, at the initiator.
pub(crate) struct SentRequest<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) hello: Hello,
    pub(crate) remote: &'a PublicKey,
    /// The session: it has the id, the ephemeral key and the payload of the request.
    pub(crate) connection: &'a Connection,
}

impl SentRequest<'_> {
    fn with_handshake(&self, then: impl FnOnce(&Handshake<'_>)) {
        let mut front = [0; DATAGRAM_LEN_MAX];
        if let Some((ephemeral, payload)) = self.connection.handshake().offered() {
            then(&Handshake {
                identity: self.identity,
                remote: self.remote,
                prologue: self.hello.prologue(self.connection.local_id(), &mut front),
                ephemeral,
                payload,
            });
        }
    }
}

/// Exports the keys of an event except those of handshakes. The machine has these keys already.
pub(super) fn export_session_keys(ring: &mut Ring<'_>, event: &KeyEvent<'_>) {
    match *event {
        KeyEvent::Session(connection) => {
            let (send, receive) = connection.keys().keys();
            for (id, key) in [
                (connection.local_id(), *receive),
                (connection.remote_id(), *send),
            ] {
                ring.push(LoggedKey::Session { id, key });
            }
        }
        KeyEvent::StoredMessages {
            incarnation,
            to,
            key,
        } => ring.push(LoggedKey::StoredMessages {
            incarnation,
            to: to.clone(),
            key: *key.key(),
        }),
        KeyEvent::Requested(..) | KeyEvent::Answered { .. } => {}
    }
}

/// Exports all keys of an event. It computes those of handshakes again.
pub(super) fn export(ring: &mut Ring<'_>, event: &KeyEvent<'_>) {
    let handshake = |id| move |part: HandshakeKey| LoggedKey::Handshake { id, part };
    match *event {
        KeyEvent::Session(_) | KeyEvent::StoredMessages { .. } => export_session_keys(ring, event),
        KeyEvent::Requested(ref request, second) => request.with_handshake(|initiator| {
            let logged = handshake(request.connection.local_id());
            match second {
                None => initiator.first_message_keys(|part| ring.push(logged(part))),
                Some(second) => {
                    initiator.second_message_key(second, |part| ring.push(logged(part)));
                }
            }
        }),
        KeyEvent::Answered {
            identity,
            id,
            prologue,
            first,
            ephemeral,
        } => Responder::handshake_keys(identity, prologue, first, ephemeral, |part| {
            ring.push(handshake(id)(part));
        }),
    }
}
