//! The phases of a session, and their consequences.

use crate::time::Instant;

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub(crate) enum Phase {
    Closed,
    /// It was asked for, and there is no answer yet.
    Handshaking,
    /// The other side asked for it, and the owner has not confirmed it yet.
    Accepted,
    Open,
}

/// The datagram that is to be sent to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// A `ClientHello` or `PeerHello`, or a request for a cookie.
    Handshake,
    /// An `Accept`.
    Accept,
    /// Frames, an acknowledgement, or a probe.
    Data,
}

/// The needs of a session, in the eyes of its owner.
pub(crate) struct Needs {
    /// It has something to send.
    pub(crate) is_ready: bool,
    /// A closed window of the other side is asked about.
    pub(crate) asks_for_window: bool,
}

/// A session whose place in the list of deadlines changes; zero stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relisted {
    pub(crate) before: Instant,
    pub(crate) after: Instant,
}

/// The effect of an expired deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Something goes out again, or there is one more interval to wait.
    Waits,
    /// The other side was silent to the end: the session is given up.
    GaveUp,
}
