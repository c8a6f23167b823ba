//! Token buckets: how much of something may be asked for.
//!
//! A bucket is kept as the time at which it will be full again (the "virtual scheduling" form of
//! ITU-T I.371, annex A), so that nothing has to be refilled.

use crate::time::Instant;

const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How much of something one source may ask for: so much at once, and then so much in each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The tokens that are added in each second; 0 for no limit.
    pub per_second: u32,
    /// The tokens of a full bucket.
    pub burst: u32,
}

impl RateLimit {
    /// No limit.
    pub const NONE: Self = Self {
        per_second: 0,
        burst: 0,
    };

    /// So much in each second, and so many seconds' worth at once.
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

/// When a bucket will be full, in nanoseconds of the caller's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Bucket {
    full_at: u64,
}

impl Bucket {
    pub(crate) const FULL: Self = Self { full_at: 0 };

    pub(crate) fn full_at(self) -> u64 {
        self.full_at
    }

    /// When it is full again if so much is taken from it now; `None` if there is not so much in it.
    pub(crate) fn without(self, amount: u32, limit: RateLimit, now: Instant) -> Option<Self> {
        let now = nanos(now);
        let full_at = self.full_at.max(now).saturating_add(limit.nanos(amount));
        // A request larger than the whole bucket passes when the bucket is full.
        let depth = limit.nanos(limit.burst.max(amount));
        (full_at - now <= depth).then_some(Self { full_at })
    }
}

pub(crate) fn nanos(now: Instant) -> u64 {
    now.as_millis().saturating_mul(NANOS_PER_MILLI)
}
