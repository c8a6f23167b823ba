//! The session with the server: registration, keep-alives, silence.

use core::net::SocketAddr;

use crate::client::command::{CommandError, CommandId};
use crate::client::event::ClientEvent;
use crate::client::event::Request;
use crate::client::machine::Client;
use crate::client::notices::Final;
use crate::client::peers::SERVER;
use crate::crypto::{FIRST_PAYLOAD_MAX, PublicKey};
use crate::drop_reason::{Disposition, DropReason};
use crate::session::connection::Phase;
use crate::wire::{Accept, ClientHello, Cookie, Refusal, VERSION};

impl Client<'_> {
    /// Starts a registration.
    pub(super) fn register(&mut self) -> Result<CommandId, CommandError> {
        if self.registration.is_in_room() {
            return Err(CommandError::AlreadyRegistered);
        }
        if self.events.has_reports() {
            return Err(CommandError::Busy);
        }
        let id = self.outbox.number().ok_or(CommandError::NumbersUsedUp)?;
        self.registration.start(id, self.sessions.now());
        self.server.end_search();
        self.open_server();
        Ok(id)
    }

    /// Asks the server for a new session, and queues requests without a result again.
    pub(super) fn open_server(&mut self) {
        self.repeat_requests();
        self.ask_server();
    }

    /// Starts a handshake with a ClientHello, or a CookieRequest if there is no cookie. Each has an
    /// ephemeral key of its own.
    fn ask_server(&mut self) {
        if let Some((_, key)) = self.server.hello() {
            let is_proved = self.server.is_proved();
            self.sessions.handshakes().join(&key, is_proved);
        }
        self.session_sequence = self.session_sequence.wrapping_add(1);
        let reset = self.sessions.request(SERVER, self.server.address().into());
        self.session_changed(SERVER);
        let Some(recipient) = self.recipient(SERVER).filter(|(_, key)| !key.is_none()) else {
            return;
        };
        let hello = ClientHello {
            incarnation: self.incarnation,
            table_epoch: self.table.epoch(),
            epoch: self.server_log.epoch(),
            mail_shown: self.server_log.mail_shown(),
            channel_shown: self.server_log.channel_shown(),
            table_version: self.table.version(),
            // Without the slot of the server.
            table_capacity: self.peers.capacity(),
            session_sequence: self.session_sequence,
            window: self.window,
            reset,
            name: self.name.as_str(),
        };
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let payload = postcard::to_slice(&hello, &mut payload).unwrap_or_default();
        self.sessions.offer(SERVER, payload, &recipient);
    }

    /// Returns whether the server wrote this to its session: it has the id, and the address is the
    /// server's, or may be.
    fn is_server(&self, from: SocketAddr, to: u64) -> bool {
        let connection = self.sessions.at(SERVER);
        connection.local_id() == to && (connection.remote().is(from) || self.server.is_searched())
    }

    /// Handles a Cookie, for a handshake or for a migration.
    //= PROTOCOL.md#4.8
    pub(super) fn take_cookie(
        &mut self,
        from: SocketAddr,
        to: u64,
        cookie: Cookie,
        key: Option<PublicKey>,
    ) -> Disposition {
        if !self.is_server(from, to) {
            return if cfg!(feature = "call-guard") && key.is_none() {
                self.take_peer_cookie(from, to, cookie)
            } else {
                self.sessions.count_drop(DropReason::UnknownSession)
            };
        }
        match (self.sessions.at(SERVER).phase(), key) {
            (Phase::Open, None) => {
                // The address of this client has changed, which only the server sees.
                self.server.set_path_cookie(cookie);
                self.sessions.at_mut(SERVER).ack_now();
                self.inbox.forbid_ack_delay(SERVER);
                self.reschedule(SERVER);
            }
            // The session is old, and this client has asked for the cookie.
            (Phase::Open, Some(key))
                if self.registration.is_active()
                    && self.sessions.is_worn(SERVER, self.renew_ms)
                    && self.server.take_cookie(cookie, key) =>
            {
                self.open_server();
            }
            (Phase::Handshaking, Some(key)) if self.server.take_cookie(cookie, key) => {
                self.server.answer_from(from);
                self.ask_server();
            }
            (Phase::Handshaking, Some(key)) => self.end(ClientEvent::ServerKeyChanged { key }),
            _ => return self.sessions.count_drop(DropReason::Unexpected),
        }
        Disposition::Accepted
    }

    /// Handles the Accept of the server.
    pub(super) fn take_server_accept(&mut self, accept: &Accept) -> Disposition {
        if let Some(key) = self.server.prove() {
            self.sessions.handshakes().join(&key, true);
        }
        // The server tells the room of this client once it was heard in the session.
        //= PROTOCOL.md#4.7
        self.sessions.at_mut(SERVER).probe();
        self.reschedule(SERVER);
        self.server.end_search();
        //= PROTOCOL.md#10.5
        if self.server_log.epoch() != accept.epoch || self.table.is_partial() {
            self.forget_kept();
        }
        if self.table.epoch() != accept.table_epoch {
            self.publish_medium_key_again();
        }
        self.server_log.start_session(accept.epoch);
        self.table.start_session(accept.table_epoch);
        self.events.note_throttled(false);
        self.events.contact_mut().answer(self.sessions.now());
        if self.registration.accept(self.sessions.now()) {
            self.events.report(ClientEvent::Registered);
        }
        Disposition::Accepted
    }

    /// Handles a Refuse, of the server or of a peer.
    pub(super) fn take_refusal(
        &mut self,
        from: SocketAddr,
        to: u64,
        reason: Refusal,
    ) -> Disposition {
        let phase = self.sessions.at(SERVER).phase();
        if !self.is_server(from, to) || phase == Phase::Closed {
            return self.take_peer_refusal(from, to, reason);
        }
        match reason {
            Refusal::Wait | Refusal::RateExceeded if phase == Phase::Handshaking => {
                if reason == Refusal::RateExceeded {
                    self.events.note_throttled(true);
                }
                self.server.answer_from(from);
                self.sessions.at_mut(SERVER).set_remote(from.into());
                self.sessions.ask_later(SERVER);
                self.reschedule(SERVER);
            }
            // A final refusal counts only if the server's key authenticates it.
            _ => return self.sessions.count_drop(DropReason::Unexpected),
        }
        Disposition::Accepted
    }

    /// Handles an authenticated refusal of the server: the client ends.
    pub(super) fn refused(&mut self, reason: Refusal) -> Disposition {
        if reason.is_unauthenticated() {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        self.end(ClientEvent::Refused { reason });
        Disposition::Accepted
    }

    /// Handles Unsupported: the server has another version. It answers only a handshake so, and not
    /// in a closed room. A server that answered in a session has this version.
    //= PROTOCOL.md#17.1
    pub(super) fn take_unsupported(
        &mut self,
        from: SocketAddr,
        version: u8,
        echo: u64,
    ) -> Disposition {
        if version == VERSION {
            // The version byte of this client's datagram was damaged in transit.
            return self.sessions.count_drop(DropReason::Malformed);
        }
        let asked = self.sessions.at(SERVER).phase() == Phase::Handshaking;
        if !asked || !self.is_server(from, echo) {
            return self.sessions.count_drop(DropReason::UnknownSession);
        }
        if self.sessions.identity().is_closed() {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        self.end(ClientEvent::ForeignVersion { version });
        Disposition::Accepted
    }

    /// Handles a Reset of the server: it has restarted, or considers this client gone.
    pub(super) fn take_server_reset(&mut self) {
        if self.registration.is_in_room() {
            self.open_server();
        } else {
            self.close_connection(SERVER);
        }
    }

    /// Ends this client for good, and settles all commands.
    fn end(&mut self, report: ClientEvent<'static>) {
        self.registration.end();
        self.close_connection(SERVER);
        self.fail_requests();
        self.fail_waiting();
        for peer in self.peers.used() {
            self.close_connection(peer);
            self.abandon_messages(peer);
        }
        self.events.report(report);
    }

    /// Settles all commands that wait for a registration.
    fn fail_waiting(&mut self) {
        while let Some(slot) = self.registration.pop_waiting(self.outbox.slots()) {
            self.outbox.settle(slot, Final::Offline);
        }
        if let Some(slot) = self.registration.take_leaving() {
            self.outbox.settle(slot, Final::Offline);
        }
    }

    /// Handles a silent server, which did not answer any retransmission.
    pub(super) fn server_silent(&mut self) {
        if self.sessions.at(SERVER).is_open() && self.registration.try_again() {
            return self.open_server();
        }
        self.close_connection(SERVER);
        self.server.discard_unproved_cookie();
        self.server.end_search();
        self.fail_requests();
        if let Some(id) = self.registration.fail() {
            self.events.report(ClientEvent::ServerNotResponding {
                id,
                request: Request::Register,
            });
            self.fail_waiting();
        }
        if self.registration.is_active() {
            self.events.contact_mut().fall_silent();
        }
    }

    /// Completes the registration: the roster has arrived, and waiting commands are sent.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn arrived(&mut self) {
        if self.registration.arrive(self.sessions.now()) {
            self.advance_medium_keys();
            while let Some(slot) = self.registration.pop_waiting(self.outbox.slots()) {
                self.dispatch(slot);
            }
            self.leave_when_settled();
        }
    }

    /// Completes the deregistration.
    pub(super) fn left(&mut self, slot: u32) {
        self.registration.leave();
        // Only lookups of callers can be left.
        self.fail_requests();
        for peer in self.peers.used() {
            self.close_connection(peer);
        }
        self.forget_kept();
        self.outbox.settle(slot, Final::Deregistered);
    }

    /// Settles a deregistration that the server did not answer.
    pub(super) fn leave_failed(&mut self, slot: u32) {
        self.registration.take_leaving();
        self.outbox.settle(slot, Final::Silent(Request::Deregister));
    }

    /// Sends a keep-alive, which the server answers. Without a session, asks for a new one.
    pub(super) fn keep_alive(&mut self) {
        self.registration.restart_keep_alive(self.sessions.now());
        self.close_old_sessions();
        match self.sessions.at(SERVER).phase() {
            Phase::Closed => self.open_server(),
            Phase::Handshaking => {}
            Phase::Accepted | Phase::Open => {
                self.sessions.at_mut(SERVER).probe();
                self.reschedule(SERVER);
            }
        }
        self.advance_medium_keys();
        self.watch_results();
    }

    /// Makes the next keep-alive due sooner while requests wait for results.
    pub(super) fn watch_results(&mut self) {
        if self.requests.awaits_results() {
            self.registration.hasten_keep_alive(self.sessions.now());
        }
    }
}
