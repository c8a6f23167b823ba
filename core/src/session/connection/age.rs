//! The age of a session: its keys serve for a limited time.

use crate::time::Instant;

/// When the keys of a session came into use.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Age {
    /// In milliseconds, modulo 2^32: 49 days.
    since: u32,
}

impl Age {
    pub(super) const VACANT: Self = Self { since: 0 };

    /// Begins with age zero.
    pub(super) fn beginning(now: Instant) -> Self {
        Self {
            since: now.as_millis() as u32,
        }
    }

    /// Returns the age in milliseconds.
    pub(super) fn millis(self, now: Instant) -> u32 {
        (now.as_millis() as u32).wrapping_sub(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_its_beginning() {
        let born = Instant::from_millis(u64::from(u32::MAX) - 5);
        let age = Age::beginning(born);
        assert_eq!(age.millis(born), 0);
        assert_eq!(age.millis(born.plus_millis(3_600_000)), 3_600_000);
    }
}
