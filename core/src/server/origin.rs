//! The origin of a stored message or channel log entry.

/// The request of a process that created a stored message or channel log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Origin {
    /// The sender's process.
    pub(super) incarnation: u64,
    /// The sender's number of the message.
    pub(super) counter: u32,
    /// The sender's number of the request.
    pub(super) request: u32,
}

impl Origin {
    /// No request; all zero bits.
    pub(super) const VACANT: Self = Self {
        incarnation: 0,
        counter: 0,
        request: 0,
    };
}
