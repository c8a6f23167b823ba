//! The session with the server: registration, signs of life, silence.

use core::net::SocketAddr;

use super::command::{CommandError, CommandId};
use super::event::Request;
use super::outbox::Final;
use super::{Client, ClientEvent, SERVER};
use crate::crypto::{FIRST_PAYLOAD_MAX, PublicKey, SessionKeys};
use crate::drop_reason::{Disposition, DropReason};
use crate::session::connection::{PeerParameters, Phase};
use crate::session::key_log::Noted;
use crate::wire::{Accept, Cookie, Hello, Refusal, VERSION};

/// How long a result may be out before the server is asked for a sign of life.
const RESULT_PATIENCE_MS: u64 = 2_000;

/// Where a client stands with the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Never registered.
    New,
    /// A registration was asked for.
    Registering(CommandId),
    /// The registration was accepted; what was kept comes first, then the table.
    Arriving(CommandId),
    /// The table has arrived. Stays so while the server is down: peers chat on.
    Active,
    /// Deregistered.
    Left,
    /// Refused or displaced, for good.
    Ended,
}

impl Standing {
    pub(crate) fn is_active(self) -> bool {
        self == Self::Active
    }

    pub(crate) fn is_on_the_way(self) -> bool {
        matches!(self, Self::Registering(_) | Self::Arriving(_))
    }

    pub(crate) fn is_in_room(self) -> bool {
        self.is_active() || self.is_on_the_way()
    }
}

