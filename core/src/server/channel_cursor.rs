//! The position of a recipient in the channel log.

use super::channel_log::ChannelLog;

/// The next delivery from the log to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextEntry {
    /// The entry with this number.
    Entry { number: u32, order: u64 },
    /// The entries before `upto` fell out of the log; `count` of them were for the recipient.
    Skipped { upto: u32, count: u32 },
}

impl NextEntry {
    /// Returns the position in the common order; lost entries come before everything else.
    pub(super) fn order(self) -> u64 {
        match self {
            Self::Entry { order, .. } => order,
            Self::Skipped { .. } => 0,
        }
    }
}

/// The position of one recipient in the log. It skips the recipient's own entries and void ones.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct ChannelCursor {
    /// Next entry to be acknowledged.
    acked: u32,
    /// Next entry to be sent.
    sent: u32,
    /// One past the last entry that was sent in this session: the cursor skipped those from here to
    /// `sent`.
    sent_in_session: u32,
    /// Own entries that fell out of the log before the cursor reached them.
    own_lost: u32,
}

impl ChannelCursor {
    /// A cursor before all entries; all zero bits.
    pub(super) const VACANT: Self = Self::at(0);

    /// Creates a cursor before this entry.
    pub(super) const fn at(number: u32) -> Self {
        Self {
            acked: number,
            sent: number,
            sent_in_session: 0,
            own_lost: 0,
        }
    }

    /// Returns the next entry that the recipient has not acknowledged.
    pub(super) fn acked(&self) -> u32 {
        self.acked
    }

    /// Returns whether entries may wait for the recipient.
    pub(super) fn is_behind(&self, log: &ChannelLog<'_>) -> bool {
        self.sent < log.visible()
    }

    /// Moves the cursor to this entry: no earlier entry is for the recipient.
    pub(super) fn jump_to(&mut self, number: u32) {
        self.acked = number;
        self.sent = number;
        self.own_lost = 0;
    }

    /// Moves the cursor forward to the position that an earlier run of the server stored.
    pub(super) fn restore(&mut self, number: u32) {
        self.jump_to(self.acked.max(number));
    }

    /// Counts an own entry that fell out of the log. A recipient that is behind learns how many
    /// entries it lost, without its own.
    pub(super) fn lose_own(&mut self, number: u32) {
        if number >= self.sent {
            self.own_lost += 1;
        }
    }

    // ---- delivery ----

    /// Returns the next entry for the recipient in slot `own`, or how many entries it lost before
    /// it.
    pub(super) fn next(&mut self, log: &ChannelLog<'_>, own: u32) -> Option<NextEntry> {
        loop {
            let number = self.sent;
            if number < log.first() {
                let count = (log.first() - number).saturating_sub(self.own_lost);
                if count != 0 {
                    let upto = log.first();
                    return Some(NextEntry::Skipped { upto, count });
                }
                self.own_lost = 0;
                self.skip_to(log.first());
                continue;
            }
            if number >= log.visible() {
                return None;
            }
            let entry = log.get(number)?;
            if entry.is_for(own) {
                let order = entry.order();
                return Some(NextEntry::Entry { number, order });
            }
            self.skip_to(number + 1);
        }
    }

    /// Skips entries that are not sent.
    fn skip_to(&mut self, number: u32) {
        if self.acked == self.sent {
            self.acked = number;
        }
        self.sent = number;
    }

    /// Records that an entry was sent.
    pub(super) fn on_sent(&mut self, number: u32) {
        self.sent = number + 1;
        self.sent_in_session = number + 1;
    }

    /// Records that a Skipped frame for the entries before `upto` was sent.
    pub(super) fn on_skipped_sent(&mut self, upto: u32) {
        self.sent = upto;
        self.sent_in_session = upto;
        self.own_lost = 0;
    }

    /// Records that the recipient acknowledged the entries before `upto`.
    pub(super) fn on_acked(&mut self, log: &ChannelLog<'_>, own: u32, upto: u32) {
        self.acked = self.acked.max(upto);
        if self.acked >= self.sent_in_session {
            self.acked = self.sent;
        }
        // Its own entries need no acknowledgement.
        while self.acked < self.sent && log.get(self.acked).is_some_and(|entry| !entry.is_for(own))
        {
            self.acked += 1;
        }
    }

    /// Records that the recipient has shown the entries up to this one; returns whether the cursor
    /// moved.
    pub(super) fn on_shown(&mut self, log: &ChannelLog<'_>, number: u32) -> bool {
        let next = number.saturating_add(1).min(log.visible());
        let has_moved = next > self.acked;
        if has_moved {
            self.acked = next;
            self.own_lost = 0;
        }
        has_moved
    }

    /// Returns to the last acknowledged entry when the session ends, so that the rest is sent
    /// again.
    pub(super) fn rewind(&mut self) {
        self.sent = self.acked;
        self.sent_in_session = self.acked;
    }

    /// Returns whether the recipient has not acknowledged all entries before `boundary`.
    pub(super) fn is_before(&mut self, log: &ChannelLog<'_>, own: u32, boundary: u64) -> bool {
        if self.acked < self.sent {
            let entry = log.get(self.acked);
            return entry.is_none_or(|entry| entry.order() < boundary);
        }
        let next = self.next(log, own);
        next.is_some_and(|entry| entry.order() < boundary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::channel_log::example::{ALICE, BOB, post, with_log};
    use crate::server::channel_log::{Appended, Evicted};

    #[test]
    fn counts_lost_entries_of_others() {
        with_log(|log| {
            let (mut alice, mut bob) = (ChannelCursor::at(1), ChannelCursor::at(1));
            while log.next_number() < 6 {
                if let Appended::Evicted(Evicted { lost, .. }) = post(log) {
                    alice.lose_own(lost.unwrap().0);
                }
            }
            let skipped = NextEntry::Skipped { upto: 4, count: 3 };
            assert_eq!(bob.next(log, BOB), Some(skipped));
            bob.on_skipped_sent(4);
            let entry = NextEntry::Entry {
                number: 4,
                order: 4,
            };
            assert_eq!(bob.next(log, BOB), Some(entry));
            // Own entries do not count as lost.
            assert_eq!(alice.next(log, ALICE), None);
            assert_eq!(alice.acked(), 6);
        });
    }

    #[test]
    fn repeats_entries_that_were_not_acked() {
        with_log(|log| {
            post(log);
            post(log);
            let mut bob = ChannelCursor::at(1);
            bob.on_sent(1);
            bob.on_sent(2);
            bob.on_acked(log, BOB, 2);
            assert!(bob.is_before(log, BOB, 3) && !bob.is_before(log, BOB, 2));
            bob.rewind();
            let second = NextEntry::Entry {
                number: 2,
                order: 2,
            };
            assert_eq!(bob.next(log, BOB), Some(second));
            assert!(!bob.on_shown(log, 1) && bob.on_shown(log, 9));
            assert_eq!(bob.acked(), 3, "nothing is shown before it is visible");
        });
    }
}
