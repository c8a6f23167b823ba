//! The messages that are shown, and not written yet.

use super::record::Shown;

/// Number of groups of messages. Those of one process and kind are in one group.
const GROUPS: usize = 16;

/// Messages of one group whose receipts the caller has.
#[derive(Clone, Copy)]
struct Group {
    /// The sequence number of its last receipt.
    last: u32,
    /// The lowest counter among those that were not written when it was shown.
    first: u32,
}

/// The messages whose receipts the caller has, roughly: a message of another process that falls
/// into the same group is taken for one of them.
pub(super) struct Unwritten([Group; GROUPS]);

impl Unwritten {
    /// No messages.
    pub(super) const NONE: Self = Self([Group { last: 0, first: 0 }; GROUPS]);

    /// Records a message, whose receipt has the sequence number `given`. All receipts before
    /// `returned` are back.
    pub(super) fn note(&mut self, shown: &Shown, returned: u32, given: u32) {
        if let Some(group) = self.0.get_mut(position(shown)) {
            let has_others = is_out(group.last, returned, given);
            group.first = if has_others {
                group.first.min(shown.counter)
            } else {
                shown.counter
            };
            group.last = given;
        }
    }

    /// Returns whether a message may be one that is not written, if the receipts from `returned` to
    /// `given` are out.
    pub(super) fn has(&self, shown: &Shown, returned: u32, given: u32) -> bool {
        let group = self.0.get(position(shown));
        group.is_some_and(|group| {
            is_out(group.last, returned, given) && group.first <= shown.counter
        })
    }
}

/// Returns the group of a message. The number of a process is a hash.
fn position(shown: &Shown) -> usize {
    let kind = u64::from(shown.channel);
    usize::try_from((shown.process ^ kind) % GROUPS as u64).unwrap_or(0)
}

fn is_out(sequence: u32, returned: u32, given: u32) -> bool {
    sequence.wrapping_sub(returned) < given.wrapping_sub(returned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(process: u64, counter: u32) -> Shown {
        Shown {
            process,
            channel: false,
            counter,
        }
    }

    #[test]
    fn has_a_message_until_its_receipt_is_back() {
        let mut unwritten = Unwritten::NONE;
        let message = message(3, 4);
        assert!(!unwritten.has(&message, u32::MAX, u32::MAX));
        unwritten.note(&message, u32::MAX, u32::MAX);
        assert!(unwritten.has(&message, u32::MAX, 0));
        assert!(unwritten.has(&message, u32::MAX, 5), "others are out, too");
        assert!(!unwritten.has(&message, 0, 5));
    }

    #[test]
    fn tells_messages_apart() {
        let mut unwritten = Unwritten::NONE;
        (4..6).for_each(|counter| unwritten.note(&message(3, counter), 7, 3 + counter));
        let other_kind = Shown {
            channel: true,
            ..message(3, 4)
        };
        assert!(!unwritten.has(&other_kind, 7, 9));
        for (counter, is_out) in [(3, false), (4, true), (5, true)] {
            assert_eq!(unwritten.has(&message(3, counter), 7, 9), is_out);
        }
        assert!(!unwritten.has(&message(4, 4), 7, 9), "another process");
        // The next one that is shown does not count those that are written.
        unwritten.note(&message(3, 6), 9, 9);
        assert!(!unwritten.has(&message(3, 5), 9, 10));
    }
}
