//! The one rule by which everything that waits for an answer is repeated.

use crate::time::{Instant, PackedInstant};

/// How often, and how many times, something that is not answered is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Milliseconds between two sendings; at least 1.
    pub interval_ms: u32,
    /// Sendings after the first one.
    pub retries: u8,
}

impl RetryPolicy {
    /// 500 ms and 5 retries: a silent peer gets exactly 6 datagrams, and is given up after
    /// 3 s.
    pub const DEFAULT: Self = Self {
        interval_ms: 500,
        retries: 5,
    };

    /// Milliseconds from the first sending until giving up.
    pub const fn patience_ms(self) -> u64 {
        self.interval_ms as u64 * (self.retries as u64 + 1)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The action that is due when the time of a [`Retry`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Send again.
    Again,
    /// The caller was away for longer than an interval: wait once more before concluding anything
    /// from silence.
    Overslept,
    /// All retries are used up.
    GiveUp,
}

/// Counts the sendings of whatever waits for an answer. The deadline lies in the list that holds
/// the owner.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Retry {
    /// Timed sendings so far; 0: nothing waits.
    sent: u16,
    /// The deadline has passed, and what is to be sent again was not transmitted yet.
    due: bool,
    deadline: PackedInstant,
}

impl Retry {
    pub(crate) const IDLE: Self = Self {
        sent: 0,
        due: false,
        deadline: PackedInstant::ZERO,
    };

    pub(crate) fn is_armed(&self) -> bool {
        self.sent != 0
    }

    /// When [`expire`](Self::expire) is to be called; never zero.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (self.is_armed() && !self.due).then_some(self.deadline.get())
    }

    /// Something was sent (again): wait one interval from `now`.
    pub(crate) fn sent(&mut self, now: Instant, policy: RetryPolicy) {
        self.sent = self.sent.saturating_add(1);
        self.due = false;
        self.deadline = now.plus_millis(policy.interval_ms.into()).into();
    }

    /// There was an answer, but more is waiting: the count starts again.
    pub(crate) fn progress(&mut self, now: Instant, policy: RetryPolicy) {
        self.sent = 0;
        self.sent(now, policy);
    }

    /// Nothing waits any more.
    pub(crate) fn settle(&mut self) {
        self.sent = 0;
        self.due = false;
    }

    /// The deadline has passed. `woke_at` is when the caller last came back after at least an
    /// interval.
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
