//! The reasons to drop a datagram or a frame.

/// The reason why a datagram, or a frame in it, had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum DropReason {
    /// The datagram is longer than [`DATAGRAM_LEN_MAX`](crate::limits::DATAGRAM_LEN_MAX), or too
    /// short.
    BadLength,
    /// The datagram has another version of the protocol.
    ForeignVersion,
    /// The datagram or frame does not follow the format.
    Malformed,
    /// The tag is wrong: the datagram was damaged or forged, or is of another room or session.
    BadTag,
    /// The kind of datagram or frame has no meaning in this role or state.
    Unexpected,
    /// The session does not exist, or has ended.
    UnknownSession,
    /// The source is another address than that of the session or roster entry.
    WrongAddress,
    /// The sender's name is not in the roster, or the datagram is for another incarnation.
    UnknownPeer,
    /// The datagram or frame was accepted before.
    Duplicate,
    /// A frame before it is missing; the sender will repeat both.
    OutOfOrder,
    /// It acknowledges a frame that was never sent.
    BadAcknowledgement,
    /// There is no room now; the sender will repeat it.
    Busy,
    /// The ClientHello has no valid cookie; a Cookie answers it.
    NoCookie,
    /// The request for a session was refused, with a reason.
    Refused,
    /// This client is deregistered, and accepts nothing from peers.
    Offline,
    /// The source has used up its quota; the sender will repeat it.
    RateExceeded,
    /// The packet number was accepted before, or is too old.
    Replayed,
    /// The sender's name belongs to another key.
    ForeignKey,
    /// The stored message cannot be decrypted: it is for another recipient, or was changed.
    Unreadable,
    /// From a name whose key cannot be pinned, because all pins are in use.
    PinsFull,
    /// The key, or the source address, has as many names as the server allows.
    TooManyNames,
    /// The user ignores the key of the sender.
    IgnoredKey,
}

impl DropReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 22] = [
        Self::BadLength,
        Self::ForeignVersion,
        Self::Malformed,
        Self::BadTag,
        Self::Unexpected,
        Self::UnknownSession,
        Self::WrongAddress,
        Self::UnknownPeer,
        Self::Duplicate,
        Self::OutOfOrder,
        Self::BadAcknowledgement,
        Self::Busy,
        Self::NoCookie,
        Self::Refused,
        Self::Offline,
        Self::RateExceeded,
        Self::Replayed,
        Self::ForeignKey,
        Self::Unreadable,
        Self::PinsFull,
        Self::TooManyNames,
        Self::IgnoredKey,
    ];

    /// Returns a short name for logs, such as `bad-tag`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadLength => "bad-length",
            Self::ForeignVersion => "foreign-version",
            Self::Malformed => "malformed",
            Self::BadTag => "bad-tag",
            Self::Unexpected => "unexpected",
            Self::UnknownSession => "unknown-session",
            Self::WrongAddress => "wrong-address",
            Self::UnknownPeer => "unknown-peer",
            Self::Duplicate => "duplicate",
            Self::OutOfOrder => "out-of-order",
            Self::BadAcknowledgement => "bad-acknowledgement",
            Self::Busy => "busy",
            Self::NoCookie => "no-cookie",
            Self::Refused => "refused",
            Self::Offline => "offline",
            Self::RateExceeded => "rate-exceeded",
            Self::Replayed => "replayed",
            Self::ForeignKey => "foreign-key",
            Self::Unreadable => "unreadable",
            Self::PinsFull => "pins-full",
            Self::TooManyNames => "too-many-names",
            Self::IgnoredKey => "ignored-key",
        }
    }
}

/// The result of [`Endpoint::handle_datagram`](crate::Endpoint::handle_datagram).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The datagram took effect.
    Accepted,
    /// The datagram had no effect, for this reason, which was counted.
    Ignored(DropReason),
    /// The datagram is valid, but there is no room now, or its source has used up its quota. It is
    /// not acknowledged, so that the sender repeats it.
    Busy,
}
