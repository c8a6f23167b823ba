//! The retransmission policy, and the timer that follows it.

use crate::time::{Instant, PackedInstant};

/// The interval and the number of retransmissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Milliseconds between two transmissions; at least 1.
    pub interval_ms: u32,
    /// Number of retransmissions, after the first transmission.
    pub retries: u8,
}

impl RetryPolicy {
    /// The default: 500 ms and 5 retries. A sender sends 6 datagrams to a silent peer, and gives it
    /// up after 3 s.
    pub const DEFAULT: Self = Self {
        interval_ms: 500,
        retries: 5,
    };

    /// Returns the milliseconds from the first transmission until the sender gives up.
    pub const fn patience_ms(self) -> u64 {
        self.interval_ms as u64 * (self.retries as u64 + 1)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The action at the deadline of a [`Retry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The datagram must be sent again.
    Again,
    /// The process was stopped for an interval or more: wait once more before it concludes anything
    /// from silence.
    Overslept,
    /// All retries are used up.
    GiveUp,
}

/// A retransmission timer. The owner has a list of deadlines, and calls it in time.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Retry {
    /// Number of transmissions so far; 0 if the timer is not armed.
    sent: u16,
    /// The deadline has passed, and the retransmission was not sent yet.
    due: bool,
    deadline: PackedInstant,
}

impl Retry {
    /// A timer that is not armed: all zero bits.
    pub(crate) const IDLE: Self = Self {
        sent: 0,
        due: false,
        deadline: PackedInstant::ZERO,
    };

    /// Returns whether a transmission waits for an answer.
    pub(crate) fn is_armed(&self) -> bool {
        self.sent != 0
    }

    /// Returns the number of transmissions without an answer.
    pub(crate) fn transmissions(&self) -> u16 {
        self.sent
    }

    /// Returns when to call [`expire`](Self::expire); never zero.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (self.is_armed() && !self.due).then_some(self.deadline.get())
    }

    /// Records a transmission: the next deadline is one interval from `now`.
    pub(crate) fn sent(&mut self, now: Instant, policy: RetryPolicy) {
        self.sent = self.sent.saturating_add(1);
        self.due = false;
        self.deadline = now.plus_millis(policy.interval_ms.into()).into();
    }

    /// Records an answer while more datagrams wait for one: the count starts again.
    pub(crate) fn progress(&mut self, now: Instant, policy: RetryPolicy) {
        self.sent = 0;
        self.sent(now, policy);
    }

    /// Stops the timer: no datagram waits for an answer.
    pub(crate) fn settle(&mut self) {
        self.sent = 0;
        self.due = false;
    }

    /// Returns the action now that the deadline has passed. `woke_at` is the last time that the
    /// caller resumed after an absence of an interval or more.
    //= PROTOCOL.md#7.1
    pub(crate) fn expire(&mut self, now: Instant, woke_at: Instant, policy: RetryPolicy) -> Due {
        if woke_at.millis_since(self.deadline.get()) >= policy.interval_ms.into() {
            self.deadline = now.plus_millis(policy.interval_ms.into()).into();
            Due::Overslept
        } else if self.sent > policy.retries.into() {
            Due::GiveUp
        } else {
            self.due = true;
            Due::Again
        }
    }
}
