//! The client as an [`Endpoint`]: datagrams and time in, datagrams out.

use core::net::SocketAddr;

use crate::client::machine::Client;
use crate::client::peers::SERVER;
use crate::driver::Endpoint;
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::connection::Expired;
use crate::session::key_log::LoggedKey;
use crate::time::Instant;
use crate::transmit::Transmit;
use crate::wire::Datagram;

impl Endpoint for Client<'_> {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        self.sessions.on_datagram(now, datagram.len());
        if self.registration.has_ended() {
            return self.sessions.count_drop(DropReason::Unexpected);
        }
        match self.sessions.parse(from, datagram) {
            Ok(Datagram::Data { to, .. }) => self.take_data(from, to, datagram),
            Ok(Datagram::PeerHello(call)) => self.take_call(from, &call),
            Ok(Datagram::Accept { to, message }) => self.take_accept(from, to, message),
            Ok(Datagram::Refuse { to, reason }) => self.take_refusal(from, to, reason),
            Ok(Datagram::Reset { echo, token }) => self.take_reset(from, echo, token),
            Ok(Datagram::Cookie { to, cookie, key }) => self.take_cookie(from, to, cookie, key),
            Ok(Datagram::Unsupported { version, echo }) => {
                self.take_unsupported(from, version, echo)
            }
            Ok(_) => self.sessions.count_drop(DropReason::Unexpected),
            Err(reason) => self.sessions.count_drop(reason),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.sessions.advance(now);
        if let Some(due) = self.registration.keep_alive_at()
            && due <= self.sessions.now()
        {
            self.keep_alive();
        }
        if let Some(peer) = self.sessions.flush_next() {
            self.reschedule(peer);
        }
        while let Some((peer, expired)) = self.sessions.expire_next() {
            match expired {
                Expired::Waits => self.reschedule(peer),
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
        // The frames of all earlier calls were below this one.
        self.sessions.wipe_stack();
        self.sessions.advance(now);
        let has_output = self.sessions.has_output();
        let transmit = has_output.then(|| self.transmit(out)).flatten();
        if transmit.is_none() {
            self.receipts.note_sent();
        }
        transmit
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.sessions.has_output()
            || !self.events.is_empty()
            || self.outbox.has_notices()
            || (!self.inbox.is_empty() && !self.receipts.is_blocked());
        if waiting {
            return Some(self.sessions.now());
        }
        let keep_alive = self.registration.keep_alive_at();
        match (self.sessions.next_deadline(), keep_alive) {
            (Some(deadline), Some(keep_alive)) => Some(deadline.min(keep_alive)),
            (deadline, keep_alive) => deadline.or(keep_alive),
        }
    }

    fn poll_key_log(&mut self) -> Option<LoggedKey> {
        self.sessions.handshakes().key_log().pop()
    }
}
