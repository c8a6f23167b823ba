//! One end of a session: reliability between two processes, the lower of the two layers.
//!
//! The two messages of a [handshake](crate::crypto) open a session; all other datagrams in it are
//! encrypted. The receiver accepts numbered frames in order, and acknowledges them cumulatively.
//! The sender goes back to a missing one ("go-back-N"), and ends the session when it gives up.
//!
//! A connection consists of parts that know nothing of each other, nor of chat: its owner maps
//! sequence numbers to frames, and has the list of deadlines.

mod acks;
mod age;
mod congestion;
mod handshake;
mod path;
mod peer_parameters;
mod phase;
mod receiver;
mod sender;

use acks::Acks;
use age::Age;
use congestion::Congestion;
pub(crate) use handshake::Handshake;
pub(crate) use peer_parameters::PeerParameters;
pub(crate) use phase::{Expired, Needs, Phase, Relisted, Wants};
pub(crate) use receiver::Arrival;
use receiver::Receiver;
use sender::{Acked, Sender};

use crate::address::PackedAddress;
use crate::crypto::{SessionKeys, TAG_LEN, is_same};
use crate::drop_reason::DropReason;
use crate::retry::{Due, Retry, RetryPolicy};
use crate::stats::Stats;
use crate::time::Instant;
use crate::wire::Header;

/// One end of a session.
#[derive(Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Connection {
    phase: Phase,
    /// The address of the peer.
    remote: PackedAddress,
    /// Session id in the peer's datagrams; 0 for none.
    local_id: u64,
    /// Session id in datagrams to the peer; 0 for none.
    remote_id: u64,
    /// The keys, once the session is open.
    keys: SessionKeys,
    age: Age,
    /// Reset token of the peer.
    reset: [u8; TAG_LEN],
    handshake: Handshake,
    sender: Sender,
    receiver: Receiver,
    congestion: Congestion,
    acks: Acks,
    retry: Retry,
    /// The deadline in the owner's list; zero for none.
    listed: Instant,
}

