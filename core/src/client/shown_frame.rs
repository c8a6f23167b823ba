//! The frame of a message that is shown.

/// The frame of a message whose receipt the caller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ShownFrame {
    /// The local id of its session, which may have ended since.
    pub(super) session: u64,
    pub(super) peer: u32,
    pub(super) number: u32,
    /// Its acknowledgement may be delayed.
    pub(super) may_wait: bool,
}
