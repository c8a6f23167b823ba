//! Reliability between two sessions, client to client or client to server: the lower of the two layers.
//!
//! A hop session is opened by one exchange ([`Hello`](crate::wire::Hello) or [`Call`](crate::wire::Call), then
//! [`Answer`](crate::wire::Answer)), the two messages of a [handshake](crate::seal), and every datagram in it is sealed. In it, both directions number their frames; the receiver takes them in
//! order and acknowledges cumulatively; what it cannot take it drops, and the sender goes back to it
//! ("go-back-N"), so that a receiver needs no memory for reordering. Giving up ends the session: a receiver never
//! waits for a number that will not come.
//!
//! A hop knows nothing of chat: its owner maps sequence numbers to frames and keeps the deadline list.

use zeroize::Zeroize;

use crate::address::PackedAddress;
use crate::retry::{Due, Retry, RetryPolicy};
use crate::seal::{FIRST_PAYLOAD_MAX, KEY_LEN, Session, TAG_LEN};
use crate::stats::{Drop, Stats};
use crate::time::Instant;
use crate::wire::{ACCEPT_MESSAGE_LEN_MAX, Header};

/// What has to be remembered of a handshake: the ephemeral key and the payload of the first message, which is made
/// again from them, or the second message, which is sent again as it is.
const HANDSHAKE_LEN: usize = KEY_LEN + FIRST_PAYLOAD_MAX;

/// Answers to one request for a session that are looked at.
const ANSWERS_MAX: u8 = 16;

const _: () = assert!(ACCEPT_MESSAGE_LEN_MAX <= HANDSHAKE_LEN && HANDSHAKE_LEN <= u8::MAX as usize);

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub(crate) enum Phase {
    Closed,
    /// We asked and have no answer yet.
    Opening,
    Open,
}

/// What is owed to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// A `Hello` or `Call`, or a request for a cookie.
    Opening,
    /// An `Accept`.
    Accept,
    /// Frames, an acknowledgement, or a probe.
    Data,
}

/// What an expired deadline led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Something goes out again, or there is one more interval to wait.
    Waits,
    /// The other side was silent to the end: the session is closed.
    GaveUp,
}

/// Whether a numbered frame may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Next,
    Duplicate,
    Early,
}

/// What the side that asked for a session says of it, or the side that accepted it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Other {
    /// Session id that it receives under.
    pub(crate) id: u64,
    /// Frames it accepts beyond those it acknowledged.
    pub(crate) window: u16,
    /// What it sends when it does not have the session any more.
    pub(crate) reset: [u8; TAG_LEN],
}

/// One end of a hop session.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Hop {
    phase: Phase,
    /// Where the other side receives.
    pub(crate) remote: PackedAddress,
    /// Session id that the other side writes to us; 0 for none.
    pub(crate) local_id: u64,
    /// Session id that we write to the other side; 0 for none.
    pub(crate) remote_id: u64,
    /// The keys, once the session is open.
    pub(crate) session: Session,
    /// What proves that the other side does not have the session any more.
    pub(crate) reset: [u8; TAG_LEN],
    handshake: [u8; HANDSHAKE_LEN],
    handshake_len: u8,
    /// Answers to our request that were looked at.
    answers: u8,

    /// First frame that is not acknowledged.
    acked: u32,
    /// Next frame to send; goes back to `acked` when frames were lost.
    next: u32,
    /// One past the last frame ever sent.
    sent: u32,
    /// One past the last frame that the owner has.
    end: u32,
    /// Frames beyond `acked` that the other side takes.
    window: u16,
    /// Frames before this were already repeated for a gap report.
    repaired: u32,
    /// Send one datagram from `next`, whatever the window.
    repeat: bool,
    /// Only progress releases what is behind the datagram that was just repeated.
    held: bool,

    /// Next frame that we take.
    expected: u32,
    ack_due: bool,
    gap: bool,

    open_due: bool,
    accept_due: bool,
    probe_due: bool,
    retry: Retry,
    /// The deadline under which the session stands in its owner's list; zero for none.
    pub(crate) listed: Instant,
}

