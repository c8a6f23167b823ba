//! Reliability between two sessions, client to client or client to server: the lower of the two layers.
//!
//! A session is opened by one exchange ([`Hello`](crate::wire::Hello) or [`Call`](crate::wire::Call), then
//! [`Answer`](crate::wire::Answer)), the two messages of a [handshake](crate::crypto), and every datagram in it is sealed. In it, both directions number their frames; the receiver takes them in
//! order and acknowledges cumulatively; what it cannot take it drops, and the sender goes back to it
//! ("go-back-N"), so that a receiver needs no memory for reordering. Giving up ends the session: a receiver never
//! waits for a number that will not come.
//!
//! Losses show by evidence, not only by silence. Whenever a sender goes back it starts another *round*, which every
//! datagram names; who misses a frame reports a gap, and the round that it saw the gap in. So a report is believed
//! once in each round, and a repetition that is lost too is repeated as soon as the first was.
//!
//! A connection knows nothing of chat: its owner maps sequence numbers to frames and keeps the deadline list.

mod opening;

use crate::address::PackedAddress;
use crate::crypto::{FIRST_PAYLOAD_MAX, KEY_LEN, SessionKeys, TAG_LEN};
use crate::drop_reason::DropReason;
use crate::retry::{Due, Retry, RetryPolicy};
use crate::stats::Stats;
use crate::time::Instant;
use crate::wire::{ACCEPT_MESSAGE_LEN_MAX, Header};

/// What has to be remembered of a handshake: the ephemeral key and the payload of the first message, which is made
/// again from them, or the second message, which is sent again as it is.
const HANDSHAKE_LEN: usize = KEY_LEN + FIRST_PAYLOAD_MAX;

const _: () = assert!(ACCEPT_MESSAGE_LEN_MAX <= HANDSHAKE_LEN && HANDSHAKE_LEN <= u8::MAX as usize);

/// Frames that a path is trusted to carry at a time before it has shown that it carries more.
const BURST_MIN: u32 = 32;

/// Acknowledgements that are sent in a row at most, on a rough path.
const ACKNOWLEDGEMENTS_MAX: u8 = 3;

/// Frames in one datagram at most, on a rough path: those on the way are spread over several, and the loss of one shows
/// by the others.
const ROUGH_FRAMES_MAX: u32 = 8;

/// Datagrams with frames without a sign of loss until a path that lost some, a *rough* one, counts as a clean one again.
const CLEAN_AFTER: u8 = 255;

/// An acknowledgement that may wait for something to go with waits this part of the interval at most after which the other
/// side would repeat what it acknowledges. That is our own interval, or the default where ours is longer.
const HOLD_DIVISOR: u32 = 10;

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

