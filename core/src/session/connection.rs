//! One end of a session: reliability between two processes, the lower of the two layers.
//!
//! A session is opened by one exchange ([`ClientHello`](crate::wire::ClientHello) or
//! [`PeerHello`](crate::wire::PeerHello), then [`Answer`](crate::wire::Answer)), the two messages of a
//! [handshake](crate::crypto); every datagram in it is encrypted. Both directions number their
//! frames. The receiver takes them in order and acknowledges cumulatively; what it cannot take it
//! drops, and the sender goes back to it ("go-back-N"), so that a receiver needs no memory for
//! reordering. Giving up ends the session: a receiver never waits for a number that will not come.
//!
//! A connection is made of parts that know nothing of each other: its [handshake](Handshake), its
//! [sender](Sender) and [receiver](Receiver), [congestion control](Congestion),
//! [acknowledgements](Acks) and the [timer](Retry). It knows nothing of chat: its owner maps
//! sequence numbers to frames, and keeps the list of deadlines.

mod acks;
mod congestion;
mod handshake;
mod peer_parameters;
mod phase;
mod receiver;
mod sender;

use acks::Acks;
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
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Connection {
    phase: Phase,
    /// The address of the peer.
    remote: PackedAddress,
    /// Session id that the other side writes in its datagrams; 0 for none.
    local_id: u64,
    /// Session id that this side writes in its datagrams; 0 for none.
    remote_id: u64,
    /// The keys, once the session is open.
    keys: SessionKeys,
    /// Proves that the peer does not have the session any more.
    reset: [u8; TAG_LEN],
    handshake: Handshake,
    sender: Sender,
    receiver: Receiver,
    congestion: Congestion,
    acks: Acks,
    retry: Retry,
    /// The deadline under which the session stands in its owner's list; zero for none.
    listed: Instant,
}

impl Connection {
    pub(crate) const VACANT: Self = Self {
        phase: Phase::Closed,
        remote: PackedAddress::VACANT,
        local_id: 0,
        remote_id: 0,
        keys: SessionKeys::VACANT,
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

    /// Whether there is a session, which its owner may still have to confirm.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Accepted | Phase::Open)
    }

    pub(crate) fn remote(&self) -> &PackedAddress {
        &self.remote
    }

    /// The other side receives at this address from now on.
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

    /// Whether this proves that the other side does not have the session any more.
    //= PROTOCOL.md#5.6
    pub(crate) fn is_reset_by(&self, token: &[u8; TAG_LEN]) -> bool {
        is_same(&self.reset, token)
    }

    // ---- opening and closing ----

    /// Begins a new session with the numbers of none: what is outstanding is numbered again, from
    /// 0.
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

    /// Asks for a session. Without an [offer](Handshake::offer), for a cookie first.
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

    fn set_peer(&mut self, peer: PeerParameters, keys: SessionKeys) {
        self.remote_id = peer.id;
        self.sender.set_window(peer.window.max(1));
        self.reset = peer.reset;
        self.keys = keys;
    }

    /// Opens the session: the answer to the request came.
    pub(crate) fn opened(&mut self, peer: PeerParameters, keys: SessionKeys) {
        self.restart(Phase::Open, self.local_id, self.remote);
        self.set_peer(peer, keys);
    }

    /// Accepts a session that the other side asked for. The answer, with this message of the
    /// handshake, is sent when the owner [confirms](Self::confirm) it.
    pub(crate) fn accept(
        &mut self,
        local_id: u64,
        remote: PackedAddress,
        peer: PeerParameters,
        keys: SessionKeys,
        message: &[u8],
    ) {
        self.restart(Phase::Accepted, local_id, remote);
        self.set_peer(peer, keys);
        self.handshake.answer(message);
    }

    /// Makes the `Accept` due: the session is confirmed, or the other side repeats its request.
    pub(crate) fn confirm(&mut self) {
        if self.phase == Phase::Accepted {
            self.phase = Phase::Open;
        }
        self.handshake.send();
    }

    /// Gives up the session, with everything outstanding.
    pub(crate) fn close(&mut self) {
        *self = Self {
            remote: self.remote,
            listed: self.listed,
            ..Self::VACANT
        };
    }

    /// As [`close`](Self::close), but the id that others write to stays known: a peer that still
    /// does can be told.
    pub(crate) fn end(&mut self) {
        let local_id = self.local_id;
        self.close();
        self.local_id = local_id;
    }

    /// Takes the id of a session of an earlier life of this process, which is over.
    pub(crate) fn restore_ended(&mut self, local_id: u64) {
        self.local_id = local_id;
    }

    /// Leaves no secret behind.
    pub(crate) fn wipe(&mut self) {
        self.keys.wipe();
        self.handshake.wipe();
    }

