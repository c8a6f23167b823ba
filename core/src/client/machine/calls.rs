//! Sessions with peers: sends and answers PeerHello messages.

use core::net::SocketAddr;

use crate::address::PackedAddress;
use crate::client::call_limits::Admission;
use crate::client::machine::Client;
use crate::client::peers::SERVER;
use crate::crypto::{FIRST_PAYLOAD_MAX, Responder};
use crate::drop_reason::{Disposition, DropReason};
use crate::session::connection::{PeerParameters, Phase};
use crate::session::{Recipient, Repeated, Request, Terms};
use crate::wire::{
    Answer, Cookie, Datagram, Hello, PeerHello, PeerHelloMessage, Refusal, from_payload,
};

impl Client<'_> {
    /// Asks a peer for a session (PeerHello). After too many calls, its path has failed.
    pub(super) fn call(&mut self, peer: u32) {
        self.call_with(peer, None);
    }

    /// Calls a peer, with the proof of the own address that its cookie gives.
    fn call_with(&mut self, peer: u32, cookie: Option<Cookie>) {
        let now = self.sessions.now();
        let connection = self.sessions.at(peer);
        let slot = self.peers.at_mut(peer);
        // The renewal of a session goes to an address that has answered.
        let is_proved = connection.is_proved_at(&slot.listing().address());
        if !is_proved && !slot.call_limits_mut().may_call(now) {
            return self.peer_silent(peer);
        }
        slot.route_mut().note_try(now);
        let address = slot.listing().address();
        self.session_sequence = self.session_sequence.wrapping_add(1);
        let mut reset = self.sessions.request(peer, address);
        if let Some(cookie) = cookie {
            reset = self.sessions.prove(peer, cookie);
        }
        self.session_changed(peer);
        let call = PeerHello {
            from_incarnation: self.incarnation,
            session_sequence: self.session_sequence,
            window: self.window,
            reset,
            from: self.name.as_str(),
            to: self.peers.at(peer).name().as_str(),
        };
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let payload = postcard::to_slice(&call, &mut payload).unwrap_or_default();
        if let Some(recipient) = self.recipient(peer) {
            self.sessions.offer(peer, payload, &recipient);
        }
    }

    /// Returns the recipient of a request for a session; `None` for a server without a cookie.
    pub(super) fn recipient(&self, peer: u32) -> Option<Recipient> {
        if peer == SERVER {
            let (cookie, key) = self.server.hello()?;
            return Some((Hello::Client(cookie), key));
        }
        let slot = self.peers.at(peer);
        let to_incarnation = slot.listing().incarnation();
        Some((Hello::Peer { to_incarnation }, *slot.key().get()))
    }

    /// Handles a PeerHello.
    pub(super) fn take_call(
        &mut self,
        from: SocketAddr,
        message: &PeerHelloMessage<'_>,
    ) -> Disposition {
        if message.to_incarnation != self.incarnation {
            let refuse = Datagram::Refuse {
                to: message.id,
                reason: Refusal::NotMe,
            };
            self.sessions.reply(from, &refuse);
            return self.sessions.count_drop(DropReason::UnknownPeer);
        }
        if !self.registration.is_active() {
            return self.sessions.count_drop(DropReason::Offline);
        }
        match self.sessions.answer_again(from, message.id) {
            None => {}
            Some(Repeated::Answered(peer)) => {
                self.reschedule(peer);
                return self.sessions.count_drop(DropReason::Duplicate);
            }
            Some(Repeated::WrongAddress | Repeated::Unconfirmed(_)) => {
                return self.sessions.count_drop(DropReason::WrongAddress);
            }
        }
        if let Err(reason) = self.admit_call(from, message.id) {
            return self.sessions.count_drop(reason);
        }
        let request = Request::from(message);
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let read = self.sessions.handshakes().read(&request, &mut payload);
        let Some((responder, len)) = read else {
            return self.sessions.count_drop(DropReason::BadTag);
        };
        match from_payload::<PeerHello<'_>>(payload.get(..len).unwrap_or_default()) {
            Some(call) => self.answer_call(from, &request, &call, responder),
            None => self.sessions.count_drop(DropReason::Malformed),
        }
    }

    /// Decides whether to read a call; each costs operations on the curve.
    ///
    /// # Errors
    /// The reason to drop it: nobody in the roster has its source address, or there were too many.
    //= PROTOCOL.md#4.6
    fn admit_call(&mut self, from: SocketAddr, id: u64) -> Result<(), DropReason> {
        let (address, now) = (PackedAddress::from(from), self.sessions.now());
        let peer = if cfg!(feature = "call-guard") {
            let peer = self.peers.at_address(&address);
            if peer.is_none() && !self.table.is_partial() {
                return Err(DropReason::WrongAddress);
            }
            peer
        } else {
            None
        };
        let limits = peer.map(|peer| self.peers.at_mut(peer).call_limits_mut());
        match self.call_limits.admit(limits, &address, id, now) {
            Admission::Read => Ok(()),
            Admission::Refuse => Err(DropReason::RateExceeded),
            // It never happens without the feature, which saves a board the code below.
            Admission::AskForProof if !cfg!(feature = "call-guard") => Err(DropReason::NoCookie),
            Admission::AskForProof => {
                let cookie = self.call_limits.cookie(&address, now);
                let ask = Datagram::Cookie {
                    to: id,
                    cookie,
                    key: None,
                };
                self.sessions.reply(from, &ask);
                Err(DropReason::NoCookie)
            }
        }
    }

    /// Handles the cookie of a peer that asks for a proof of the own address.
    pub(super) fn take_peer_cookie(
        &mut self,
        from: SocketAddr,
        to: u64,
        cookie: Cookie,
    ) -> Disposition {
        let Ok(peer) = self.sessions.find_from(from, to) else {
            return self.sessions.count_drop(DropReason::UnknownSession);
        };
        let is_asked = self.sessions.at(peer).phase() == Phase::Handshaking;
        if peer == SERVER || !is_asked || self.sessions.has_proof(peer, cookie) {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        self.call_with(peer, Some(cookie));
        self.reschedule(peer);
        Disposition::Accepted
    }

    /// Returns whether the request for a session may go to a peer, which did not answer yet.
    pub(super) fn may_request(&mut self, peer: u32) -> bool {
        let (earlier, now) = (self.sessions.at(peer).requests(), self.sessions.now());
        peer == SERVER || self.call_limits.may_request(earlier, now)
    }

    //= PROTOCOL.md#4.6
    fn answer_call(
        &mut self,
        from: SocketAddr,
        request: &Request<'_>,
        call: &PeerHello<'_>,
        responder: Responder,
    ) -> Disposition {
        if call.to != self.name.as_str() {
            // The caller's roster has the key of this client under another name.
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        let Some(peer) = self.peers.find(call.from.as_bytes()) else {
            return self.unknown_caller(call);
        };
        let slot = self.peers.at(peer);
        if slot.listing().incarnation() != call.from_incarnation || !slot.listing().is_listed() {
            return self.unknown_caller(call);
        }
        if slot.key().is_foreign() || *slot.key().get() != responder.remote() {
            return self.sessions.count_drop(DropReason::ForeignKey);
        }
        //= PROTOCOL.md#11.7
        if self.is_ignored(peer) {
            return self.sessions.count_drop(DropReason::IgnoredKey);
        }
        if !slot.listing().address().is(from) {
            return self.sessions.count_drop(DropReason::WrongAddress);
        }
        if !slot.is_new_call(call.session_sequence) {
            return self.sessions.count_drop(DropReason::Duplicate);
        }
        // Both sides called at the same time: the call of the higher incarnation wins (as in RFC
        // 4271, section 6.8).
        if self.sessions.at(peer).phase() == Phase::Handshaking
            && self.incarnation > call.from_incarnation
        {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        let terms = Terms {
            window: self.window,
            ..Terms::default()
        };
        let other = PeerParameters {
            id: request.id,
            window: call.window,
            reset: call.reset,
        };
        let is_accepted = self
            .sessions
            .accept(peer, from.into(), other, request, responder, terms);
        if !is_accepted {
            return self.sessions.count_drop(DropReason::BadTag);
        }
        let slot = self.peers.at_mut(peer);
        slot.note_call(call.session_sequence);
        slot.route_mut().note_session();
        let connection = self.sessions.at_mut(peer);
        connection.confirm();
        // Another party may have sent the call from there.
        connection.doubt_path();
        self.session_changed(peer);
        Disposition::Accepted
    }

    /// Drops the call. Looks the caller up if the roster is partial; the caller will repeat its
    /// request.
    fn unknown_caller(&mut self, call: &PeerHello<'_>) -> Disposition {
        if self.table.is_partial() {
            self.look_up_caller(call.from);
        }
        self.sessions.count_drop(DropReason::UnknownPeer)
    }

    /// Handles an Accept of the server or of a peer.
    pub(super) fn take_accept(&mut self, from: SocketAddr, to: u64, message: &[u8]) -> Disposition {
        let peer = match self.sessions.find_from(from, to) {
            Ok(peer) => peer,
            Err(reason) => return self.sessions.count_drop(reason),
        };
        if self.sessions.at(peer).phase() != Phase::Handshaking {
            return self.sessions.count_drop(DropReason::Duplicate);
        }
        let recipient = self.recipient(peer);
        match self.sessions.complete(peer, recipient.as_ref(), message) {
            Err(reason) => self.sessions.count_drop(reason),
            Ok(Answer::Refused(reason)) if peer == SERVER => self.refused(reason),
            Ok(Answer::Refused(_)) => self.sessions.count_drop(DropReason::Unexpected),
            Ok(Answer::Accepted(accept)) => {
                self.session_changed(peer);
                if peer == SERVER {
                    return self.take_server_accept(&accept);
                }
                self.peers.at_mut(peer).route_mut().note_answer();
                if cfg!(feature = "call-guard") && self.sessions.at(peer).outstanding() == 0 {
                    // The peer sends nothing before it hears from this address.
                    self.sessions.at_mut(peer).ack_now();
                    self.reschedule(peer);
                }
                Disposition::Accepted
            }
        }
    }

    /// Handles a Refuse of a peer: another process is at its address.
    pub(super) fn take_peer_refusal(
        &mut self,
        from: SocketAddr,
        to: u64,
        reason: Refusal,
    ) -> Disposition {
        let Ok(peer) = self.sessions.find_from(from, to) else {
            return self.sessions.count_drop(DropReason::UnknownSession);
        };
        let connection = self.sessions.at(peer);
        if peer == SERVER || connection.phase() != Phase::Handshaking || reason != Refusal::NotMe {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        self.peer_silent(peer);
        Disposition::Accepted
    }
}
