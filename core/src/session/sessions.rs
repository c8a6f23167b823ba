//! The sessions of one socket: the engine that client and server share. Its owner interprets the
//! frames, and decides which sessions to accept.

mod handshaking;
mod proof;
mod renewal;

use core::net::SocketAddr;

use super::clock::Clock;
use super::connection::{Connection, Expired, Needs, Phase};
use super::connections::{Connections, Side};
use super::cookies::Cookies;
use super::handshakes::Handshakes;
use super::lifetime::is_over;
use super::received::{Received, Repeated};
use super::reply::Reply;
use crate::address::PackedAddress;
use crate::crypto::{Identity, PublicKey, TAG_LEN};
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::retry::RetryPolicy;
use crate::stats::Stats;
use crate::time::Instant;
use crate::transmit::Transmit;
use crate::wire::{Cookie, DataWriter, Datagram, Header, Refusal, open_in};

/// All sessions of one socket. The methods on the path of every datagram are inlined: each machine
/// calls them in one place, and inlining saves copies of their results.
pub(crate) struct Sessions<'a> {
    connections: Connections<'a>,
    handshakes: Handshakes<'a>,
    clock: Clock,
    /// Validates a new address of a peer; `None` if sessions cannot migrate.
    cookies: Option<Cookies>,
    /// A stateless answer that waits to be polled.
    reply: Option<Reply>,
    /// Copies of keys may be on the stack below the frames in use.
    leaves_keys: bool,
    stats: Stats,
}

impl<'a> Sessions<'a> {
    /// Creates the engine, without sessions. With `cookies`, sessions can migrate to new addresses.
    pub(crate) fn new(
        connections: Connections<'a>,
        handshakes: Handshakes<'a>,
        clock: Clock,
        cookies: Option<Cookies>,
    ) -> Self {
        Self {
            connections,
            handshakes,
            clock,
            cookies,
            reply: None,
            leaves_keys: true,
            stats: Stats::default(),
        }
    }

    pub(crate) fn identity(&self) -> &Identity {
        self.handshakes.identity()
    }

    /// Returns the handshakes, which read and accept requests, and have the key log.
    pub(crate) fn handshakes(&mut self) -> &mut Handshakes<'a> {
        &mut self.handshakes
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    pub(crate) fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// Counts a reason why an input had no effect; returns the result for the caller.
    pub(crate) fn count_drop(&mut self, reason: DropReason) -> Disposition {
        self.stats.count_drop(reason)
    }

    pub(crate) fn at(&self, slot: u32) -> &Connection {
        self.connections.at(slot)
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut Connection {
        self.connections.at_mut(slot)
    }

    /// Returns the session with this local id and this address of its peer.
    pub(crate) fn find_from(&self, from: SocketAddr, to: u64) -> Result<u32, DropReason> {
        let found = self.connections.find(Side::Local, to);
        let slot = found.ok_or(DropReason::UnknownSession)?;
        if !self.at(slot).remote().is(from) {
            return Err(DropReason::WrongAddress);
        }
        Ok(slot)
    }

    /// Resets a slot that was never used before. The owner uses new slots in their order.
    pub(crate) fn prepare(&mut self, slot: u32) {
        self.connections.prepare(slot);
    }

    /// Changes the session in a slot and keeps the index in step.
    pub(crate) fn change(&mut self, slot: u32, change: impl FnOnce(&mut Connection)) {
        self.leaves_keys = true;
        self.connections.unlist(slot);
        change(self.connections.at_mut(slot));
        self.connections.list(slot);
    }

    /// Overwrites the copies of keys on the stack below the caller, if a session has ended since
    /// the last call.
    #[inline(always)]
    pub(crate) fn wipe_stack(&mut self) {
        if cfg!(feature = "wipe-stack") && self.leaves_keys {
            self.leaves_keys = false;
            self.identity().suite().wipe_stack();
        }
    }

    // ---- time ----

    /// Sets the current time.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.clock.advance(now);
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn retry(&self) -> RetryPolicy {
        self.clock.retry()
    }

    /// Returns when the next acknowledgement or retransmission is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let deadline = self.connections.first_deadline().and_then(|(_, at)| at);
        let delayed = self.connections.first_delayed().map(|(_, until)| until);
        [deadline, delayed].into_iter().flatten().min()
    }

