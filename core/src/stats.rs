//! Counters: what came, what went, and why something was dropped.

use crate::wire::{DATAGRAM_KINDS, FRAME_KINDS};

/// Why a datagram, or a frame in it, had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Drop {
    /// Longer than [`DATAGRAM_LEN_MAX`](crate::limits::DATAGRAM_LEN_MAX), or too short to be anything.
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
    /// From somebody who is not in the table, or for another incarnation.
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
    /// Claims to be from somebody who has another key.
    ForeignKey,
    /// A message that was not sealed for us, or was changed.
    Unreadable,
}

impl Drop {
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

/// What became of a datagram that was handed to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It took effect.
    Accepted,
    /// It had no effect, for this reason; the reason was counted.
    Ignored(Drop),
    /// It is valid, but there is no room now. It was not acknowledged, so the sender will repeat it.
    Busy,
}

/// What went in one direction.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Datagrams, whatever was in them.
    pub datagrams: u64,
    /// Bytes of UDP payload in them.
    pub bytes: u64,
    datagrams_by_kind: [u64; DATAGRAM_KINDS.len()],
    frames_by_kind: [u64; FRAME_KINDS.len()],
}

impl Traffic {
    /// Datagrams of each kind, by its name. What could not be parsed has no kind.
    pub fn datagrams_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        DATAGRAM_KINDS.into_iter().zip(self.datagrams_by_kind)
    }

    /// Numbered frames of each kind, by its name: taken over, or sent with their repetitions.
    pub fn frames_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        FRAME_KINDS.into_iter().zip(self.frames_by_kind)
    }

    /// Numbered frames of all kinds.
    pub fn frames(&self) -> u64 {
        self.frames_by_kind.iter().sum()
    }

    pub(crate) fn count_bytes(&mut self, len: usize) {
        self.datagrams += 1;
        self.bytes += len as u64;
    }

    pub(crate) fn count_kind(&mut self, datagram: &[u8]) {
        let kind = datagram.get(1).copied().unwrap_or_default();
        if let Some(count) = self.datagrams_by_kind.get_mut(usize::from(kind)) {
            *count += 1;
        }
    }

    pub(crate) fn count_frame(&mut self, kind: usize) {
        if let Some(count) = self.frames_by_kind.get_mut(kind) {
            *count += 1;
        }
    }
}

/// Counters since the machine was made; they never wrap in practice and never panic.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Datagrams handed in.
    pub received: Traffic,
    /// Datagrams built.
    pub sent: Traffic,
    /// Datagrams repeated because time ran out.
    pub retransmissions_timed: u64,
    /// Rounds repeated because the other side reported a gap.
    pub retransmissions_on_evidence: u64,
    /// Hop sessions given up after the last retry.
    pub give_ups: u64,
    drops: [u64; Drop::ALL.len()],
}

impl Stats {
    /// How often something was dropped for this reason.
    pub fn drops(&self, reason: Drop) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or_default()
    }

    #[cold]
    pub(crate) fn drop(&mut self, reason: Drop) -> Handled {
        crate::trace!("dropped: {}", reason.name());
        if let Some(count) = self.drops.get_mut(reason as usize) {
            *count += 1;
        }
        if matches!(reason, Drop::Busy | Drop::RateExceeded) {
            Handled::Busy
        } else {
            Handled::Ignored(reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_numbered_in_order() {
        for (number, reason) in Drop::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
        }
        assert_eq!(Stats::default().drops(Drop::Offline), 0);
    }
}