    // ---- the deadline ----

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.retry.deadline()
    }

    /// Returns the deadlines under which the session stood in its owner's list, and is to stand
    /// from now on; `None` if they are the same.
    pub(crate) fn changed_deadline(&mut self) -> Option<Relisted> {
        let after = self.deadline().unwrap_or(Instant::ZERO);
        let before = core::mem::replace(&mut self.listed, after);
        (after != before).then_some(Relisted { before, after })
    }

    /// Waits one more interval before the request is repeated: the other side is alive, but not
    /// ready.
    pub(crate) fn ask_later(&mut self, now: Instant, policy: RetryPolicy) {
        self.retry.progress(now, policy);
    }

    /// Arms the timer if something is to be sent, but the other side takes nothing.
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
            Due::Again if self.outstanding() != 0 => {
                crate::trace!(
                    "no acknowledgement: frames are repeated from {}",
                    self.acked()
                );
                self.congestion.on_loss(self.in_flight());
                self.sender.go_back_by_timer();
            }
            Due::Again => self.sender.probe(),
        }
        Expired::Waits
    }

    // ---- sending ----

    /// Returns the frames that the owner has and that are not acknowledged.
    pub(crate) fn outstanding(&self) -> u32 {
        self.sender.outstanding()
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.sender.in_flight()
    }

    /// Returns the oldest frame that is not acknowledged.
    pub(crate) fn acked(&self) -> u32 {
        self.sender.acked()
    }

    /// Returns the frame that is sent next, if any may be.
    pub(crate) fn position(&self) -> u32 {
        self.sender.next()
    }

    /// Takes the number for one more frame of the owner.
    pub(crate) fn enqueue(&mut self) -> u32 {
        self.sender.enqueue()
    }

    /// Asks the other side for an answer, repeated like everything else. What waits for an answer
    /// already is such a question.
    pub(crate) fn probe(&mut self) {
        if self.is_open() && !self.retry.is_armed() {
            self.sender.probe();
        }
    }

    /// Whether the other side takes one more frame behind those that were sent.
    pub(crate) fn has_window(&self) -> bool {
        self.sender.has_window(self.congestion.cwnd())
            && self.congestion.may_add(self.sender.in_datagram())
    }

    /// Whether there is a frame to send, and the other side takes it.
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
                } else if self.acks.is_due_now() || self.sender.is_probe_due() || self.may_send() {
                    Wants::Data
                } else {
                    Wants::Nothing
                }
            }
        }
    }

    /// Returns the header of the datagram that is being built; `window` is what this side can take
    /// at this moment. The version of the table goes with a probe.
    pub(crate) fn header(&self, window: u16, table_version: Option<u32>) -> Header {
        Header {
            gap: self.receiver.has_gap(),
            round: self.sender.phase(),
            heard_round: self.receiver.peer_phase(),
            probe: self.sender.is_probe_due(),
            acknowledged: self.receiver.expected(),
            window,
            first: self.sender.next(),
            table_version: table_version.filter(|_| self.sender.is_probe_due()),
            closed: None,
            cookie: None,
        }
    }

    /// Puts the next frame into the datagram that is being built.
    pub(crate) fn pushed(&mut self) {
        self.sender.on_pushed();
    }

    /// Notes that the request for a session was sent.
    pub(crate) fn on_handshake_sent(&mut self, now: Instant, policy: RetryPolicy) {
        self.handshake.on_sent();
        self.retry.sent(now, policy);
    }

    pub(crate) fn sent_accept(&mut self) {
        self.handshake.on_sent();
    }

    /// Notes that a data datagram was sent, with what was [pushed](Self::pushed).
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

    /// Takes the header of a datagram of this session; returns how many frames it acknowledges
    /// anew. A `patient` owner never gives up a peer that answers that it has no room now.
    ///
    /// # Errors
    /// [`DropReason::BadAcknowledgement`], if it acknowledges what was never sent.
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
        if header.gap && header.heard_round == self.sender.phase() && in_flight != 0 {
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

    /// Takes a datagram with frames, sent in this retransmission phase. One acknowledgement answers
    /// all of them that come between two sendings, unless the path is lossy.
    pub(crate) fn frames_came(&mut self, phase: bool) {
        self.receiver.on_phase(phase);
        self.acks.on_datagram(self.congestion.acks_max());
        self.congestion.on_datagram();
    }

    /// Says of a numbered frame that came what it is.
    pub(crate) fn arrival(&mut self, number: u32) -> Arrival {
        let arrival = self.receiver.arrival(number);
        if self.receiver.shows_loss(arrival) {
            self.congestion.note_loss();
        }
        arrival
    }

    /// Takes over the frame that was [next](Arrival::Next); `has_more` if the one behind it is
    /// here, too. True if its acknowledgement is due, and none was before.
    pub(crate) fn took(&mut self, has_more: bool) -> bool {
        self.receiver.on_taken(has_more);
        self.is_open() && self.acks.require()
    }

    // ---- acknowledgements ----

    /// Makes an acknowledgement due.
    pub(crate) fn require_ack(&mut self) {
        if self.is_open() {
            self.acks.require();
        }
    }

    /// Makes an acknowledgement due at once.
    pub(crate) fn ack_now(&mut self) {
        self.require_ack();
        self.acks.flush();
    }

    /// Lets an acknowledgement wait for something to go with, until it is
    /// [flushed](Self::flush_ack), at the latest then. On a lossy path it does not wait.
    pub(crate) fn delay_ack(&mut self, until: Instant) {
        if self.congestion.is_lossy() {
            self.acks.flush();
        } else {
            self.acks.delay(until);
        }
    }

    pub(crate) fn flush_ack(&mut self) {
        self.acks.flush();
    }

    /// Returns until when an acknowledgement waits, if one does.
    pub(crate) fn delayed_until(&self) -> Instant {
        self.acks.delayed_until()
    }

    pub(crate) fn is_ack_delayed(&self) -> bool {
        self.acks.is_delayed()
    }

    /// Whether an acknowledgement is due, delayed or not.
    pub(crate) fn is_ack_due(&self) -> bool {
        self.acks.is_due()
    }

    /// Whether an acknowledgement is to go at once.
    pub(crate) fn is_ack_due_now(&self) -> bool {
        self.acks.is_due_now()
    }
}

#[cfg(test)]
mod tests;
