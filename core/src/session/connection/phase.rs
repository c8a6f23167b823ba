//! The phases of a session, and their consequences.

use crate::time::Instant;

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub(crate) enum Phase {
    Closed,
    /// This side has asked for the session, and has no answer yet.
    Handshaking,
    /// The peer has asked for the session, and the owner has not confirmed it yet.
    Accepted,
    Open,
}

/// The next datagram to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// A `ClientHello`, `PeerHello` or `CookieRequest`.
    Handshake,
    /// An `Accept`.
    Accept,
    /// Frames, an acknowledgement, or a probe.
    Data,
}

/// The needs of a session, as its owner sees them.
pub(crate) struct Needs {
    /// There is a datagram to send.
    pub(crate) is_ready: bool,
    /// Frames wait, so that a closed window of the peer must be probed.
    pub(crate) asks_for_window: bool,
}

/// The old and the new deadline of a session; zero for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relisted {
    pub(crate) before: Instant,
    pub(crate) after: Instant,
}

/// The effect of an expired deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The session retransmits, or waits one more interval.
    Waits,
    /// The peer did not answer any retransmission: the session is given up.
    GaveUp,
}
