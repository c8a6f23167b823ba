//! The wall clock of a world, and the time until the protocol gives up.

use chatapp_core::{RetryPolicy, UnixSeconds};

use crate::queue::Millis;

/// Time from the first transmission until the protocol gives up, in ms.
pub const PATIENCE: Millis = RetryPolicy::DEFAULT.patience_ms();

/// The wall clock at the start of the world, in Unix seconds.
pub const WALL_CLOCK_START: u32 = 1_800_000_000;

/// Returns the wall clock at a virtual time.
pub fn wall_clock(at: Millis) -> UnixSeconds {
    UnixSeconds(WALL_CLOCK_START + u32::try_from(at / 1_000).unwrap_or(u32::MAX / 4))
}