/// One end of a session.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Connection {
    phase: Phase,
    /// Where the other side receives.
    pub(crate) remote: PackedAddress,
    /// Session id that the other side writes to us; 0 for none.
    pub(crate) local_id: u64,
    /// Session id that we write to the other side; 0 for none.
    pub(crate) remote_id: u64,
    /// The keys, once the session is open.
    pub(crate) keys: SessionKeys,
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
    /// How much wider than [`BURST_MIN`] our bursts have become, as what they carry was acknowledged.
    widened: u16,
    /// Up to here they widen fast: half of what was too much the last time. 0: nothing was.
    carried: u16,
    /// The round that we send in: changes whenever frames are repeated.
    round: bool,
    /// Send one datagram from `next`, whatever the window.
    repeat: bool,
    /// Frames in the datagram that is being built.
    in_datagram: u32,
    /// Only progress releases what is behind the datagram that was just repeated.
    held: bool,

    /// Next frame that we take.
    expected: u32,
    /// Acknowledgements that are owed; and whether they wait for something to go with.
    acks_due: u8,
    acks_held: bool,
    /// The latest frame that came too early, and was dropped; whether there was one since the last report.
    early: u32,
    has_early: bool,
    /// The next frame is here, or was, and there was no room: what comes behind it shows no loss.
    next_came: bool,
    /// The round of the other side that came last.
    heard_round: bool,
    /// Datagrams until the path counts as clean.
    rough: u8,

    open_due: bool,
    accept_due: bool,
    probe_due: bool,
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
        handshake: [0; HANDSHAKE_LEN],
        handshake_len: 0,
        answers: 0,
        acked: 0,
        next: 0,
        sent: 0,
        end: 0,
        window: 0,
        widened: 0,
        carried: 0,
        round: false,
        repeat: false,
        in_datagram: 0,
        held: false,
        expected: 0,
        acks_due: 0,
        acks_held: false,
        early: 0,
        has_early: false,
        next_came: false,
        heard_round: false,
        rough: 0,
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

    /// The deadline under which the session is to stand in its owner's list from now on, zero for none; `None` if it stands
    /// there already.
    pub(crate) fn changed_deadline(&mut self) -> Option<Instant> {
        let deadline = self.deadline().unwrap_or(Instant::ZERO);
        let before = core::mem::replace(&mut self.listed, deadline);
        (deadline != before).then_some(deadline)
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
        if self.is_open() {
            self.acks_due = self.acks_due.max(1);
        }
    }

    /// As [`owe_acknowledgement`](Self::owe_acknowledgement), and it waits for nothing.
    pub(crate) fn owe_at_once(&mut self) {
        self.owe_acknowledgement();
        self.release_acknowledgement();
    }

    /// Something may come for the acknowledgement to go with: it waits for that, or until it is
    /// [released](Self::release_acknowledgement), at the latest [then](Self::held_until). On a rough path it does not.
    pub(crate) fn hold_acknowledgement(&mut self) {
        self.acks_held = self.acks_due != 0 && self.rough == 0;
    }

    pub(crate) fn release_acknowledgement(&mut self) {
        self.acks_held = false;
    }

    /// Until when an acknowledgement may wait from now on.
    pub(crate) fn held_until(now: Instant, policy: RetryPolicy) -> Instant {
        let interval_ms = policy.interval_ms.min(RetryPolicy::DEFAULT.interval_ms);
        now.plus_millis((interval_ms / HOLD_DIVISOR).into())
    }

    pub(crate) fn holds_acknowledgement(&self) -> bool {
        self.acks_held
    }

    /// Whether an acknowledgement is owed, held or not.
    pub(crate) fn owes_acknowledgement(&self) -> bool {
        self.acks_due != 0
    }

    /// Whether an acknowledgement is to go at once.
    pub(crate) fn acknowledges(&self) -> bool {
        self.acks_due != 0 && !self.acks_held
    }

    /// Whether the other side takes one more frame behind those that were sent.
    pub(crate) fn has_window(&self) -> bool {
        let room = if self.repeat {
            self.window.max(1)
        } else {
            self.window
        };
        let room = self.burst().min(room.into());
        let is_full = self.rough != 0 && self.in_datagram >= ROUGH_FRAMES_MAX;
        self.next.wrapping_sub(self.acked) < room && !is_full && !self.held
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
            Phase::Open if self.acknowledges() || self.probe_due || self.may_send() => Wants::Data,
            Phase::Open => Wants::Nothing,
        }
    }

    /// The header of the datagram that is being built; `window` is what we can take at this moment. The version of
    /// the table goes with a probe.
    pub(crate) fn header(&self, window: u16, table_version: Option<u32>) -> Header {
        Header {
            // A frame that was dropped and came again since is not missing.
            gap: self.has_early && self.early.wrapping_sub(self.expected) <= u32::MAX / 2,
            round: self.round,
            heard_round: self.heard_round,
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
        self.in_datagram += 1;
    }

    /// The request for a session was sent.
    pub(crate) fn sent_opening(&mut self, now: Instant, policy: RetryPolicy) {
        self.open_due = false;
        self.retry.sent(now, policy);
    }

    pub(crate) fn sent_accept(&mut self) {
        self.accept_due = false;
    }

    /// A data datagram was sent, with what was [pushed](Self::pushed).
    pub(crate) fn sent_data(&mut self, now: Instant, policy: RetryPolicy, stats: &mut Stats) {
        self.acks_due = self.acks_due.saturating_sub(1);
        self.release_acknowledgement();
        self.has_early &= self.acks_due != 0;
        let frames = core::mem::take(&mut self.in_datagram) != 0;
        self.rough = self.rough.saturating_sub(frames.into());
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

    /// Frames that may be on the way at a time, as far as the path is known to carry them (the slow start, halving and
    /// careful growth of RFC 5681): a burst that is larger than the other side's socket buffer is not repeated for ever.
    fn burst(&self) -> u32 {
        BURST_MIN + u32::from(self.widened)
    }

    /// So many frames were acknowledged: if as many were on the way as may be, more may be.
    fn widen(&mut self, newly: u32) {
        if self.in_flight() < self.burst() {
            return;
        }
        let is_careful = self.carried != 0 && self.widened >= self.carried;
        let step = if is_careful { newly.div_ceil(8) } else { newly };
        let step = u16::try_from(step).unwrap_or(u16::MAX);
        self.widened = self.widened.saturating_add(step).min(self.window);
    }

    /// Something was lost: everything from the first frame that is not acknowledged is sent again.
    fn go_back(&mut self) {
        let half = (self.in_flight() / 2).saturating_sub(BURST_MIN);
        self.widened = u16::try_from(half).unwrap_or(u16::MAX).min(self.widened);
        self.carried = self.widened.max(1);
        self.next = self.acked;
        self.held = false;
        self.round = !self.round;
        self.rough = CLEAN_AFTER;
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
    ) -> Result<u32, DropReason> {
        let newly = header.acknowledged.wrapping_sub(self.acked);
        if newly > self.in_flight() {
            // An old acknowledgement that was overtaken is no news; anything else is nonsense.
            let old = self.acked.wrapping_sub(header.acknowledged) <= u32::from(u16::MAX);
            return if old {
                Ok(0)
            } else {
                Err(DropReason::BadAcknowledgement)
            };
        }
        self.widen(newly);
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
        if header.gap && header.heard_round == self.round && self.in_flight() != 0 {
            self.go_back();
            stats.retransmissions_on_evidence += 1;
        }
        let stuck = self.window == 0 && self.outstanding() != 0;
        if self.in_flight() == 0 && !stuck {
            self.retry.settle();
        } else if newly != 0 || !self.retry.is_armed() || (stuck && patient) {
            self.retry.progress(now, policy);
        }
        if header.probe {
            self.owe_at_once();
        }
        Ok(newly)
    }

    /// A datagram with frames came, sent in this round. One acknowledgement answers all of them that come between
    /// two sendings; but on a rough path each gets its own: the loss of a single one would silence
    /// the other side until its timer.
    pub(crate) fn frames_came(&mut self, round: bool) {
        if round != self.heard_round {
            // All that was dropped before is on the way again.
            self.heard_round = round;
            self.has_early = false;
            self.next_came = false;
        }
        let most = if self.rough == 0 {
            1
        } else {
            ACKNOWLEDGEMENTS_MAX
        };
        self.rough = self.rough.saturating_sub(1);
        self.acks_due = self.acks_due.saturating_add(1).min(most);
    }

    /// A numbered frame came: what it is to us.
    pub(crate) fn arrival(&mut self, number: u32) -> Arrival {
        if number == self.expected {
            self.next_came = true;
            Arrival::Next
        } else if number.wrapping_sub(self.expected) > u32::MAX / 2 {
            self.rough = CLEAN_AFTER;
            Arrival::Duplicate
        } else {
            if !self.next_came {
                self.rough = CLEAN_AFTER;
                self.early = number;
                self.has_early = true;
            }
            Arrival::Early
        }
    }

    /// The frame that was [next](Arrival::Next) has been taken over; whether the one behind it is here, too. True if that
    /// is owed an acknowledgement, and none was owed before.
    pub(crate) fn took(&mut self, has_more: bool) -> bool {
        self.expected = self.expected.wrapping_add(1);
        self.next_came = has_more;
        let owed = self.acks_due != 0;
        self.owe_acknowledgement();
        !owed && self.acks_due != 0
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
                crate::trace!("silent to all retries: the session is given up");
                stats.give_ups += 1;
                return Expired::GaveUp;
            }
            Due::Again if self.phase == Phase::Opening => self.open_due = true,
            Due::Again if self.outstanding() != 0 => {
                crate::trace!(
                    "no acknowledgement: frames are repeated from {}",
                    self.acked
                );
                self.go_back();
                self.repeat = true;
            }
            Due::Again => self.probe_due = true,
        }
        Expired::Waits
    }
}

#[cfg(test)]
mod tests;
