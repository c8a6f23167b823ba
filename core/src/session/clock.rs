//! The current time, and the retransmission policy.

use crate::retry::RetryPolicy;
use crate::time::Instant;

/// The share of the peer's retransmission interval that an acknowledgement may be delayed. The
/// peer's interval is taken to be the own one, but at most the default.
const DELAY_DIVISOR: u32 = 10;

/// A monotonic clock that knows when the caller last resumed after an absence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: Instant,
    woke_at: Instant,
    retry: RetryPolicy,
}

impl Clock {
    /// Creates a clock at zero. The interval is at least 1 ms.
    pub(crate) fn new(retry: RetryPolicy) -> Self {
        Self {
            now: Instant::ZERO,
            woke_at: Instant::ZERO,
            retry: RetryPolicy {
                interval_ms: retry.interval_ms.max(1),
                ..retry
            },
        }
    }

    /// Sets the current time. An interval or more since the last call is an absence: the process
    /// was stopped.
    //= PROTOCOL.md#7.7
    pub(super) fn advance(&mut self, now: Instant) {
        if now.millis_since(self.now) >= self.retry.interval_ms.into() {
            self.woke_at = now;
        }
        self.now = now.max(self.now);
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Returns when the caller last resumed after an absence.
    pub(super) fn woke_at(&self) -> Instant {
        self.woke_at
    }

    pub(super) fn retry(&self) -> RetryPolicy {
        self.retry
    }

    /// Returns when an acknowledgement that is delayed now must be sent.
    //= PROTOCOL.md#6.3
    pub(super) fn delayed(&self) -> Instant {
        let default_ms = RetryPolicy::DEFAULT.interval_ms;
        let interval_ms = self.retry.interval_ms.min(default_ms);
        self.now.plus_millis((interval_ms / DELAY_DIVISOR).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_goes_back() {
        let mut clock = Clock::new(RetryPolicy::DEFAULT);
        clock.advance(Instant::from_millis(400));
        clock.advance(Instant::from_millis(300));
        assert_eq!(clock.now().as_millis(), 400);
        assert_eq!(clock.woke_at(), Instant::ZERO);
    }

    #[test]
    fn notices_an_absence_of_an_interval() {
        let mut clock = Clock::new(RetryPolicy::DEFAULT);
        clock.advance(Instant::from_millis(499));
        assert_eq!(clock.woke_at(), Instant::ZERO);
        clock.advance(Instant::from_millis(999));
        assert_eq!(clock.woke_at().as_millis(), 999);
    }

    #[test]
    fn delays_by_a_tenth_of_the_shorter_interval() {
        for (interval_ms, delay_ms) in [(0, 0), (100, 10), (500, 50), (5_000, 50)] {
            let clock = Clock::new(RetryPolicy {
                interval_ms,
                retries: 5,
            });
            assert_eq!(clock.delayed().as_millis(), delay_ms);
        }
    }
}
