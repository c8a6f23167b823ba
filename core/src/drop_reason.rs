//! Why something had no effect.

/// Why a datagram, or a frame in it, had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum DropReason {
    /// Longer than [`DATAGRAM_LEN_MAX`](crate::limits::DATAGRAM_LEN_MAX), or too short to be
    /// anything.
    BadLength,
    /// Written in another version of the protocol.
    ForeignVersion,
    /// Not a datagram of this protocol.
    Malformed,
    /// The tag does not fit: it was damaged or forged.
    BadTag,
    /// A kind of datagram or frame that has no meaning for this side.
    Unexpected,
    /// For a session that does not exist (any more).
    UnknownSession,
    /// From another address than that of the session or table entry it names.
    WrongAddress,
    /// From a name that is not in the table, or for another incarnation.
    UnknownPeer,
    /// A repetition of what was already accepted.
    Duplicate,
    /// Behind a datagram that is missing; it will be repeated.
    OutOfOrder,
    /// An acknowledgement of what was never sent.
    BadAcknowledgement,
    /// No room at this moment; the sender will repeat it.
    Busy,
    /// A registration without a valid cookie (it gets one).
    NoCookie,
    /// A request for a session that was refused (it is told why).
    Refused,
    /// This client is deregistered and takes nothing from peers.
    Offline,
    /// Its source asks for more than its share; the sender will repeat it.
    RateExceeded,
    /// Its number in the session came already, or is too old.
    Replayed,
    /// Claims to be from a name that has another key.
    ForeignKey,
    /// A message that was encrypted for another recipient, or was changed.
    Unreadable,
}

impl DropReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 19] = [
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
    ];

    /// A short name for logs, such as `bad-tag`.
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
        }
    }
}

/// The result of handing a datagram to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It took effect.
    Accepted,
    /// It had no effect, for this reason; the reason was counted.
    Ignored(DropReason),
    /// It is valid, but there is no room now. It was not acknowledged, so the sender will repeat
    /// it.
    Busy,
}