    /// Flushes the next acknowledgement whose delay is over; the owner reschedules the session.
    pub(crate) fn flush_next(&mut self) -> Option<u32> {
        let (slot, until) = self.connections.first_delayed()?;
        if until > self.clock.now() {
            return None;
        }
        self.connections.at_mut(slot).flush_ack();
        Some(slot)
    }

    /// Acts on the next deadline that has passed; the owner reschedules or ends the session.
    pub(crate) fn expire_next(&mut self) -> Option<(u32, Expired)> {
        let (slot, deadline) = self.connections.first_deadline()?;
        let (now, woke_at, retry) = (self.clock.now(), self.clock.woke_at(), self.clock.retry());
        if deadline.is_some_and(|deadline| deadline > now) {
            return None;
        }
        let connection = self.connections.at_mut(slot);
        Some((
            slot,
            connection.expire(now, woke_at, retry, &mut self.stats),
        ))
    }

    /// Delays the next repetition of the request for a session by one interval.
    pub(crate) fn ask_later(&mut self, slot: u32) {
        let (now, retry) = (self.clock.now(), self.clock.retry());
        self.connections.at_mut(slot).ask_later(now, retry);
    }

    /// Delays an acknowledgement, so that it can travel with frames.
    pub(crate) fn delay_ack(&mut self, slot: u32) {
        let until = self.clock.delayed();
        self.connections.at_mut(slot).delay_ack(until);
    }

    /// Updates the lists of a session after any change. `needs` spares its owner another look-up.
    #[inline(always)]
    pub(crate) fn reschedule(&mut self, slot: u32, needs: impl FnOnce(&Connection) -> Needs) {
        let (now, retry) = (self.clock.now(), self.clock.retry());
        let connection = self.connections.at_mut(slot);
        let needs = needs(connection);
        if needs.asks_for_window {
            connection.wait_for_window(now, retry);
        }
        let is_delayed = connection.is_ack_delayed();
        if let Some(changed) = connection.changed_deadline() {
            self.connections.list_deadline(slot, changed);
        }
        self.connections.list_ready(slot, needs.is_ready);
        self.connections.list_delayed(slot, is_delayed);
    }

    // ---- receiving ----

    /// Counts a received datagram, and sets the current time.
    pub(crate) fn on_datagram(&mut self, now: Instant, len: usize) {
        self.clock.advance(now);
        self.stats.received.count_bytes(len);
    }

