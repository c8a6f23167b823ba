//! Requests for sessions, and answers to them. All computations with keys of handshakes are here,
//! each on a stack that is wiped afterwards.

use core::net::SocketAddr;

use super::Sessions;
use crate::address::PackedAddress;
use crate::crypto::Responder;
use crate::drop_reason::DropReason;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::connection::{Connection, PeerParameters};
use crate::session::handshakes::{Recipient, Request, Terms};
use crate::session::key_log::KeyEvent;
use crate::wire::{Answer, Datagram, Refusal};

impl Sessions<'_> {
    /// Computes with keys in a stack frame of its own, and wipes that frame and all below it. The
    /// result must hold no key.
    fn isolate<T>(&mut self, compute: impl FnOnce(&mut Self) -> T) -> T {
        #[cfg_attr(feature = "wipe-stack", inline(never))]
        fn run<S, T>(state: &mut S, compute: impl FnOnce(&mut S) -> T) -> T {
            compute(state)
        }
        let result = run(self, compute);
        self.identity().suite().wipe_stack();
        result
    }

    /// Refuses a request, authenticated by the own static key.
    pub(crate) fn refuse(
        &mut self,
        to: SocketAddr,
        request: &Request<'_>,
        responder: Responder,
        reason: Refusal,
    ) {
        self.isolate(|sessions| {
            let answer = Answer::Refused(reason);
            if let Some(response) = sessions.handshakes.answer(request, responder, &answer) {
                let message = response.message();
                let to_id = request.id;
                sessions.reply(to, &Datagram::Accept { to: to_id, message });
            }
        });
    }

    /// Accepts a request: its session takes the slot, and the owner
    /// [confirms](Connection::confirm) it. False as [`Handshakes::accept`].
    pub(crate) fn accept(
        &mut self,
        slot: u32,
        remote: PackedAddress,
        peer: PeerParameters,
        request: &Request<'_>,
        responder: Responder,
        terms: Terms,
    ) -> bool {
        self.isolate(|sessions| {
            let accepted = sessions.handshakes.accept(request, responder, terms);
            if let Some(accepted) = &accepted {
                sessions.begin(slot, |connection| {
                    accepted.settle(connection, remote, peer);
                });
            }
            accepted.is_some()
        })
    }

    /// Makes another session that of a slot, and logs its keys.
    fn begin(&mut self, slot: u32, begin: impl FnOnce(&mut Connection)) {
        self.connections.unlist(slot);
        let now = self.clock.now();
        let connection = self.connections.at_mut(slot);
        begin(connection);
        connection.begin_age(now);
        self.handshakes
            .key_log()
            .note(&KeyEvent::Session(connection));
        self.connections.list(slot);
    }

    /// Sets the payload and the recipient of the request.
    pub(crate) fn offer(&mut self, slot: u32, payload: &[u8], recipient: &Recipient) {
        self.isolate(|sessions| {
            let connection = sessions.connections.at_mut(slot);
            sessions.handshakes.offer(connection, payload, recipient);
        });
    }

    /// Reads an answer to a request, and opens the session if the peer has accepted it. Cost: five
    /// multiplications on the curve.
    ///
    /// # Errors
    /// As [`Handshakes::complete`].
    pub(crate) fn complete(
        &mut self,
        slot: u32,
        recipient: Option<&Recipient>,
        message: &[u8],
    ) -> Result<Answer, DropReason> {
        self.isolate(|sessions| {
            let connection = sessions.connections.at_mut(slot);
            let completed = sessions
                .handshakes
                .complete(connection, recipient, message)?;
            let (keys, answer) = &completed;
            if let Answer::Accepted(accept) = answer {
                let peer = PeerParameters::from(accept);
                sessions.begin(slot, |connection| connection.opened(peer, keys));
            }
            Ok(*answer)
        })
    }

    /// Builds the request for a session; returns its length, 0 if the recipient's key is invalid.
    pub(crate) fn emit_request(
        &mut self,
        slot: u32,
        recipient: Option<&Recipient>,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> usize {
        let (now, retry) = (self.clock.now(), self.clock.retry());
        self.isolate(|sessions| {
            let connection = sessions.connections.at_mut(slot);
            connection.on_handshake_sent(now, retry);
            sessions.handshakes.emit(connection, recipient, out)
        })
    }
}
