//! Token buckets, which limit the rate of requests.
//!
//! The state of a bucket is the time at which it will be full again. This is the virtual scheduling
//! algorithm of ITU-T I.371, annex A. It needs no timer to refill a bucket.

use crate::time::Instant;

const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The parameters of a token bucket: rate and burst of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Number of tokens that the bucket gains in each second; 0 for no limit.
    pub per_second: u32,
    /// Number of tokens in a full bucket.
    pub burst: u32,
}

impl RateLimit {
    /// Stands for "no limit".
    pub const NONE: Self = Self {
        per_second: 0,
        burst: 0,
    };

    /// Creates a limit of `per_second` tokens, with a burst of `burst_seconds` times as many.
    pub const fn new(per_second: u32, burst_seconds: u32) -> Self {
        Self {
            per_second,
            burst: per_second.saturating_mul(burst_seconds),
        }
    }

    fn nanos(self, amount: u32) -> u64 {
        (u64::from(amount) * NANOS_PER_SECOND)
            .checked_div(self.per_second.into())
            .unwrap_or_default()
    }
}

/// A token bucket: the time at which it will be full, in nanoseconds of the caller's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// A full bucket: all zero bits.
    pub(crate) const FULL: Self = Self { full_at: 0 };

    /// Returns when the bucket will be full.
    pub(crate) fn full_at(self) -> u64 {
        self.full_at
    }

    /// Returns the bucket after `amount` tokens are taken now, or `None` if it has too few.
    pub(crate) fn without(self, amount: u32, limit: RateLimit, now: Instant) -> Option<Self> {
        let now = nanos(now);
        let full_at = self.full_at.max(now).saturating_add(limit.nanos(amount));
        // A request larger than the whole bucket passes when the bucket is full.
        let depth = limit.nanos(limit.burst.max(amount));
        (full_at - now <= depth).then_some(Self { full_at })
    }
}

/// Returns an instant in nanoseconds of the caller's clock.
pub(crate) fn nanos(now: Instant) -> u64 {
    now.as_millis().saturating_mul(NANOS_PER_MILLI)
}