    /// Parses a datagram; answers one of another version.
    ///
    /// # Errors
    /// As [`Datagram::parse`].
    pub(crate) fn parse<'d>(
        &mut self,
        from: SocketAddr,
        datagram: &'d [u8],
    ) -> Result<Datagram<'d>, DropReason> {
        let parsed = Datagram::parse(self.handshakes.identity(), datagram);
        match parsed {
            Ok(_) => self.stats.received.count_kind(datagram),
            Err(DropReason::ForeignVersion) => {
                self.reply = Reply::foreign_version(self.identity(), from, datagram);
            }
            Err(_) => {}
        }
        parsed
    }

    /// Decrypts a datagram for the session with this local id, in place. Answers with a stateless
    /// reset if there is no such session.
    ///
    /// # Errors
    /// Returns [`DropReason::UnknownSession`], [`DropReason::WrongAddress`] if sessions cannot
    /// migrate, [`DropReason::Unexpected`] if the session is not open or confirmed, or an error of
    /// [`open_in`].
    #[inline(always)]
    pub(crate) fn receive<'d>(
        &mut self,
        from: SocketAddr,
        to: u64,
        datagram: &'d mut [u8],
    ) -> Result<Received<'d>, DropReason> {
        let identity = self.handshakes.identity();
        let Some(slot) = self.connections.find(Side::Local, to) else {
            self.reply = Reply::no_session(identity, from, to);
            return Err(DropReason::UnknownSession);
        };
        let connection = self.connections.at_mut(slot);
        let moved = !connection.remote().is(from);
        match connection.phase() {
            Phase::Closed => {
                // Also in a closed room: a sender that knows this id is a member, or on the path.
                self.reply = Reply::reset(identity, from, to);
                return Err(DropReason::UnknownSession);
            }
            _ if moved && self.cookies.is_none() => return Err(DropReason::WrongAddress),
            Phase::Handshaking | Phase::Accepted => return Err(DropReason::Unexpected),
            Phase::Open if is_over(connection, identity.suite(), self.clock.now()) => {
                self.reply = Reply::reset(identity, from, to);
                return Err(DropReason::UnknownSession);
            }
            Phase::Open => {}
        }
        let opened = open_in(identity.suite(), connection.keys_mut(), datagram)?;
        Ok(Received::new(slot, opened, moved))
    }

    /// Processes the header of a received datagram; returns how many frames it newly acknowledges.
    /// A `patient` owner never gives up a peer that answers with a closed window.
    ///
    /// # Errors
    /// Returns [`DropReason::BadAcknowledgement`] if it acknowledges a frame that was never sent.
    #[inline(always)]
    pub(crate) fn take_header(
        &mut self,
        slot: u32,
        header: &Header,
        patient: bool,
    ) -> Result<u32, DropReason> {
        let (now, retry) = (self.clock.now(), self.clock.retry());
        let connection = self.connections.at_mut(slot);
        connection.take_header(header, now, retry, patient, &mut self.stats)
    }

    /// Validates a stateless reset; returns the slot of its session.
    ///
    /// # Errors
    /// Returns [`DropReason::UnknownSession`], [`DropReason::WrongAddress`], or
    /// [`DropReason::BadTag`] if the token is wrong.
    pub(crate) fn take_reset(
        &self,
        from: SocketAddr,
        echo: u64,
        token: &[u8; TAG_LEN],
    ) -> Result<u32, DropReason> {
        let found = self.connections.find(Side::Remote, echo);
        let slot = found.ok_or(DropReason::UnknownSession)?;
        let connection = self.at(slot);
        if !connection.remote().is(from) {
            return Err(DropReason::WrongAddress);
        }
        if !connection.is_reset_by(token) {
            return Err(DropReason::BadTag);
        }
        Ok(slot)
    }

    /// Answers with a cookie, without state. The first one for an address carries the own `key`.
    pub(crate) fn reply_cookie(&mut self, to: SocketAddr, id: u64, key: Option<PublicKey>) {
        if let Some(cookies) = self.cookies {
            let cookie = cookies.make(&to.into(), self.clock.now());
            self.reply(
                to,
                &Datagram::Cookie {
                    to: id,
                    cookie,
                    key,
                },
            );
        }
    }

    /// Returns whether this cookie proves that its sender receives at this address.
    pub(crate) fn is_good_cookie(&self, from: &PackedAddress, cookie: Cookie) -> bool {
        let now = self.clock.now();
        self.cookies.is_some_and(|it| it.is_good(from, now, cookie))
    }

    /// Migrates a session to the source address of a datagram if a cookie in it proves that the
    /// peer receives there; otherwise sends a cookie there. A NAT may have changed the address, or
    /// an attacker replays the datagram.
    pub(crate) fn migrate(&mut self, from: SocketAddr, received: &Received<'_>) -> bool {
        let slot = received.slot;
        let proof = received.proof();
        let address = PackedAddress::from(from);
        let is_proved = proof.is_some_and(|cookie| self.is_good_cookie(&address, cookie));
        if is_proved {
            self.connections.at_mut(slot).set_remote(address);
        } else {
            self.reply_cookie(from, self.at(slot).remote_id(), None);
        }
        is_proved
    }

    // ---- handshakes, and stateless answers ----

    /// Answers a repeated request whose session exists, or returns `None` if there is none.
    pub(crate) fn answer_again(&mut self, from: SocketAddr, id: u64) -> Option<Repeated> {
        let slot = self.connections.find(Side::Remote, id)?;
        let connection = self.connections.at_mut(slot);
        Some(if !connection.remote().is(from) {
            Repeated::WrongAddress
        } else if connection.phase() == Phase::Accepted {
            Repeated::Unconfirmed(slot)
        } else {
            connection.confirm();
            Repeated::Answered(slot)
        })
    }

    /// Requests a session, or a cookie until there is an [offer](Self::offer); returns its token.
    pub(crate) fn request(&mut self, slot: u32, remote: PackedAddress) -> [u8; TAG_LEN] {
        let (id, now) = (self.handshakes.draw_id(), self.clock.now());
        self.change(slot, |connection| {
            connection.open(id, remote);
            connection.begin_age(now);
        });
        self.identity().reset_token(id)
    }

    /// Sets the stateless answer; it replaces one that waits to be polled.
    pub(crate) fn reply(&mut self, to: SocketAddr, datagram: &Datagram<'_>) {
        self.reply = Reply::new(self.handshakes.identity(), to, datagram);
    }

    /// Drops the stateless answer.
    pub(crate) fn drop_reply(&mut self) {
        self.reply = None;
    }

    /// Builds the last datagram of a session, which carries the reason for its end.
    pub(crate) fn closing(&mut self, slot: u32, reason: Refusal) -> Option<Reply> {
        let connection = self.connections.at_mut(slot);
        Reply::closing(self.handshakes.identity(), connection, reason)
    }

    /// Answers with the last datagram of the session that the one in this slot has replaced.
    pub(crate) fn reply_parting(&mut self, slot: u32, to: SocketAddr) {
        let handshake = self.connections.at_mut(slot).handshake_mut();
        if let Some(parting) = Reply::with(to, handshake.parting()) {
            self.reply = Some(parting);
        }
        handshake.drop_parting();
    }

    // ---- sending ----

    /// Returns whether there is a datagram to send now.
    pub(crate) fn has_output(&self) -> bool {
        self.reply.is_some() || self.connections.has_ready()
    }

    pub(crate) fn is_ready(&self, slot: u32) -> bool {
        self.connections.is_ready(slot)
    }

    /// Removes and returns the session that has been ready for longest.
    pub(crate) fn pop_ready(&mut self) -> Option<u32> {
        self.connections.pop_ready()
    }

    /// Builds the stateless answer, if there is one.
    pub(crate) fn emit_reply(&mut self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Option<Transmit> {
        let transmit = self.reply.as_ref()?.emit(out);
        self.reply = None;
        self.on_transmit(transmit.len, out);
        Some(transmit)
    }

    /// Builds the last datagram of the session that has ended in this slot, once, if it is kept.
    pub(crate) fn emit_parting(
        &mut self,
        slot: u32,
        to: SocketAddr,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> Option<Transmit> {
        let handshake = self.connections.at_mut(slot).handshake_mut();
        let transmit = Reply::with(to, handshake.parting())?.emit(out);
        handshake.drop_parting();
        self.on_transmit(transmit.len, out);
        Some(transmit)
    }

    /// Builds a stateless reset for the session with this id.
    pub(crate) fn emit_reset(
        &mut self,
        to: SocketAddr,
        id: u64,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> Option<Transmit> {
        let transmit = Reply::reset(self.identity(), to, id)?.emit(out);
        self.on_transmit(transmit.len, out);
        Some(transmit)
    }

    /// Builds the answer to a request; returns its length.
    pub(crate) fn emit_accept(&mut self, slot: u32, out: &mut [u8; DATAGRAM_LEN_MAX]) -> usize {
        let connection = self.connections.at_mut(slot);
        connection.sent_accept();
        let accept = Datagram::Accept {
            to: connection.remote_id(),
            message: connection.handshake().message(),
        };
        accept.emit(self.handshakes.identity(), out)
    }

    /// Encrypts a data datagram, and records it as sent. Returns its length, 0 if the session has
    /// no counter left.
    #[inline(always)]
    pub(crate) fn finish_data(&mut self, slot: u32, writer: DataWriter<'_>) -> usize {
        let (now, retry) = (self.clock.now(), self.clock.retry());
        let connection = self.connections.at_mut(slot);
        connection.sent_data(now, retry, &mut self.stats);
        writer.finish(self.handshakes.identity(), connection.keys_mut())
    }

    /// Counts a datagram that was built.
    pub(crate) fn on_transmit(&mut self, len: usize, datagram: &[u8]) {
        self.stats.sent.count_bytes(len);
        self.stats.sent.count_kind(datagram);
    }
}

#[cfg(test)]
mod tests;
