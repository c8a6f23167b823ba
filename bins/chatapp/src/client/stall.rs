//! A disk that does not take a key.

use chatapp_core::Instant;

/// Time after which the user learns that the disk does not answer.
const NOTICE_MS: u64 = 1_000;

/// Whether a key waits for the disk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Stall {
    #[default]
    None,
    /// If it still does then, the user learns that.
    Until(Instant),
    Shown,
}

impl Stall {
    /// Returns that a key waits from now on.
    pub(super) fn from(now: Instant) -> Self {
        Self::Until(now.plus_millis(NOTICE_MS))
    }

    /// Returns when to look again.
    pub(super) fn due(self) -> Option<Instant> {
        match self {
            Self::Until(due) => Some(due),
            Self::None | Self::Shown => None,
        }
    }
}
