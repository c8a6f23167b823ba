//! How far each recipient has got the channel log, and what it gets next.

use super::channel_log::ChannelLog;

/// What of the log comes next for a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextEntry {
    /// This entry.
    Entry { number: u32, order: u64 },
    /// Entries up to this number fell out of the log; so many of them were for the recipient.
    Skipped { upto: u32, count: u32 },
}

impl NextEntry {
    /// Returns the place among all messages; entries that are gone come before everything else.
    pub(super) fn order(self) -> u64 {
        match self {
            Self::Entry { order, .. } => order,
            Self::Skipped { .. } => 0,
        }
    }
}

/// How far one recipient has got the log. Its own entries and void ones are passed over.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct ChannelCursor {
    /// Next entry to be acknowledged.
    acked: u32,
    /// Next entry to be sent.
    sent: u32,
    /// Up to here entries were sent in this session: those between this and `sent` were passed
    /// over.
    sent_in_session: u32,
    /// Own entries that fell out of the log before the cursor came to them.
    own_lost: u32,
}

impl ChannelCursor {
    /// Before all entries; all zero bits.
    pub(super) const VACANT: Self = Self::at(0);

    /// Creates a cursor that stands before this entry.
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

    /// Returns whether the recipient may have entries to get.
    pub(super) fn is_behind(&self, log: &ChannelLog<'_>) -> bool {
        self.sent < log.visible()
    }

    /// Moves the cursor, as nothing before this entry is for the name.
    pub(super) fn jump_to(&mut self, number: u32) {
        self.acked = number;
        self.sent = number;
        self.own_lost = 0;
    }

    /// Moves the cursor forward, as an earlier life of the server has stored it.
    pub(super) fn restore(&mut self, number: u32) {
        self.jump_to(self.acked.max(number));
    }

    /// Notes that an entry of this name fell out of the log: recipients that are behind are told
    /// how many are gone, not counting their own.
    pub(super) fn lose_own(&mut self, number: u32) {
        if number >= self.sent {
            self.own_lost += 1;
        }
    }

    // ---- delivery ----

    /// Returns the next entry for the recipient, whose own name is in slot `own`, and how many it
    /// has lost before it.
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
                self.pass_to(log.first());
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
            self.pass_to(number + 1);
        }
    }

    /// Goes over entries that are not sent.
    fn pass_to(&mut self, number: u32) {
        if self.acked == self.sent {
            self.acked = number;
        }
        self.sent = number;
    }

    /// Notes that an entry was sent.
    pub(super) fn on_sent(&mut self, number: u32) {
        self.sent = number + 1;
        self.sent_in_session = number + 1;
    }

    /// Notes that the recipient was told of the entries up to this number that are gone.
    pub(super) fn on_skipped_sent(&mut self, upto: u32) {
        self.sent = upto;
        self.sent_in_session = upto;
        self.own_lost = 0;
    }

    /// Notes that the recipient acknowledged the entries before `upto`.
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

    /// Notes that the recipient has shown the entries up to this one; returns whether it is news.
    pub(super) fn on_shown(&mut self, log: &ChannelLog<'_>, number: u32) -> bool {
        let next = number.saturating_add(1).min(log.visible());
        let is_news = next > self.acked;
        if is_news {
            self.acked = next;
            self.own_lost = 0;
        }
        is_news
    }

    /// Notes that the session has ended: entries that were not acknowledged are to be sent again.
    pub(super) fn rewind(&mut self) {
        self.sent = self.acked;
        self.sent_in_session = self.acked;
    }

    /// Returns whether the recipient has not acknowledged everything from before `boundary`.
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
    use crate::server::channel_log::{Appended, Evicted, LogSlot};
    use crate::server::origin::Origin;
    use crate::time::UnixSeconds;

    const ALICE: u32 = 0;
    const BOB: u32 = 1;

    /// A log of two entries.
    fn with(test: impl FnOnce(&mut ChannelLog<'_>)) {
        let (mut slots, mut words) = ([LogSlot::VACANT; 2], [0; 16]);
        test(&mut ChannelLog::new(&mut slots, &mut words).unwrap());
    }

    /// Posts an entry of Alice's, and stores it.
    fn post(log: &mut ChannelLog<'_>) -> Appended {
        let entry = LogSlot::new(ALICE, Origin::VACANT, UnixSeconds(1), 0);
        let appended = log.append(entry, "hello");
        if let Appended::Entry(number) = appended {
            log.saved(number);
            log.publish(number, number.into(), true);
        }
        appended
    }

    #[test]
    fn says_how_many_entries_are_lost() {
        with(|log| {
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
            // Her own are not lost to her.
            assert_eq!(alice.next(log, ALICE), None);
            assert_eq!(alice.acked(), 6);
        });
    }

    #[test]
    fn sends_again_what_was_not_acked() {
        with(|log| {
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