impl Hop {
    pub(crate) const VACANT: Self = Self {
        phase: Phase::Closed,
        remote: PackedAddress::VACANT,
        local_id: 0,
        remote_id: 0,
        session: Session::VACANT,
        reset: [0; TAG_LEN],
        handshake: [0; HANDSHAKE_LEN],
        handshake_len: 0,
        answers: 0,
        acked: 0,
        next: 0,
        sent: 0,
        end: 0,
        window: 0,
        repaired: 0,
        repeat: false,
        held: false,
        expected: 0,
        ack_due: false,
        gap: false,
        open_due: false,
        accept_due: false,
        probe_due: false,
        retry: Retry::IDLE,
        listed: Instant::ZERO,
    };

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.retry.deadline()
    }

    /// Frames that the owner has and that are not acknowledged.
    pub(crate) fn outstanding(&self) -> u32 {
        self.end.wrapping_sub(self.acked)
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.sent.wrapping_sub(self.acked)
    }

    /// The oldest frame that is not acknowledged.
    pub(crate) fn acked(&self) -> u32 {
        self.acked
    }

    /// The frame that is sent next, if any may be.
    pub(crate) fn position(&self) -> u32 {
        self.next
    }

    // ---- opening and closing ----

    /// A new session with the numbers of none: what is outstanding is numbered again, from 0.
    fn restart(&mut self, phase: Phase, local_id: u64, remote: PackedAddress) {
        *self = Self {
            phase,
            remote,
            local_id,
            end: self.outstanding(),
            open_due: phase == Phase::Opening,
            listed: self.listed,
            ..Self::VACANT
        };
    }

    /// Asks for a session. Without an [offer](Self::offer), for a cookie first.
    pub(crate) fn open(&mut self, local_id: u64, remote: PackedAddress) {
        self.restart(Phase::Opening, local_id, remote);
    }

    fn set_handshake(&mut self, parts: [&[u8]; 2]) {
        let bytes = parts.into_iter().flatten();
        self.handshake
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        self.handshake_len = u8::try_from(len.min(HANDSHAKE_LEN)).unwrap_or_default();
    }

    /// What the request for a session is made of: an ephemeral key and a payload.
    pub(crate) fn offer(&mut self, ephemeral: &[u8; KEY_LEN], payload: &[u8]) {
        self.set_handshake([ephemeral, payload]);
    }

    /// Whether one more answer to our request is looked at: each costs multiplications on the curve, and whoever is
    /// on the path can forge them.
    pub(crate) fn try_answer(&mut self) -> bool {
        self.answers = self.answers.saturating_add(1);
        self.answers <= ANSWERS_MAX
    }

    /// The ephemeral key and the payload of our request; `None` before there are any.
    pub(crate) fn offered(&self) -> Option<(&[u8; KEY_LEN], &[u8])> {
        self.handshake_message().split_first_chunk()
    }

    /// The second message of the handshake, which is sent as often as it is asked for.
    pub(crate) fn handshake_message(&self) -> &[u8] {
        self.handshake
            .get(..self.handshake_len.into())
            .unwrap_or_default()
    }

    fn set_other(&mut self, other: Other, session: Session) {
        self.remote_id = other.id;
        self.window = other.window.max(1);
        self.reset = other.reset;
        self.session = session;
    }

    /// The answer to our request came: the session is open.
    pub(crate) fn opened(&mut self, other: Other, session: Session) {
        self.restart(Phase::Open, self.local_id, self.remote);
        self.set_other(other, session);
    }

    /// The other side asked for a session: it is open, and an `Accept` with this message is owed.
    pub(crate) fn accept(
        &mut self,
        local_id: u64,
        remote: PackedAddress,
        other: Other,
        session: Session,
        message: &[u8],
    ) {
        self.restart(Phase::Open, local_id, remote);
        self.set_other(other, session);
        self.set_handshake([message, &[]]);
        self.accept_due = true;
    }

    /// The other side repeats its request.
    pub(crate) fn accept_again(&mut self) {
        self.accept_due = true;
    }

    /// The session is given up, with everything outstanding.
    pub(crate) fn close(&mut self) {
        *self = Self {
            remote: self.remote,
            listed: self.listed,
            ..Self::VACANT
        };
    }

    /// Leaves no secret behind.
    pub(crate) fn wipe(&mut self) {
        self.session.wipe();
        self.handshake.zeroize();
    }

    /// The other side is alive but is not ready: the next request goes out when the interval is over.
    pub(crate) fn ask_later(&mut self, now: Instant, policy: RetryPolicy) {
        self.retry.progress(now, policy);
    }

    // ---- sending ----

    /// The owner has one more frame; returns its number.
    pub(crate) fn enqueue(&mut self) -> u32 {
        let number = self.end;
        self.end = self.end.wrapping_add(1);
        number
    }

    /// Asks the other side for a sign of life, repeated like everything else. What waits for an answer already is
    /// such a question.
    pub(crate) fn probe(&mut self) {
        if self.is_open() && !self.retry.is_armed() {
            self.probe_due = true;
        }
    }

    pub(crate) fn owe_acknowledgement(&mut self) {
        self.ack_due = self.is_open();
    }

    /// Whether the other side takes one more frame behind those that were sent.
    pub(crate) fn has_window(&self) -> bool {
        let room = if self.repeat {
            self.window.max(1)
        } else {
            self.window
        };
        self.next.wrapping_sub(self.acked) < room.into() && !self.held
    }

    /// Whether there is a frame to send, and the other side takes it.
    pub(crate) fn may_send(&self) -> bool {
        self.next != self.end && self.has_window()
    }

    /// Something is to be sent, but the other side takes nothing: it is asked again after the interval.
    pub(crate) fn wait_for_window(&mut self, now: Instant, policy: RetryPolicy) {
        if self.is_open() && self.window == 0 && !self.retry.is_armed() {
            self.retry.progress(now, policy);
        }
    }

    pub(crate) fn wants(&self) -> Wants {
        match self.phase {
            Phase::Closed => Wants::Nothing,
            Phase::Opening if self.open_due => Wants::Opening,
            Phase::Opening => Wants::Nothing,
            Phase::Open if self.accept_due => Wants::Accept,
            Phase::Open if self.ack_due || self.probe_due || self.may_send() => Wants::Data,
            Phase::Open => Wants::Nothing,
        }
    }

    /// The header of the datagram that is being built; `window` is what we can take at this moment. The version of
    /// the table goes with a probe.
    pub(crate) fn header(&self, window: u16, table_version: Option<u32>) -> Header {
        Header {
            gap: self.gap,
            probe: self.probe_due,
            acknowledged: self.expected,
            window,
            first: self.next,
            table_version: table_version.filter(|_| self.probe_due),
            closed: None,
            cookie: None,
        }
    }

    /// One more frame is in the datagram.
    pub(crate) fn pushed(&mut self) {
        self.next = self.next.wrapping_add(1);
    }

    /// The request for a session was sent.
    pub(crate) fn sent_opening(&mut self, now: Instant, policy: RetryPolicy) {
        self.open_due = false;
        self.retry.sent(now, policy);
    }

    pub(crate) fn sent_accept(&mut self) {
        self.accept_due = false;
    }

    /// A data datagram was sent that began with frame `first`.
    pub(crate) fn sent_data(
        &mut self,
        first: u32,
        now: Instant,
        policy: RetryPolicy,
        stats: &mut Stats,
    ) {
        self.ack_due = false;
        self.gap = false;
        let frames = self.next != first;
        if self.next.wrapping_sub(self.acked) > self.in_flight() {
            self.sent = self.next;
        }
        if self.repeat {
            stats.retransmissions_timed += 1;
            self.held = self.next != self.sent;
        }
        if self.repeat || self.probe_due || (frames && !self.retry.is_armed()) {
            self.retry.sent(now, policy);
        }
        self.repeat = false;
        self.probe_due = false;
    }

    // ---- receiving ----

    /// Takes the header of a datagram of this session; returns how many of our frames it acknowledges anew.
    /// A `patient` owner never gives up somebody who answers that there is no room now.
    pub(crate) fn take_header(
        &mut self,
        header: &Header,
        now: Instant,
        policy: RetryPolicy,
        patient: bool,
        stats: &mut Stats,
    ) -> Result<u32, Drop> {
        let newly = header.acknowledged.wrapping_sub(self.acked);
        if newly > self.in_flight() {
            // An old acknowledgement that was overtaken is no news; anything else is nonsense.
            let old = self.acked.wrapping_sub(header.acknowledged) <= u32::from(u16::MAX);
            return if old {
                Ok(0)
            } else {
                Err(Drop::BadAcknowledgement)
            };
        }
        self.acked = header.acknowledged;
        self.window = header.window;
        if self.next.wrapping_sub(self.acked) > self.end.wrapping_sub(self.acked) {
            self.next = self.acked;
        }
        if newly != 0 {
            self.repeat = false;
            if self.held {
                // What followed the lost datagram was dropped by the other side: repeat it all.
                self.held = false;
                self.next = self.acked;
            }
        }
        let repaired = self.repaired.wrapping_sub(self.acked);
        if header.gap && self.in_flight() != 0 && (repaired == 0 || repaired > self.in_flight()) {
            self.next = self.acked;
            self.held = false;
            self.repaired = self.sent;
            stats.retransmissions_on_evidence += 1;
        }
        let stuck = self.window == 0 && self.outstanding() != 0;
        if self.in_flight() == 0 && !stuck {
            self.retry.settle();
        } else if newly != 0 || !self.retry.is_armed() || (stuck && patient) {
            self.retry.progress(now, policy);
        }
        if header.probe {
            self.ack_due = true;
        }
        Ok(newly)
    }

    /// A numbered frame came: what it is to us.
    pub(crate) fn arrival(&mut self, number: u32) -> Arrival {
        self.ack_due = true;
        if number == self.expected {
            Arrival::Next
        } else if number.wrapping_sub(self.expected) > u32::MAX / 2 {
            Arrival::Duplicate
        } else {
            self.gap = true;
            Arrival::Early
        }
    }

    /// The frame that was [next](Arrival::Next) has been taken over.
    pub(crate) fn took(&mut self) {
        self.expected = self.expected.wrapping_add(1);
        self.ack_due = true;
    }

    // ---- time ----

    /// The deadline has passed.
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
                stats.give_ups += 1;
                return Expired::GaveUp;
            }
            Due::Again if self.phase == Phase::Opening => self.open_due = true,
            Due::Again if self.outstanding() != 0 => {
                self.next = self.acked;
                self.held = false;
                self.repeat = true;
                self.repaired = self.acked;
            }
            Due::Again => self.probe_due = true,
        }
        Expired::Waits
    }
}

#[cfg(test)]
mod tests;
