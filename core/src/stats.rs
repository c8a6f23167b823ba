//! Counters of traffic, retransmissions and drops.

use crate::drop_reason::{Disposition, DropReason};
use crate::wire::{DATAGRAM_KINDS, FRAME_KINDS};

/// Counters of the traffic in one direction.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Number of datagrams, valid or not.
    pub datagrams: u64,
    /// Number of bytes of UDP payload.
    pub bytes: u64,
    datagrams_by_kind: [u64; DATAGRAM_KINDS.len()],
    frames_by_kind: [u64; FRAME_KINDS.len()],
}

impl Traffic {
    /// Returns the number of datagrams of each kind, with the name of the kind. It does not include
    /// datagrams that could not be parsed.
    pub fn datagrams_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        DATAGRAM_KINDS.into_iter().zip(self.datagrams_by_kind)
    }

    /// Returns the number of frames of each kind, with the name of the kind: accepted, or sent with
    /// retransmissions.
    pub fn frames_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        FRAME_KINDS.into_iter().zip(self.frames_by_kind)
    }

    /// Returns the number of frames of all kinds.
    pub fn frames(&self) -> u64 {
        self.frames_by_kind.iter().sum()
    }

    /// Counts a datagram of `len` bytes.
    pub(crate) fn count_bytes(&mut self, len: usize) {
        self.datagrams += 1;
        self.bytes += len as u64;
    }

    /// Counts the kind of a valid datagram.
    pub(crate) fn count_kind(&mut self, datagram: &[u8]) {
        let kind = datagram.get(1).copied().unwrap_or_default();
        if let Some(count) = self.datagrams_by_kind.get_mut(usize::from(kind)) {
            *count += 1;
        }
    }

    /// Counts a frame of this kind.
    pub(crate) fn count_frame(&mut self, kind: usize) {
        if let Some(count) = self.frames_by_kind.get_mut(kind) {
            *count += 1;
        }
    }
}

/// Counters since the machine was created. They do not wrap in practice, and never panic.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Traffic of received datagrams.
    pub received: Traffic,
    /// Traffic of datagrams to send.
    pub sent: Traffic,
    /// Number of timed retransmissions.
    pub retransmissions_timed: u64,
    /// Number of retransmissions after a NACK.
    pub retransmissions_on_evidence: u64,
    /// Number of sessions that were given up after the last retry.
    pub give_ups: u64,
    drops: [u64; DropReason::ALL.len()],
}

impl Stats {
    /// Returns the number of drops for this reason.
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or_default()
    }

    /// Counts a reason why an input had no effect; returns the result for the caller.
    #[cold]
    pub(crate) fn count_drop(&mut self, reason: DropReason) -> Disposition {
        crate::trace!("dropped: {}", reason.name());
        if let Some(count) = self.drops.get_mut(reason as usize) {
            *count += 1;
        }
        if matches!(reason, DropReason::Busy | DropReason::RateExceeded) {
            Disposition::Busy
        } else {
            Disposition::Ignored(reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_reasons_in_order() {
        for (number, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
        }
        assert_eq!(Stats::default().drops(DropReason::Offline), 0);
    }
}