impl Client<'_> {
    pub(super) fn register(&mut self) -> Result<CommandId, CommandError> {
        if self.standing.is_in_room() {
            return Err(CommandError::AlreadyRegistered);
        }
        if !self.reports.is_empty() {
            return Err(CommandError::Busy);
        }
        self.commands = self.commands.wrapping_add(1);
        let id = CommandId(self.commands);
        self.standing = Standing::Registering(id);
        self.renewed = false;
        self.keep_alive_at = self.now.plus_millis(self.keep_alive_ms);
        self.open_server();
        Ok(id)
    }

    /// Asks the server for a new session; requests without a result go out again in it.
    pub(super) fn open_server(&mut self) {
        self.repeat_requests();
        self.ask_server();
    }

    /// Says hello, or where there is no cookie, asks for one first. Each hello is a handshake of its own: what has been
    /// said under one ephemeral key stays as it is.
    fn ask_server(&mut self) {
        self.openings = self.openings.wrapping_add(1);
        let id = self.entropy.draw();
        let server = self.server.into();
        self.change_connection(SERVER, |connection| connection.open(id, server));
        if self.cookie.is_none() || self.server_key.is_none() {
            return;
        }
        let ephemeral = self.entropy.secret();
        let hello = Hello {
            incarnation: self.incarnation,
            table_epoch: self.table.epoch(),
            epoch: self.server_log.epoch(),
            mail_shown: self.server_log.mail(),
            channel_shown: self.server_log.channel(),
            table_version: self.table.version(),
            // The first slot is the session with the server.
            table_capacity: self.peers.len() - 1,
            opening: self.openings,
            window: self.window,
            reset: self.identity.reset_token(id),
            name: self.name.as_str(),
        };
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let payload = postcard::to_slice(&hello, &mut payload).unwrap_or_default();
        self.sessions.at_mut(SERVER).offer(&ephemeral, payload);
        self.note_asked(SERVER, None);
    }

    pub(super) fn take_cookie(
        &mut self,
        from: SocketAddr,
        to: u64,
        cookie: Cookie,
        key: Option<PublicKey>,
    ) -> Disposition {
        let connection = self.sessions.at(SERVER);
        if connection.local_id() != to || *connection.remote() != from.into() {
            return self.stats.drop(DropReason::UnknownSession);
        }
        match (connection.phase(), key) {
            (Phase::Open, None) => {
                // Our address has changed, without our knowing.
                self.path_cookie = Some(cookie);
                self.sessions.at_mut(SERVER).ack_now();
                self.inbox.owes_at_once(SERVER);
                self.attend(SERVER);
            }
            (Phase::Opening, Some(key)) if self.server_key_proved && key != self.server_key => {
                self.end(ClientEvent::ServerKeyChanged { key });
            }
            (Phase::Opening, Some(key)) => {
                self.server_key = key;
                self.cookie = Some(cookie);
                self.ask_server();
            }
            _ => return self.stats.drop(DropReason::Unexpected),
        }
        Disposition::Accepted
    }

    pub(super) fn take_server_accept(
        &mut self,
        accept: &Accept,
        session: SessionKeys,
    ) -> Disposition {
        let other = PeerParameters::from(accept);
        self.change_connection(SERVER, |connection| connection.opened(other, session));
        self.key_log.note(&Noted::Session(self.sessions.at(SERVER)));
        self.server_key_untold |= !core::mem::replace(&mut self.server_key_proved, true);
        self.path_cookie = None;
        self.server_log.start_session(accept.epoch);
        self.table.start_session(accept.table_epoch);
        self.note_throttled(false);
        self.keep_alive_at = self.now.plus_millis(self.keep_alive_ms);
        if let Standing::Registering(id) = self.standing {
            self.standing = Standing::Arriving(id);
            if !self.registered_before {
                self.registered_before = true;
                self.report(ClientEvent::Registered);
            }
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
            Refusal::Wait | Refusal::RateExceeded if server.phase() == Phase::Opening => {
                if reason == Refusal::RateExceeded {
                    self.note_throttled(true);
                }
                let (now, retry) = (self.now, self.retry);
                self.sessions.at_mut(SERVER).ask_later(now, retry);
                self.attend(SERVER);
            }
            // What is final is believed only if the server's key has sealed it.
            _ => return self.stats.drop(DropReason::Unexpected),
        }
        Disposition::Accepted
    }

    /// The server says, under its key, that there is no place here for this client.
    pub(super) fn refused(&mut self, reason: Refusal) -> Disposition {
        if reason.is_hint() {
            return self.stats.drop(DropReason::Unexpected);
        }
        self.end(ClientEvent::Refused { reason });
        Disposition::Accepted
    }

    /// The server takes what is asked of it, or it does not at the moment.
    pub(super) fn note_throttled(&mut self, throttled: bool) {
        let before = core::mem::replace(&mut self.throttled, throttled);
        self.throttled_untold |= throttled && !before;
    }

    /// Whoever answered in a session speaks our version: only a request for one is answered so, and nobody answers it so
    /// in a closed room.
    pub(super) fn take_unsupported(
        &mut self,
        from: SocketAddr,
        version: u8,
        echo: u64,
    ) -> Disposition {
        if version == VERSION {
            // The version byte of our datagram was damaged on its way.
            return self.stats.drop(DropReason::Malformed);
        }
        let connection = self.sessions.at(SERVER);
        let asked = connection.phase() == Phase::Opening && connection.local_id() == echo;
        if !asked || *connection.remote() != from.into() {
            return self.stats.drop(DropReason::UnknownSession);
        }
        if self.identity.is_closed() {
            return self.stats.drop(DropReason::Unexpected);
        }
        self.end(ClientEvent::ForeignVersion { version });
        Disposition::Accepted
    }

    /// The server does not know our session: it started anew, or took us for gone.
    pub(super) fn take_server_reset(&mut self) {
        if self.standing.is_in_room() {
            self.open_server();
        } else {
            self.close_connection(SERVER);
        }
    }

    /// Nothing more is to be expected of this client.
    fn end(&mut self, report: ClientEvent<'static>) {
        self.standing = Standing::Ended;
        self.close_connection(SERVER);
        self.fail_requests();
        self.turn_away();
        for peer in 1..self.fresh_peers {
            self.close_connection(peer);
            self.abandon_messages(peer);
        }
        self.report(report);
    }

    /// There is no registration that commands could wait for.
    fn turn_away(&mut self) {
        while let Some(slot) = self.early.pop(&self.outbox) {
            self.settle(slot, Final::Offline);
        }
        if let Some(slot) = self.leaving.take() {
            self.settle(slot, Final::Offline);
        }
    }

    /// All retries to the server are used up.
    pub(super) fn server_silent(&mut self) {
        if let Standing::Arriving(id) = self.standing
            && self.sessions.at(SERVER).is_open()
            && !core::mem::replace(&mut self.renewed, true)
        {
            // In a closed room nobody says that a session is gone: a registration asks for another one, once.
            self.standing = Standing::Registering(id);
            return self.open_server();
        }
        self.close_connection(SERVER);
        if !self.server_key_proved {
            // Perhaps it was not the server who said what its key is.
            self.cookie = None;
        }
        self.fail_requests();
        if let Standing::Registering(id) | Standing::Arriving(id) = self.standing {
            self.standing = if self.registered_before {
                Standing::Left
            } else {
                Standing::New
            };
            self.report(ClientEvent::ServerNotResponding {
                id,
                request: Request::Register,
            });
            self.turn_away();
        }
    }

    /// The table is complete: the registration is done, and what was typed meanwhile may go.
    pub(super) fn arrived(&mut self) {
        if let Standing::Arriving(_) = self.standing {
            self.standing = Standing::Active;
            while let Some(slot) = self.early.pop(&self.outbox) {
                self.dispatch(slot);
            }
            self.leave_when_settled();
        }
    }

    /// The server took us off the table.
    pub(super) fn left(&mut self, slot: u32) {
        self.leaving = None;
        self.standing = Standing::Left;
        // Nothing but questions about callers can be left.
        self.fail_requests();
        for peer in 1..self.fresh_peers {
            self.close_connection(peer);
        }
        self.settle(slot, Final::Deregistered);
    }

    pub(super) fn leave_failed(&mut self, slot: u32) {
        self.leaving = None;
        self.settle(slot, Final::Silent(Request::Deregister));
    }

    /// A sign of life, answered by the server; or a quiet attempt to get the session back.
    pub(super) fn keep_alive(&mut self) {
        self.keep_alive_at = self.now.plus_millis(self.keep_alive_ms);
        match self.sessions.at(SERVER).phase() {
            Phase::Closed => self.open_server(),
            Phase::Opening => {}
            Phase::Open => {
                self.sessions.at_mut(SERVER).probe();
                self.attend(SERVER);
            }
        }
        self.watch_results();
    }

    /// While results are awaited, signs of life are asked for sooner.
    pub(super) fn watch_results(&mut self) {
        if self.awaits_results() {
            self.keep_alive_at = self
                .keep_alive_at
                .min(self.now.plus_millis(RESULT_PATIENCE_MS));
        }
    }

    pub(super) fn report(&mut self, report: ClientEvent<'static>) {
        if self.reports.push_back(report).is_err() {
            debug_assert!(false, "more reports than one input can cause");
        }
    }
}
