//! The time of the core: a monotonic millisecond counter that the caller advances.

/// A point in monotonic time, in milliseconds since a start that the caller chose.
///
/// The core never reads a clock. If the caller passes an earlier time than before, the core uses
/// the later one, so that a clock that steps back does no harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct Instant {
    millis: u64,
}

impl Instant {
    /// The start of the caller's clock.
    pub const ZERO: Self = Self { millis: 0 };

    /// Returns the instant `millis` milliseconds after the start of the caller's clock.
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    /// Returns the milliseconds since the start of the caller's clock.
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// Returns this instant plus `millis` milliseconds; saturates at the maximum.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self {
            millis: self.millis.saturating_add(millis),
        }
    }

    /// Returns the milliseconds from `earlier` to this instant; 0 if `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.millis.saturating_sub(earlier.millis)
    }
}

/// An [`Instant`] without alignment: beside small fields of a slot it takes 8 bytes instead of up
/// to 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct PackedInstant([u8; 8]);

impl PackedInstant {
    /// The start of the caller's clock; all zero bits.
    pub(crate) const ZERO: Self = Self([0; 8]);

    /// Returns the instant.
    pub(crate) const fn get(self) -> Instant {
        Instant::from_millis(u64::from_le_bytes(self.0))
    }
}

impl From<Instant> for PackedInstant {
    fn from(instant: Instant) -> Self {
        Self(instant.millis.to_le_bytes())
    }
}

/// Seconds since 1970-01-01 00:00:00 UTC, up to the year 2106: the timestamp of a message.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct UnixSeconds(pub u32);
