//! Which request made a stored message or an entry of the channel log.

/// The request of a process that made a stored message or an entry of the channel log.
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
    /// None; all zero bits.
    pub(super) const VACANT: Self = Self {
        incarnation: 0,
        counter: 0,
        request: 0,
    };
}
