//! Sessions with peers: calls, silence, and the datagrams inside all sessions.

use core::net::SocketAddr;

use super::machine::Client;
use super::peers::SERVER;
use crate::crypto::{FIRST_PAYLOAD_MAX, Responder, TAG_LEN};
use crate::drop_reason::{Disposition, DropReason};
use crate::rate::RateLimit;
use crate::session::connection::{Arrival, PeerParameters, Phase};
use crate::session::{Recipient, Repeated, Request, Terms};
use crate::wire::{Answer, Call, CallMessage, Datagram, Opening, Refusal, from_payload};

/// Calls that are looked at: each costs multiplications on the curve.
const CALLS: RateLimit = RateLimit::new(50, 4);

impl Client<'_> {
    /// Asks a peer for a session.
    pub(super) fn call(&mut self, peer: u32) {
        self.openings = self.openings.wrapping_add(1);
        let slot = self.peers.at_mut(peer);
        slot.route.note_try(self.sessions.now());
        let address = slot.listing.address();
        let reset = self.sessions.request(peer, address);
        self.session_changed(peer);
        let call = Call {
            from_incarnation: self.incarnation,
            opening: self.openings,
            window: self.window,
            reset,
            from: self.name.as_str(),
            to: self.peers.at(peer).name.as_str(),
        };
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let payload = postcard::to_slice(&call, &mut payload).unwrap_or_default();
        if let Some(recipient) = self.recipient(peer) {
            self.sessions.offer(peer, payload, &recipient);
        }
    }

    /// What the request for a session is sent to, and the key that is meant. `None` before the
    /// server gave a cookie.
    pub(super) fn recipient(&self, peer: u32) -> Option<Recipient> {
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
            self.sessions.reply(from, &refuse);
            return self.sessions.drop(DropReason::UnknownPeer);
        }
        if !self.registration.is_active() {
            return self.sessions.drop(DropReason::Offline);
        }
        match self.sessions.answer_again(from, message.id) {
            None => {}
            Some(Repeated::Answered(peer)) => {
                self.attend(peer);
                return self.sessions.drop(DropReason::Duplicate);
            }
            Some(Repeated::WrongAddress | Repeated::Unconfirmed(_)) => {
                return self.sessions.drop(DropReason::WrongAddress);
            }
        }
        match self.calls.without(1, CALLS, self.sessions.now()) {
            Some(left) => self.calls = left,
            None => return self.sessions.drop(DropReason::RateExceeded),
        }
        let request = Request::from(message);
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let read = self.sessions.handshakes().read(&request, &mut payload);
        let Some((responder, len)) = read else {
            return self.sessions.drop(DropReason::BadTag);
        };
        match from_payload::<Call<'_>>(payload.get(..len).unwrap_or_default()) {
            Some(call) => self.answer_call(from, &request, &call, responder),
            None => self.sessions.drop(DropReason::Malformed),
        }
    }

    fn answer_call(
        &mut self,
        from: SocketAddr,
        request: &Request<'_>,
        call: &Call<'_>,
        responder: Responder,
    ) -> Disposition {
        if call.to != self.name.as_str() {
            // Somebody has told the caller that another name has our key.
            return self.sessions.drop(DropReason::Unexpected);
        }
        let Some(peer) = self.peers.find(call.from.as_bytes()) else {
            return self.unknown_caller(call);
        };
        let slot = self.peers.at(peer);
        if slot.listing.incarnation() != call.from_incarnation || !slot.listing.is_listed() {
            return self.unknown_caller(call);
        }
        if slot.key.is_foreign() || *slot.key.get() != responder.remote() {
            return self.sessions.drop(DropReason::ForeignKey);
        }
        if slot.listing.address() != from.into() {
            return self.sessions.drop(DropReason::WrongAddress);
        }
        if call.opening <= slot.opening {
            return self.sessions.drop(DropReason::Duplicate);
        }
        // Both called at the same time: the call of the higher incarnation stands (as in RFC 4271,
        // section 6.8).
        if self.sessions.at(peer).phase() == Phase::Opening
            && self.incarnation > call.from_incarnation
        {
            return self.sessions.drop(DropReason::Unexpected);
        }
        let terms = Terms {
            window: self.window,
            ..Terms::default()
        };
        let handshakes = self.sessions.handshakes();
        let Some(accepted) = handshakes.accept(request, responder, terms) else {
            return self.sessions.drop(DropReason::BadTag);
        };
        let other = PeerParameters {
            id: request.id,
            window: call.window,
            reset: call.reset,
        };
        let slot = self.peers.at_mut(peer);
        slot.opening = call.opening;
        slot.route.note_session();
        self.sessions.settle(peer, from.into(), other, &accepted);
        self.sessions.at_mut(peer).confirm();
        self.session_changed(peer);
        Disposition::Accepted
    }

    /// A client whose table does not hold the whole room asks for the caller's entry; the caller
    /// will call again.
    fn unknown_caller(&mut self, call: &Call<'_>) -> Disposition {
        if self.table.is_partial() {
            self.look_up_caller(call.from);
        }
        self.sessions.drop(DropReason::UnknownPeer)
    }

    pub(super) fn take_accept(&mut self, from: SocketAddr, to: u64, message: &[u8]) -> Disposition {
        let peer = match self.sessions.find_from(from, to) {
            Ok(peer) => peer,
            Err(reason) => return self.sessions.drop(reason),
        };
        if self.sessions.at(peer).phase() != Phase::Opening {
            return self.sessions.drop(DropReason::Duplicate);
        }
        let recipient = self.recipient(peer);
        match self.sessions.complete(peer, recipient.as_ref(), message) {
            Err(reason) => self.sessions.drop(reason),
            Ok((_, Answer::Refused(reason))) if peer == SERVER => self.refused(reason),
            Ok((_, Answer::Refused(_))) => self.sessions.drop(DropReason::Unexpected),
            Ok((keys, Answer::Accepted(accept))) => {
                self.sessions
                    .open(peer, PeerParameters::from(&accept), keys);
                self.session_changed(peer);
                if peer == SERVER {
                    return self.take_server_accept(&accept);
                }
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
        let Ok(peer) = self.sessions.find_from(from, to) else {
            return self.sessions.drop(DropReason::UnknownSession);
        };
        let connection = self.sessions.at(peer);
        if peer == SERVER || connection.phase() != Phase::Opening || reason != Refusal::NotMe {
            return self.sessions.drop(DropReason::Unexpected);
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
        let peer = match self.sessions.take_reset(from, echo, &token) {
            Ok(peer) => peer,
            Err(reason) => {
                if reason == DropReason::UnknownSession {
                    self.hear_of_server(from);
                }
                return self.sessions.drop(reason);
            }
        };
        if peer == SERVER {
            self.take_server_reset();
        } else if self.sessions.at(peer).outstanding() != 0 {
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
        let received = match self.sessions.receive(from, to, datagram) {
            Ok(received) => received,
            Err(reason) => {
                if reason == DropReason::UnknownSession {
                    self.hear_of_server(from);
                }
                return self.sessions.drop(reason);
            }
        };
        let peer = received.slot;
        let (header, mut frames) = (received.header, received.frames);
        if let Some(reason) = header.closed
            && peer == SERVER
        {
            return self.refused(reason);
        }
        let newly = match self.sessions.take_header(peer, &header, peer == SERVER) {
            Ok(newly) => newly,
            Err(reason) => return self.sessions.drop(reason),
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
                        handled = self.sessions.drop(DropReason::Busy);
                    }
                    break;
                }
                Arrival::Duplicate => {
                    handled = self.sessions.drop(DropReason::Duplicate);
                    if let Some(Err(reason)) = frames.next() {
                        handled = self.sessions.drop(reason);
                    }
                    number = number.wrapping_add(1);
                }
                Arrival::Early => {
                    handled = self.sessions.drop(DropReason::OutOfOrder);
                    break;
                }
            }
        }
        self.attend(peer);
        handled
    }
}
