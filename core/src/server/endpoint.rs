//! A server as an endpoint: datagrams and time in, datagrams out.

use core::net::SocketAddr;

use super::Server;
use super::event::Departure;
use super::event_queue::Pending;
use crate::driver::{Endpoint, Transmit};
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::connection::Expired;
use crate::session::key_log::LoggedKey;
use crate::session::reply::Reply;
use crate::time::Instant;
use crate::wire::Datagram;

/// Timers that one call of `handle_timeout` runs at most: it bounds the events that one input can
/// cause.
const TIMERS_PER_CALL: usize = 8;

impl Endpoint for Server<'_> {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        self.note_time(now);
        self.stats.received.count_bytes(datagram.len());
        let parsed = Datagram::parse(&self.identity, datagram);
        if parsed.is_ok() {
            self.stats.received.count_kind(datagram);
        }
        match parsed {
            Ok(Datagram::Data { to, .. }) => self.take_data(from, to, datagram),
            Ok(Datagram::CookieRequest { id }) => self.take_cookie_request(from, id),
            Ok(Datagram::Hello(hello)) => self.take_hello(from, &hello),
            Ok(Datagram::Reset { echo, token }) => self.take_reset(from, echo, token),
            Ok(_) => self.stats.drop(DropReason::Unexpected),
            Err(reason) => {
                if reason == DropReason::ForeignVersion {
                    self.answer(Reply::foreign_version(&self.identity, from, datagram));
                    let version = datagram.first().copied().unwrap_or_default();
                    let event = Pending::ForeignVersion {
                        address: from,
                        version,
                    };
                    self.events.push_sparingly(event, self.now);
                }
                self.stats.drop(reason)
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.note_time(now);
        for _ in 0..TIMERS_PER_CALL {
            let Some(slot) = self.liveness.silent(self.roster.slots(), self.now) else {
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
            let Some(slot) = self.held.first() else {
                break;
            };
            if self.roster.at(slot).held_until > self.now {
                break;
            }
            self.sessions.at_mut(slot).flush_ack();
            self.attend(slot);
        }
        for _ in 0..TIMERS_PER_CALL {
            let Some((slot, deadline)) = self.sessions.first_deadline() else {
                break;
            };
            if deadline.is_some_and(|deadline| deadline > self.now) {
                break;
            }
            let (now, woke_at, retry) = (self.now, self.woke_at, self.retry);
            match self
                .sessions
                .at_mut(slot)
                .expire(now, woke_at, retry, &mut self.stats)
            {
                Expired::Waits => self.attend(slot),
                Expired::GaveUp => self.depart(slot, Departure::Silent),
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
            || self.most_behind().is_some()
            || !self.events.is_empty()
            || self.journal.is_due(&self.channel, &self.mail, self.now);
        if waiting {
            return Some(self.now);
        }
        let deadline = self
            .sessions
            .first_deadline()
            .and_then(|(_, deadline)| deadline);
        let names = self.roster.slots();
        [
            deadline,
            self.held.first().map(|slot| names.at(slot).held_until),
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
        self.key_log.pop()
    }
}
