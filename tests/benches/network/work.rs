//! Amount of the measured work, and its text.

/// Text of every message: 64 bytes.
pub(crate) const TEXT: &str = "a message of sixty-four bytes, as people write them to friends..";
/// Length of a message of the baselines in bytes: a number before the text.
pub(crate) const BARE_LEN: usize = 8 + TEXT.len();
const _: () = assert!(TEXT.len() == 64);

/// Amount of measured work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Number of pairs of runs, alternately of ChatApp and of the baseline.
    pub(crate) rounds: usize,
    /// Divisor of the number of messages in each run.
    pub(crate) divisor: usize,
}
