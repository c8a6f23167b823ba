//! Values that are the same in every run.

/// The entropy of every tested machine.
pub const SEED: [u8; 32] = *b"the seed of every run in fuzzing";

/// The wall clock of every run.
pub(crate) const WALL_CLOCK: u32 = 1_648_150_292;
