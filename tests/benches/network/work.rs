//! How much is measured, and with which text.

/// A line of text of 64 bytes: what every message says.
pub(crate) const TEXT: &str = "a message of sixty-four bytes, as people write them to friends..";
/// Bytes of one message in the baselines: a number in front of the text.
pub(crate) const BARE_LEN: usize = 8 + TEXT.len();
const _: () = assert!(TEXT.len() == 64);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Pairs of runs, of ChatApp and of the baseline in turn.
    pub(crate) rounds: usize,
    /// Divides the messages of one run.
    pub(crate) divisor: usize,
}
