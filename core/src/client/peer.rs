//! Sessions with peers: calls, silence, and the datagrams inside all sessions.

use core::net::SocketAddr;

use super::machine::Client;
use super::peers::SERVER;
use crate::crypto::{FIRST_PAYLOAD_MAX, PublicKey, Responder, TAG_LEN};
use crate::drop_reason::{Disposition, DropReason};
use crate::rate::RateLimit;
use crate::session::Side;
use crate::session::connection::{Arrival, PeerParameters, Phase};
use crate::session::key_log::{Asked, Noted};
use crate::session::reply::Reply;
use crate::wire::{
    ACCEPT_MESSAGE_LEN_MAX, ANSWER_LEN_MAX, Accept, Answer, Call, CallMessage, Datagram, Opening,
    Refusal, from_payload, open_in,
};

/// Calls that are looked at: each costs multiplications on the curve.
const CALLS: RateLimit = RateLimit::new(50, 4);

impl Client<'_> {
    /// Asks a peer for a session.
    pub(super) fn call(&mut self, peer: u32) {
        self.openings = self.openings.wrapping_add(1);
        let id = self.entropy.draw();
        let slot = self.peers.at_mut(peer);
        slot.route.note_try(self.now);
        let address = slot.listing.address();
        self.change_connection(peer, |connection| connection.open(id, address));
        let ephemeral = self.entropy.secret();
        let call = Call {
            from_incarnation: self.incarnation,
            opening: self.openings,
            window: self.window,
            reset: self.identity.reset_token(id),
            from: self.name.as_str(),
            to: self.peers.at(peer).name.as_str(),
        };
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let payload = postcard::to_slice(&call, &mut payload).unwrap_or_default();
        self.sessions.at_mut(peer).offer(&ephemeral, payload);
        self.note_asked(peer, None);
    }

    /// For the key log: a session was asked for or, by the second message of the handshake,
    /// answered.
    pub(super) fn note_asked(&mut self, peer: u32, second: Option<&[u8]>) {
        if self.key_log.is_on()
            && let Some((opening, key)) = self.opening(peer)
        {
            let asked = Asked {
                identity: &self.identity,
                opening,
                remote: &key,
                connection: self.sessions.at(peer),
            };
            self.key_log.note(&Noted::Asked(asked, second));
        }
    }

    /// What the request for a session is sent to, and the key that is meant. `None` before the
    /// server gave a cookie.
    pub(super) fn opening(&self, peer: u32) -> Option<(Opening, PublicKey)> {
        if peer == SERVER {
            let (cookie, key) = self.server.opening()?;
            return Some((Opening::Hello(cookie), key));
        }
        let slot = self.peers.at(peer);
        let to_incarnation = slot.listing.incarnation();
        Some((Opening::Call { to_incarnation }, *slot.key.get()))
    }

    pub(super) fn take_call(&mut self, from: SocketAddr, message: &CallMessage<'_>) -> Disposition {
        if message.to_incarnation != self.incarnation {
            let refuse = Datagram::Refuse {
                to: message.id,
                reason: Refusal::NotMe,
            };
            self.reply = Reply::new(&self.identity, from, &refuse);
            return self.stats.drop(DropReason::UnknownPeer);
        }
        if !self.registration.is_active() {
            return self.stats.drop(DropReason::Offline);
        }
        let repeated = self.sessions.find(Side::Remote, message.id);
        if let Some(peer) = repeated {
            let connection = self.sessions.at_mut(peer);
            if *connection.remote() != from.into() {
                return self.stats.drop(DropReason::WrongAddress);
            }
            connection.accept_again();
            self.attend(peer);
            return self.stats.drop(DropReason::Duplicate);
        }
        match self.calls.without(1, CALLS, self.now) {
            Some(left) => self.calls = left,
            None => return self.stats.drop(DropReason::RateExceeded),
        }
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let read = Responder::read(
            &self.identity,
            message.prologue,
            message.message,
            &mut payload,
        );
        let Some((responder, len)) = read else {
            return self.stats.drop(DropReason::BadTag);
        };
        match from_payload::<Call<'_>>(payload.get(..len).unwrap_or_default()) {
            Some(call) => self.answer_call(from, message, &call, responder),
            None => self.stats.drop(DropReason::Malformed),
        }
    }

    fn answer_call(
        &mut self,
        from: SocketAddr,
        asked: &CallMessage<'_>,
        call: &Call<'_>,
        responder: Responder,
    ) -> Disposition {
        if call.to != self.name.as_str() {
            // Somebody has told the caller that another name has our key.
            return self.stats.drop(DropReason::Unexpected);
        }
        let Some(peer) = self.peers.find(call.from.as_bytes()) else {
            return self.unknown_caller(call);
        };
        let slot = self.peers.at(peer);
        if slot.listing.incarnation() != call.from_incarnation || !slot.listing.is_listed() {
            return self.unknown_caller(call);
        }
        if slot.key.is_foreign() || *slot.key.get() != responder.remote() {
            return self.stats.drop(DropReason::ForeignKey);
        }
        if slot.listing.address() != from.into() {
            return self.stats.drop(DropReason::WrongAddress);
        }
        if call.opening <= slot.opening {
            return self.stats.drop(DropReason::Duplicate);
        }
        // Both called at the same time: the call of the higher incarnation stands (as in RFC 4271,
        // section 6.8).
        if self.sessions.at(peer).phase() == Phase::Opening
            && self.incarnation > call.from_incarnation
        {
            return self.stats.drop(DropReason::Unexpected);
        }
        let id = self.entropy.draw();
        let accept = Accept {
            id,
            epoch: 0,
            table_epoch: 0,
            window: self.window,
            reset: self.identity.reset_token(id),
        };
        let mut said = [0; ANSWER_LEN_MAX];
        let said = postcard::to_slice(&Answer::Accepted(accept), &mut said).unwrap_or_default();
        let mut message = [0; ACCEPT_MESSAGE_LEN_MAX];
        let ephemeral = self.entropy.secret();
        let Some((session, len)) = responder.answer(&self.identity, &ephemeral, said, &mut message)
        else {
            return self.stats.drop(DropReason::BadTag);
        };
        self.key_log.note(&Noted::Answered {
            identity: &self.identity,
            id: asked.id,
            prologue: asked.prologue,
            first: asked.message,
            ephemeral: &ephemeral,
        });
        let message = message.get(..len).unwrap_or_default();
        let other = PeerParameters {
            id: asked.id,
            window: call.window,
            reset: call.reset,
        };
        let slot = self.peers.at_mut(peer);
        slot.opening = call.opening;
        slot.route.note_session();
        self.change_connection(peer, |connection| {
            connection.accept(id, from.into(), other, session, message);
        });
        self.key_log.note(&Noted::Session(self.sessions.at(peer)));
        Disposition::Accepted
    }

    /// A client whose table does not hold the whole room asks for the caller's entry; the caller
    /// will call again.
    fn unknown_caller(&mut self, call: &Call<'_>) -> Disposition {
        if self.table.is_partial() {
            self.look_up_caller(call.from);
        }
        self.stats.drop(DropReason::UnknownPeer)
    }

    pub(super) fn take_accept(&mut self, from: SocketAddr, to: u64, message: &[u8]) -> Disposition {
        let Some(peer) = self.sessions.find(Side::Local, to) else {
            return self.stats.drop(DropReason::UnknownSession);
        };
        let connection = self.sessions.at(peer);
        if *connection.remote() != from.into() {
            return self.stats.drop(DropReason::WrongAddress);
        }
        if connection.phase() != Phase::Opening {
            return self.stats.drop(DropReason::Duplicate);
        }
        let (Some((opening, key)), true) =
            (self.opening(peer), self.sessions.at_mut(peer).try_answer())
        else {
            return self.stats.drop(DropReason::Unexpected);
        };
        let Some((ephemeral, payload)) = self.sessions.at(peer).offered() else {
            return self.stats.drop(DropReason::Unexpected);
        };
        let read = opening.complete(to, &self.identity, &key, ephemeral, payload, message);
        if read.is_some() {
            self.note_asked(peer, Some(message));
        }
        match read {
            None => self.stats.drop(DropReason::BadTag),
            Some((_, Answer::Refused(reason))) if peer == SERVER => self.refused(reason),
            Some((_, Answer::Refused(_))) => self.stats.drop(DropReason::Unexpected),
            Some((session, Answer::Accepted(accept))) if peer == SERVER => {
                self.take_server_accept(&accept, session)
            }
            Some((session, Answer::Accepted(accept))) => {
                let other = PeerParameters::from(&accept);
                self.change_connection(peer, |connection| connection.opened(other, session));
                self.key_log.note(&Noted::Session(self.sessions.at(peer)));
                self.peers.at_mut(peer).route.note_answer();
                Disposition::Accepted
            }
        }
    }

    pub(super) fn take_peer_refusal(
        &mut self,
        from: SocketAddr,
        to: u64,
        reason: Refusal,
    ) -> Disposition {
        let found = self.sessions.find(Side::Local, to);
        let Some(peer) = found.filter(|peer| *self.sessions.at(*peer).remote() == from.into())
        else {
            return self.stats.drop(DropReason::UnknownSession);
        };
        let connection = self.sessions.at(peer);
        if peer == SERVER || connection.phase() != Phase::Opening || reason != Refusal::NotMe {
            return self.stats.drop(DropReason::Unexpected);
        }
        self.peer_silent(peer);
        Disposition::Accepted
    }

    pub(super) fn take_reset(
        &mut self,
        from: SocketAddr,
        echo: u64,
        token: [u8; TAG_LEN],
    ) -> Disposition {
        let Some(peer) = self.sessions.find(Side::Remote, echo) else {
            self.hear_of_server(from);
            return self.stats.drop(DropReason::UnknownSession);
        };
        let connection = self.sessions.at(peer);
        if *connection.remote() != from.into() {
            return self.stats.drop(DropReason::WrongAddress);
        }
        if !connection.is_reset_by(&token) {
            return self.stats.drop(DropReason::BadTag);
        }
        if peer == SERVER {
            self.take_server_reset();
        } else if connection.outstanding() != 0 {
            self.call(peer);
        } else {
            self.close_connection(peer);
        }
        Disposition::Accepted
    }

    /// The server may be back, and speak of a session that we have given up.
    fn hear_of_server(&mut self, from: SocketAddr) {
        let lost = self.sessions.at(SERVER).phase() == Phase::Closed;
        if lost && from == self.server.address() && self.registration.is_in_room() {
            self.open_server();
        }
    }

    /// All retries to a peer are used up, or it is not there any more.
    pub(super) fn peer_silent(&mut self, peer: u32) {
        self.peers.at_mut(peer).route.note_silence();
        self.fall_back(peer);
    }

    pub(super) fn take_data(
        &mut self,
        from: SocketAddr,
        to: u64,
        datagram: &mut [u8],
    ) -> Disposition {
        let Some(peer) = self.sessions.find(Side::Local, to) else {
            self.reply = Reply::no_session(&self.identity, from, to);
            self.hear_of_server(from);
            return self.stats.drop(DropReason::UnknownSession);
        };
        let connection = self.sessions.at(peer);
        if *connection.remote() != from.into() {
            return self.stats.drop(DropReason::WrongAddress);
        }
        if !connection.is_open() {
            return self.stats.drop(DropReason::Unexpected);
        }
        let suite = self.identity.suite();
        let connection = self.sessions.at_mut(peer);
        let opened = match open_in(suite, connection.keys_mut(), datagram) {
            Ok(opened) => opened,
            Err(reason) => return self.stats.drop(reason),
        };
        let (header, mut frames) = (opened.header, opened.frames);
        if let Some(reason) = header.closed
            && peer == SERVER
        {
            return self.refused(reason);
        }
        let (now, retry) = (self.now, self.retry);
        let newly =
            match connection.take_header(&header, now, retry, peer == SERVER, &mut self.stats) {
                Ok(newly) => newly,
                Err(reason) => return self.stats.drop(reason),
            };
        if peer == SERVER {
            (0..newly).for_each(|_| self.request_acknowledged());
            // It lasts until nothing waits: between two refusals the server takes some of it.
            if self.sessions.at(SERVER).outstanding() == 0 {
                self.events.note_throttled(false);
            } else if header.window == 0 {
                self.events.note_throttled(true);
            }
            self.watch_results();
        } else {
            self.peers.at_mut(peer).route.note_answer();
            (0..newly).for_each(|_| self.delivered(peer));
        }
        let mut handled = Disposition::Accepted;
        let connection = self.sessions.at_mut(peer);
        let unowed = !connection.is_ack_due();
        if !frames.rest().is_empty() {
            connection.flush_ack();
            connection.frames_came(header.round);
        }
        if header.probe || !frames.rest().is_empty() {
            self.inbox.hurry(peer);
        }
        let mut number = header.first;
        while !frames.rest().is_empty() {
            match self.sessions.at_mut(peer).arrival(number) {
                Arrival::Next => {
                    if !self.inbox.fill(peer, number, &frames, unowed) {
                        handled = self.stats.drop(DropReason::Busy);
                    }
                    break;
                }
                Arrival::Duplicate => {
                    handled = self.stats.drop(DropReason::Duplicate);
                    if let Some(Err(reason)) = frames.next() {
                        handled = self.stats.drop(reason);
                    }
                    number = number.wrapping_add(1);
                }
                Arrival::Early => {
                    handled = self.stats.drop(DropReason::OutOfOrder);
                    break;
                }
            }
        }
        self.attend(peer);
        handled
    }
}