impl Connection {
    pub(crate) const VACANT: Self = Self {
        phase: Phase::Closed,
        remote: PackedAddress::VACANT,
        local_id: 0,
        remote_id: 0,
        keys: SessionKeys::VACANT,
        age: Age::VACANT,
        reset: [0; TAG_LEN],
        handshake: Handshake::VACANT,
        sender: Sender::VACANT,
        receiver: Receiver::VACANT,
        congestion: Congestion::VACANT,
        acks: Acks::VACANT,
        retry: Retry::IDLE,
        listed: Instant::ZERO,
    };

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns whether there is a session, which its owner may still have to confirm.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Accepted | Phase::Open)
    }

    pub(crate) fn remote(&self) -> &PackedAddress {
        &self.remote
    }

    /// Migrates the session: the peer receives at this address from now on.
    pub(crate) fn set_remote(&mut self, remote: PackedAddress) {
        self.remote = remote;
    }

    pub(crate) fn local_id(&self) -> u64 {
        self.local_id
    }

    pub(crate) fn remote_id(&self) -> u64 {
        self.remote_id
    }

    pub(crate) fn keys(&self) -> &SessionKeys {
        &self.keys
    }

    pub(crate) fn keys_mut(&mut self) -> &mut SessionKeys {
        &mut self.keys
    }

    /// Returns the age of the session, or of the request for it.
    pub(crate) fn age_ms(&self, now: Instant) -> u32 {
        self.age.millis(now)
    }

    pub(crate) fn begin_age(&mut self, now: Instant) {
        self.age = Age::beginning(now);
    }

    /// Returns whether this is the reset token of the peer.
    //= PROTOCOL.md#5.6
    pub(crate) fn is_reset_by(&self, token: &[u8; TAG_LEN]) -> bool {
        is_same(&self.reset, token)
    }

    // ---- opening and closing ----

    /// Starts a new session: outstanding frames are numbered again, from 0.
    fn restart(&mut self, phase: Phase, local_id: u64, remote: PackedAddress) {
        *self = Self {
            phase,
            remote,
            local_id,
            sender: self.sender.renumbered(),
            listed: self.listed,
            ..Self::VACANT
        };
    }

    /// Asks for a session. Until there is an [offer](Handshake::offer), asks for a cookie.
    pub(crate) fn open(&mut self, local_id: u64, remote: PackedAddress) {
        self.restart(Phase::Handshaking, local_id, remote);
        self.handshake.send();
    }

    pub(crate) fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    pub(crate) fn handshake_mut(&mut self) -> &mut Handshake {
        &mut self.handshake
    }

    fn set_peer(&mut self, peer: PeerParameters, keys: &SessionKeys) {
        self.remote_id = peer.id;
        self.sender.set_window(peer.window.max(1));
        self.reset = peer.reset;
        self.keys.start(keys);
    }

    /// Opens the session, after the answer to the request.
    pub(crate) fn opened(&mut self, peer: PeerParameters, keys: &SessionKeys) {
        self.restart(Phase::Open, self.local_id, self.remote);
        self.set_peer(peer, keys);
    }

    /// Accepts a session that the peer asked for. The answer is due when the owner confirms it.
    pub(crate) fn accept(
        &mut self,
        local_id: u64,
        remote: PackedAddress,
        peer: PeerParameters,
        keys: &SessionKeys,
        message: &[u8],
    ) {
        self.restart(Phase::Accepted, local_id, remote);
        self.set_peer(peer, keys);
        self.handshake.answer(message);
    }

    /// Makes the `Accept` due: the owner confirms the session, or the peer asks again.
    pub(crate) fn confirm(&mut self) {
        if self.phase == Phase::Accepted {
            self.phase = Phase::Open;
        }
        self.handshake.send();
    }

    /// Closes the session, and drops all outstanding frames.
    pub(crate) fn close(&mut self) {
        *self = Self {
            remote: self.remote,
            listed: self.listed,
            ..Self::VACANT
        };
    }

    /// Closes the session, but keeps its local id: a peer that sends to it gets a stateless reset.
    pub(crate) fn end(&mut self) {
        let local_id = self.local_id;
        self.close();
        self.local_id = local_id;
    }

    /// Restores the local id of a session of the process before.
    pub(crate) fn restore_ended(&mut self, local_id: u64) {
        self.local_id = local_id;
    }

    /// Erases all secrets.
    pub(crate) fn wipe(&mut self) {
        self.keys.wipe();
        self.handshake.wipe();
    }

    // ---- the deadline ----

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.retry.deadline()
    }

    /// Returns the old and the new deadline for the owner's list, if they differ.
    pub(crate) fn changed_deadline(&mut self) -> Option<Relisted> {
        let after = self.deadline().unwrap_or(Instant::ZERO);
        let before = core::mem::replace(&mut self.listed, after);
        (after != before).then_some(Relisted { before, after })
    }

    /// Delays the repetition of the request by one interval: the peer is alive, but not ready.
    pub(crate) fn ask_later(&mut self, now: Instant, policy: RetryPolicy) {
        self.retry.progress(now, policy);
    }

    /// Arms the timer if the peer's window is closed, so that a probe follows.
    pub(crate) fn wait_for_window(&mut self, now: Instant, policy: RetryPolicy) {
        if self.is_open() && self.sender.window() == 0 && !self.retry.is_armed() {
            self.retry.progress(now, policy);
        }
    }

    /// Acts on the deadline that has passed.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        woke_at: Instant,
        policy: RetryPolicy,
        stats: &mut Stats,
    ) -> Expired {
        match self.retry.expire(now, woke_at, policy) {
            Due::Overslept => {}
            Due::GiveUp => {
                crate::trace!("silent to all retries: the session is given up");
                stats.give_ups += 1;
                return Expired::GaveUp;
            }
            Due::Again if self.phase == Phase::Handshaking => self.handshake.send(),
            Due::Again if self.sender.has_to_repeat() => {
                crate::trace!("no acknowledgement: repeats from {}", self.acked());
                self.congestion.on_loss(self.in_flight());
                self.sender.go_back_by_timer();
            }
            Due::Again => self.sender.probe(),
        }
        Expired::Waits
    }

    // ---- sending ----

    /// Returns how many frames are not acknowledged.
    pub(crate) fn outstanding(&self) -> u32 {
        self.sender.outstanding()
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.sender.in_flight()
    }

    /// Returns the number of the oldest frame that is not acknowledged.
    pub(crate) fn acked(&self) -> u32 {
        self.sender.acked()
    }

    /// Returns the number of the next frame to send.
    pub(crate) fn position(&self) -> u32 {
        self.sender.next()
    }

    /// Numbers one more frame of the owner.
    pub(crate) fn enqueue(&mut self) -> u32 {
        self.sender.enqueue()
    }

    /// Returns whether the windows, and the datagram, have room for one more frame.
    pub(crate) fn has_window(&self) -> bool {
        self.sender.has_window(self.congestion.cwnd())
            && self.congestion.may_add(self.sender.in_datagram())
    }

    /// Returns whether there is a frame to send, and room for it.
    pub(crate) fn may_send(&self) -> bool {
        self.sender.has_next() && self.has_window()
    }

    pub(crate) fn wants(&self) -> Wants {
        match self.phase {
            Phase::Closed => Wants::Nothing,
            Phase::Handshaking if self.handshake.is_due() => Wants::Handshake,
            Phase::Handshaking => Wants::Nothing,
            Phase::Accepted | Phase::Open => {
                if self.handshake.is_due() {
                    Wants::Accept
                } else if self.owes_ack() || self.sender.is_probe_due() || self.may_send() {
                    Wants::Data
                } else {
                    Wants::Nothing
                }
            }
        }
    }

    /// Returns the header of the next datagram. Only a probe carries the version of the roster.
    pub(crate) fn header(&self, window: u16, table_version: Option<u32>) -> Header {
        Header {
            nack: self.receiver.has_gap(),
            phase: self.sender.phase(),
            peer_phase: self.receiver.peer_phase(),
            probe: self.sender.is_probe_due(),
            acknowledged: self.receiver.expected(),
            window,
            first: self.sender.next(),
            table_version: table_version.filter(|_| self.sender.is_probe_due()),
            closed: None,
            cookie: None,
        }
    }

    /// Records that the next frame is in the present datagram.
    pub(crate) fn pushed(&mut self) {
        self.sender.on_pushed();
    }

    /// Records that the request for a session was sent.
    pub(crate) fn on_handshake_sent(&mut self, now: Instant, policy: RetryPolicy) {
        self.handshake.on_sent();
        self.retry.sent(now, policy);
    }

    pub(crate) fn sent_accept(&mut self) {
        self.handshake.on_sent();
    }

    /// Records that a data datagram was sent, with all [pushed](Self::pushed) frames.
    pub(crate) fn sent_data(&mut self, now: Instant, policy: RetryPolicy, stats: &mut Stats) {
        if !self.acks.on_sent() {
            self.receiver.on_reported();
        }
        let sent = self.sender.on_sent();
        if sent.has_frames {
            self.congestion.on_datagram();
        }
        stats.retransmissions_timed += u64::from(sent.is_repeated);
        let is_first = sent.has_frames && !self.retry.is_armed();
        if sent.is_repeated || sent.is_probe || is_first {
            self.retry.sent(now, policy);
        }
    }

    // ---- receiving ----

    /// As [`Sessions::take_header`](crate::session::Sessions::take_header).
    ///
    /// # Errors
    /// Returns [`DropReason::BadAcknowledgement`] if it acknowledges a frame that was never sent.
    //= PROTOCOL.md#7.5
    pub(crate) fn take_header(
        &mut self,
        header: &Header,
        now: Instant,
        policy: RetryPolicy,
        patient: bool,
        stats: &mut Stats,
    ) -> Result<u32, DropReason> {
        let newly = match self.sender.acknowledges(header.acknowledged) {
            Acked::Newly(newly) => newly,
            Acked::Old => return Ok(0),
            Acked::Invalid => return Err(DropReason::BadAcknowledgement),
        };
        let window = self.sender.window();
        self.congestion.on_ack(newly, self.in_flight(), window);
        self.sender.on_ack(newly, header.window);
        let in_flight = self.in_flight();
        if header.nack && header.peer_phase == self.sender.phase() && in_flight != 0 {
            self.congestion.on_loss(in_flight);
            self.sender.go_back();
            stats.retransmissions_on_evidence += 1;
        }
        let stuck = header.window == 0 && self.outstanding() != 0;
        if in_flight == 0 && !stuck {
            self.retry.settle();
        } else if newly != 0 || !self.retry.is_armed() || (stuck && patient) {
            self.retry.progress(now, policy);
        }
        if header.probe {
            self.ack_now();
        }
        Ok(newly)
    }

    /// Records a datagram with frames of this retransmission phase.
    pub(crate) fn frames_came(&mut self, phase: bool) {
        self.receiver.on_phase(phase);
        self.acks.on_datagram(self.congestion.acks_max());
        self.congestion.on_datagram();
    }

    /// Classifies a frame by its number, and records loss.
    pub(crate) fn arrival(&mut self, number: u32) -> Arrival {
        let arrival = self.receiver.arrival(number);
        if self.receiver.shows_loss(arrival) {
            self.congestion.note_loss();
        }
        arrival
    }

    /// Accepts the [next](Arrival::Next) frame, which is acknowledged later.
    pub(crate) fn accepted(&mut self, has_more: bool) {
        self.receiver.on_taken(has_more);
    }

    /// Accepts the [next](Arrival::Next) frame; `has_more` if the one behind it has arrived, too.
    /// Returns whether an acknowledgement is due that was not before.
    pub(crate) fn took(&mut self, has_more: bool) -> bool {
        self.receiver.on_taken(has_more);
        self.require_ack()
    }

    // ---- acknowledgements ----

    /// Makes an acknowledgement due; returns whether none was due before.
    pub(crate) fn require_ack(&mut self) -> bool {
        self.is_open() && self.acks.require()
    }

    /// Makes an acknowledgement due at once.
    pub(crate) fn ack_now(&mut self) {
        self.require_ack();
        self.acks.flush();
    }

    /// Delays an acknowledgement until `until` at the latest, unless the path is lossy.
    pub(crate) fn delay_ack(&mut self, until: Instant) {
        if self.congestion.is_lossy() {
            self.acks.flush();
        } else {
            self.acks.delay(until);
        }
    }

    /// Withdraws all acknowledgements that are due.
    pub(crate) fn withdraw_ack(&mut self) {
        self.acks = Acks::VACANT;
    }

    pub(crate) fn flush_ack(&mut self) {
        self.acks.flush();
    }

    /// Returns until when an acknowledgement is delayed, if one is.
    pub(crate) fn delayed_until(&self) -> Instant {
        self.acks.delayed_until()
    }

    pub(crate) fn is_ack_delayed(&self) -> bool {
        self.acks.is_delayed()
    }

    /// Returns whether an acknowledgement is due, delayed or not.
    pub(crate) fn is_ack_due(&self) -> bool {
        self.acks.is_due()
    }

    /// Returns whether an acknowledgement is due, and not delayed.
    pub(crate) fn is_ack_due_now(&self) -> bool {
        self.acks.is_due_now()
    }
}

#[cfg(test)]
mod tests;
