//! The wall clock of a world, and the patience of the protocol.

use chatapp_core::{RetryPolicy, UnixSeconds};

use crate::queue::Millis;

/// Patience of the protocol: first sending to giving up.
pub const PATIENCE: Millis = RetryPolicy::DEFAULT.patience_ms();

/// The wall clock when the world begins.
pub const WALL_CLOCK_START: u32 = 1_800_000_000;

/// Returns the time of the wall clock.
pub fn wall_clock(at: Millis) -> UnixSeconds {
    UnixSeconds(WALL_CLOCK_START + u32::try_from(at / 1_000).unwrap_or(u32::MAX / 4))
}
