//! Where a session is in its life, and what follows from that.

use crate::time::Instant;

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub(crate) enum Phase {
    Closed,
    /// It was asked for, and there is no answer yet.
    Opening,
    /// The other side asked for it, and the owner has not confirmed it yet.
    Accepted,
    Open,
}

/// What is to be sent to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// A `Hello` or `Call`, or a request for a cookie.
    Opening,
    /// An `Accept`.
    Accept,
    /// Frames, an acknowledgement, or a probe.
    Data,
}

/// A session whose place in the list of deadlines changes; zero stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relisted {
    pub(crate) before: Instant,
    pub(crate) after: Instant,
}

/// What an expired deadline led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Something goes out again, or there is one more interval to wait.
    Waits,
    /// The other side was silent to the end: the session is given up.
    GaveUp,
}
