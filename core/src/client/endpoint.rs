//! The client as those who run it see it: datagrams, time, and when it wants to be told the time.

use core::net::SocketAddr;

use super::machine::Client;
use super::peers::SERVER;
use crate::driver::{Endpoint, Transmit};
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::connection::Expired;
use crate::session::key_log::LoggedKey;
use crate::session::reply::Reply;
use crate::time::Instant;
use crate::wire::Datagram;

impl Endpoint for Client<'_> {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        self.note_time(now);
        self.stats.received.count_bytes(datagram.len());
        if self.registration.has_ended() {
            return self.stats.drop(DropReason::Unexpected);
        }
        let parsed = Datagram::parse(&self.identity, datagram);
        if parsed.is_ok() {
            self.stats.received.count_kind(datagram);
        }
        match parsed {
            Ok(Datagram::Data { to, .. }) => self.take_data(from, to, datagram),
            Ok(Datagram::Call(call)) => self.take_call(from, &call),
            Ok(Datagram::Accept { to, message }) => self.take_accept(from, to, message),
            Ok(Datagram::Refuse { to, reason }) => self.take_refusal(from, to, reason),
            Ok(Datagram::Reset { echo, token }) => self.take_reset(from, echo, token),
            Ok(Datagram::Cookie { to, cookie, key }) => self.take_cookie(from, to, cookie, key),
            Ok(Datagram::Unsupported { version, echo }) => {
                self.take_unsupported(from, version, echo)
            }
            Ok(_) => self.stats.drop(DropReason::Unexpected),
            Err(reason) => {
                if reason == DropReason::ForeignVersion {
                    self.reply = Reply::foreign_version(&self.identity, from, datagram);
                }
                self.stats.drop(reason)
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.note_time(now);
        if let Some(due) = self.registration.keep_alive_at()
            && due <= self.now
        {
            self.keep_alive();
        }
        if self.held_due().is_some_and(|due| due <= self.now) {
            self.sessions.at_mut(SERVER).flush_ack();
            self.attend(SERVER);
        }
        while let Some((peer, deadline)) = self.sessions.first_deadline() {
            if deadline.is_none_or(|deadline| deadline > self.now) {
                break;
            }
            match self.sessions.at_mut(peer).expire(
                self.now,
                self.woke_at,
                self.retry,
                &mut self.stats,
            ) {
                Expired::Waits => self.attend(peer),
                Expired::GaveUp if peer == SERVER => self.server_silent(),
                Expired::GaveUp => self.peer_silent(peer),
            }
        }
    }

    fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> Option<Transmit> {
        self.note_time(now);
        let transmit = self.transmit(out)?;
        self.stats.sent.count_bytes(transmit.len);
        self.stats.sent.count_kind(out);
        Some(transmit)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.reply.is_some()
            || self.sessions.has_ready()
            || !self.events.is_empty()
            || self.outbox.has_notices()
            || !self.inbox.is_empty();
        if waiting {
            return Some(self.now);
        }
        let deadline = self
            .sessions
            .first_deadline()
            .and_then(|(_, deadline)| deadline);
        let keep_alive = self.registration.keep_alive_at();
        earlier(deadline, earlier(keep_alive, self.held_due()))
    }

    fn poll_key_log(&mut self) -> Option<LoggedKey> {
        self.key_log.pop()
    }
}

impl Client<'_> {
    /// When the acknowledgement that the server is owed goes by itself, if it waits.
    fn held_due(&self) -> Option<Instant> {
        let holds = self.sessions.at(SERVER).is_ack_delayed();
        holds.then_some(self.held_until)
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
