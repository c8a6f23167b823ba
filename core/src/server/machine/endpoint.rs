//! The server as an [`Endpoint`]: datagrams and time in, datagrams out.

use core::net::SocketAddr;

use super::Server;
use crate::driver::Endpoint;
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::server::event::Departure;
use crate::server::event_queue::Pending;
use crate::session::connection::Expired;
use crate::session::key_log::LoggedKey;
use crate::time::Instant;
use crate::transmit::Transmit;
use crate::wire::Datagram;

/// Maximum number of timers of each kind that one call of `handle_timeout` runs. It bounds the
/// events that one input causes.
const TIMERS_PER_CALL: usize = 8;

impl Endpoint for Server<'_> {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        self.sessions.on_datagram(now, datagram.len());
        let parsed = self.sessions.parse(from, datagram);
        match parsed {
            Ok(Datagram::Data { to, .. }) => self.take_data(from, to, datagram),
            Ok(Datagram::CookieRequest { id }) => self.take_cookie_request(from, id),
            Ok(Datagram::ClientHello(hello)) => self.take_hello(from, &hello),
            Ok(Datagram::Reset { echo, token }) => self.take_reset(from, echo, token),
            Ok(_) => self.sessions.count_drop(DropReason::Unexpected),
            Err(reason) => {
                if reason == DropReason::ForeignVersion {
                    let version = datagram.first().copied().unwrap_or_default();
                    let event = Pending::ForeignVersion {
                        address: from.into(),
                        version,
                    };
                    self.events.push_limited(event, self.sessions.now());
                }
                self.sessions.count_drop(reason)
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.sessions.advance(now);
        for _ in 0..TIMERS_PER_CALL {
            let Some(slot) = self
                .liveness
                .silent(self.roster.slots(), self.sessions.now())
            else {
                break;
            };
            self.probe(slot);
        }
        for _ in 0..TIMERS_PER_CALL {
            if !self.expire_one() {
                break;
            }
        }
        for _ in 0..TIMERS_PER_CALL {
            let Some(slot) = self.sessions.flush_next() else {
                break;
            };
            self.reschedule(slot);
        }
        for _ in 0..TIMERS_PER_CALL {
            let Some((slot, expired)) = self.sessions.expire_next() else {
                break;
            };
            match expired {
                Expired::Waits => self.reschedule(slot),
                Expired::GaveUp => self.depart(slot, Departure::Silent),
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
        self.transmit(out)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let (has_result, has_order) = self.admission.restrictions().waiting();
        let waiting = self.sessions.has_output()
            || self.most_behind().is_some()
            || !self.events.is_empty()
            || has_result
            || self
                .journal
                .is_due(&self.channel, &self.mail, has_order, self.sessions.now());
        if waiting {
            return Some(self.sessions.now());
        }
        let names = self.roster.slots();
        [
            self.sessions.next_deadline(),
            self.liveness.deadline(names),
            self.journal.deadline(),
            self.notices.deadline(names),
            self.absence.deadline(names),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn poll_key_log(&mut self) -> Option<LoggedKey> {
        self.sessions.handshakes().key_log().pop()
    }
}
