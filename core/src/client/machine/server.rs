//! The session with the server: registration, keep-alives, silence.

use core::net::SocketAddr;

use super::frames::Shown;
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
    pub(super) fn register(&mut self) -> Result<CommandId, CommandError> {
        if self.registration.is_in_room() {
            return Err(CommandError::AlreadyRegistered);
        }
        if self.events.has_reports() {
            return Err(CommandError::Busy);
        }
        let id = self.outbox.number();
        self.registration.start(id, self.sessions.now());
        self.open_server();
        Ok(id)
    }

    /// Asks the server for a new session; requests without a result go out again in it.
    pub(super) fn open_server(&mut self) {
        self.repeat_requests();
        self.ask_server();
    }

    /// Sends a ClientHello, or asks for a cookie first. Each is a handshake with an ephemeral key
    /// of its own.
    fn ask_server(&mut self) {
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
            mail_shown: self.server_log.mail(),
            channel_shown: self.server_log.channel(),
            table_version: self.table.version(),
            // The first slot is the session with the server.
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

    //= PROTOCOL.md#4.8
    pub(super) fn take_cookie(
        &mut self,
        from: SocketAddr,
        to: u64,
        cookie: Cookie,
        key: Option<PublicKey>,
    ) -> Disposition {
        let connection = self.sessions.at(SERVER);
        if connection.local_id() != to || *connection.remote() != from.into() {
            return self.sessions.count_drop(DropReason::UnknownSession);
        }
        match (connection.phase(), key) {
            (Phase::Open, None) => {
                // The address of this client has changed, without its knowledge.
                self.server.set_path_cookie(cookie);
                self.sessions.at_mut(SERVER).ack_now();
                self.inbox.hurry(SERVER);
                self.reschedule(SERVER);
            }
            (Phase::Handshaking, Some(key)) if self.server.take_cookie(cookie, key) => {
                self.ask_server();
            }
            (Phase::Handshaking, Some(key)) => self.end(ClientEvent::ServerKeyChanged { key }),
            _ => return self.sessions.count_drop(DropReason::Unexpected),
        }
        Disposition::Accepted
    }

    /// The server has accepted the session that is open now.
    pub(super) fn take_server_accept(&mut self, accept: &Accept) -> Disposition {
        self.server.prove();
        self.server_log.start_session(accept.epoch);
        self.table.start_session(accept.table_epoch);
        self.events.note_throttled(false);
        if self.registration.accept(self.sessions.now()) {
            self.events.report(ClientEvent::Registered);
        }
        Disposition::Accepted
    }

    pub(super) fn take_refusal(
        &mut self,
        from: SocketAddr,
        to: u64,
        reason: Refusal,
    ) -> Disposition {
        let server = &self.sessions.at(SERVER);
        if server.local_id() != to
            || *server.remote() != from.into()
            || server.phase() == Phase::Closed
        {
            return self.take_peer_refusal(from, to, reason);
        }
        match reason {
            Refusal::Wait | Refusal::RateExceeded if server.phase() == Phase::Handshaking => {
                if reason == Refusal::RateExceeded {
                    self.events.note_throttled(true);
                }
                self.sessions.ask_later(SERVER);
                self.reschedule(SERVER);
            }
            // A final refusal is believed only if the server's key authenticates it.
            _ => return self.sessions.count_drop(DropReason::Unexpected),
        }
        Disposition::Accepted
    }

    /// The server says, under its key, that there is no place for this client.
    pub(super) fn refused(&mut self, reason: Refusal) -> Disposition {
        if reason.is_unauthenticated() {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        self.end(ClientEvent::Refused { reason });
        Disposition::Accepted
    }

    /// Only a request for a session is answered so, and not in a closed room: a server that
    /// answered in a session speaks this version.
    //= PROTOCOL.md#17.1
    pub(super) fn take_unsupported(
        &mut self,
        from: SocketAddr,
        version: u8,
        echo: u64,
    ) -> Disposition {
        if version == VERSION {
            // The version byte of this client's datagram was damaged on its way.
            return self.sessions.count_drop(DropReason::Malformed);
        }
        let connection = self.sessions.at(SERVER);
        let asked = connection.phase() == Phase::Handshaking && connection.local_id() == echo;
        if !asked || *connection.remote() != from.into() {
            return self.sessions.count_drop(DropReason::UnknownSession);
        }
        if self.sessions.identity().is_closed() {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        self.end(ClientEvent::ForeignVersion { version });
        Disposition::Accepted
    }

    /// The server does not know the session: it has restarted, or took this client for gone.
    pub(super) fn take_server_reset(&mut self) {
        if self.registration.is_in_room() {
            self.open_server();
        } else {
            self.close_connection(SERVER);
        }
    }

    /// Nothing more is to be expected of this client.
    fn end(&mut self, report: ClientEvent<'static>) {
        self.registration.end();
        self.close_connection(SERVER);
        self.fail_requests();
        self.turn_away();
        for peer in self.peers.used() {
            self.close_connection(peer);
            self.abandon_messages(peer);
        }
        self.events.report(report);
    }

    /// There is no registration that commands could wait for.
    fn turn_away(&mut self) {
        while let Some(slot) = self.registration.pop_held(self.outbox.slots()) {
            self.outbox.settle(slot, Final::Offline);
        }
        if let Some(slot) = self.registration.take_leaving() {
            self.outbox.settle(slot, Final::Offline);
        }
    }

    /// All retries to the server are used up.
    pub(super) fn server_silent(&mut self) {
        if self.sessions.at(SERVER).is_open() && self.registration.try_again() {
            return self.open_server();
        }
        self.close_connection(SERVER);
        self.server.doubt();
        self.fail_requests();
        if let Some(id) = self.registration.fail() {
            self.events.report(ClientEvent::ServerNotResponding {
                id,
                request: Request::Register,
            });
            self.turn_away();
        }
    }

    /// The table is complete: the registration is done, and what was typed meanwhile may go.
    pub(super) fn arrived(&mut self) -> Shown {
        if self.registration.arrive() {
            while let Some(slot) = self.registration.pop_held(self.outbox.slots()) {
                self.dispatch(slot);
            }
            self.leave_when_settled();
        }
        Shown::TableUpdated
    }

    /// The server removed this client from the roster.
    pub(super) fn left(&mut self, slot: u32) {
        self.registration.leave();
        // Nothing but questions about callers can be left.
        self.fail_requests();
        for peer in self.peers.used() {
            self.close_connection(peer);
        }
        self.outbox.settle(slot, Final::Deregistered);
    }

    pub(super) fn leave_failed(&mut self, slot: u32) {
        self.registration.take_leaving();
        self.outbox.settle(slot, Final::Silent(Request::Deregister));
    }

    /// Sends a keep-alive, which the server answers; or tries quietly to get the session back.
    pub(super) fn keep_alive(&mut self) {
        self.registration.restart_keep_alive(self.sessions.now());
        match self.sessions.at(SERVER).phase() {
            Phase::Closed => self.open_server(),
            Phase::Handshaking => {}
            Phase::Accepted | Phase::Open => {
                self.sessions.at_mut(SERVER).probe();
                self.reschedule(SERVER);
            }
        }
        self.watch_results();
    }

    /// While results are awaited, the next keep-alive is due sooner.
    pub(super) fn watch_results(&mut self) {
        if self.requests.awaits_results() {
            self.registration.hasten_keep_alive(self.sessions.now());
        }
    }
}
