//! End-to-end deduplication: a message is shown at most once, on whichever path it arrives.
//!
//! A sender numbers its messages and sends them in order. So the highest number shown is all that
//! the client has to remember for each process.

use super::record::Shown;
use crate::crypto::Suite;

/// The highest counter shown from one process of a sender; 0 for none.
///
/// No message waits for a gap, because a counter can be missing for good. No message below the mark
/// is shown: it is a duplicate, or its sender knows that it was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
struct HighWaterMark(u32);

impl HighWaterMark {
    fn is_new(self, counter: u32) -> bool {
        counter > self.0
    }

    fn raise(&mut self, counter: u32) -> bool {
        let is_new = self.is_new(counter);
        self.0 = self.0.max(counter);
        is_new
    }
}

/// The marks of one process. Direct and channel messages take different paths, so one kind may be
/// far ahead of the other.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct ProcessMarks {
    process: u64,
    direct: HighWaterMark,
    channel: HighWaterMark,
}

impl ProcessMarks {
    /// The marks of no process; all zero bits.
    pub(super) const VACANT: Self = Self::of(0);

    /// Returns the marks of a process that has sent no shown message.
    const fn of(process: u64) -> Self {
        Self {
            process,
            direct: HighWaterMark(0),
            channel: HighWaterMark(0),
        }
    }

    /// Returns the number of the process.
    pub(super) fn process(&self) -> u64 {
        self.process
    }

    /// Returns the process, and its mark of private messages.
    pub(super) fn private(&self) -> (u64, u32) {
        (self.process, self.direct.0)
    }

    /// Returns these marks with at least this one of private messages.
    pub(super) fn with_private(mut self, counter: u32) -> Self {
        self.direct.raise(counter);
        self
    }

    /// Returns these marks without that of private messages, which the pin of the name has.
    pub(super) fn without_private(self) -> Self {
        Self {
            direct: HighWaterMark(0),
            ..self
        }
    }

    /// Returns whether a message was shown before.
    pub(super) fn has_seen(&self, counter: u32, channel: bool) -> bool {
        let mark = if channel { self.channel } else { self.direct };
        !mark.is_new(counter)
    }

    /// Takes a message of the process; returns its record if it is new.
    //= PROTOCOL.md#10.1
    pub(super) fn accept(&mut self, counter: u32, channel: bool) -> Option<Shown> {
        self.raise(counter, channel).then_some(Shown {
            process: self.process,
            channel,
            counter,
        })
    }

    fn raise(&mut self, counter: u32, channel: bool) -> bool {
        let mark = if channel {
            &mut self.channel
        } else {
            &mut self.direct
        };
        mark.raise(counter)
    }
}

/// Memory for the marks of a process that is not in the roster.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct DedupSlot {
    marks: ProcessMarks,
    /// When the marks were last used, in uses: the least recent ones are replaced.
    used: u32,
}

impl DedupSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        marks: ProcessMarks::VACANT,
        used: 0,
    };
}

/// Returns the number of a process: a hash of its incarnation and its sender's name. So no sender
/// can choose the number of another sender's process.
pub(super) fn process_number(suite: Suite, name: &str, incarnation: u64) -> u64 {
    let number = incarnation.to_le_bytes();
    let parts: [&[u8]; 3] = [b"ChatApp process", &number, name.as_bytes()];
    let [a, b, c, d, e, f, g, h, ..] = suite.hash(&parts);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The process outside of the roster that wrote to the channel last. It often writes the next
/// message, too, and [`process_number`] costs as much as the rest of the work for a message.
struct LatestProcess {
    /// The name, hashed with a secret key.
    name: u64,
    incarnation: u64,
    number: u64,
}

/// The marks of processes that are not in the roster.
pub(super) struct Dedup<'a> {
    former: &'a mut [DedupSlot],
    uses: u32,
    latest: LatestProcess,
}

impl<'a> Dedup<'a> {
    /// Creates the table over memory for former processes, which may be empty.
    pub(super) fn new(former: &'a mut [DedupSlot]) -> Self {
        former.fill(DedupSlot::VACANT);
        Self {
            former,
            uses: 0,
            latest: LatestProcess {
                name: 0,
                incarnation: 0,
                number: 0,
            },
        }
    }

    /// Returns the [`process_number`], from memory if the same process wrote last. `hash` is the
    /// hash of the name with a secret key.
    pub(super) fn writer(&mut self, suite: Suite, hash: u64, name: &str, incarnation: u64) -> u64 {
        if (self.latest.name, self.latest.incarnation) != (hash, incarnation) {
            self.latest = LatestProcess {
                name: hash,
                incarnation,
                number: process_number(suite, name, incarnation),
            };
        }
        self.latest.number
    }

    /// Returns whether a message of a process that is not in the roster was shown before.
    pub(super) fn has_seen(&self, process: u64, counter: u32, channel: bool) -> bool {
        let found = self
            .former
            .iter()
            .find(|slot| slot.marks.process == process);
        found.is_some_and(|slot| slot.marks.has_seen(counter, channel))
    }

    /// Takes a message of a process that is not in the roster; returns its record if it is new.
    /// Without memory for former processes, every message is new.
    pub(super) fn accept(&mut self, process: u64, counter: u32, channel: bool) -> Option<Shown> {
        match self.slot(process, channel) {
            Some(slot) => slot.marks.accept(counter, channel),
            None => Some(Shown {
                process,
                channel,
                counter,
            }),
        }
    }

    /// Restores the mark of a message that an earlier process of this client has shown.
    pub(super) fn restore(&mut self, shown: Shown) {
        if let Some(slot) = self.slot(shown.process, shown.channel) {
            slot.marks.raise(shown.counter, shown.channel);
        }
    }

    /// Stores the marks of a process that leaves the roster.
    pub(super) fn retire(&mut self, marks: &ProcessMarks) {
        let unused = ProcessMarks::VACANT;
        if (marks.direct, marks.channel) != (unused.direct, unused.channel)
            && let Some(slot) = self.slot(marks.process, marks.direct.0 == 0)
        {
            slot.marks = *marks;
        }
    }

    /// Returns the marks of a process that enters the roster, and frees their slot.
    pub(super) fn take_former(&mut self, process: u64) -> ProcessMarks {
        let mut slots = self.former.iter_mut();
        match slots.find(|slot| slot.marks.process == process) {
            Some(slot) => core::mem::replace(slot, DedupSlot::VACANT).marks,
            None => ProcessMarks::of(process),
        }
    }

    /// Returns the slot of a process. A new process replaces the least recently used one. For a
    /// channel message it must be one without private messages, which nobody can forge.
    fn slot(&mut self, process: u64, is_channel: bool) -> Option<&mut DedupSlot> {
        self.uses = self.uses.wrapping_add(1);
        let uses = self.uses;
        let known = |slot: &DedupSlot| slot.marks.process == process;
        let oldest = || {
            let ages = self.former.iter().enumerate();
            let ages = ages.filter(|(_, slot)| !is_channel || slot.marks.direct.0 == 0);
            ages.max_by_key(|(_, slot)| uses.wrapping_sub(slot.used))
                .map(|(at, _)| at)
        };
        let at = self.former.iter().position(known).or_else(oldest)?;
        let slot = self.former.get_mut(at)?;
        if !known(slot) {
            slot.marks = ProcessMarks::of(process);
        }
        slot.used = uses;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#10.1
    fn shows_rising_counters_once_in_order() {
        let mut marks = ProcessMarks::of(7);
        let counters = [0, 1, 1, 3, 2, 3, u32::MAX, 4];
        let shown = counters.map(|counter| marks.accept(counter, false).is_some());
        assert_eq!(shown, [false, true, false, true, false, false, true, false]);
        assert!(marks.has_seen(u32::MAX, false));
        assert!(
            !marks.has_seen(1, true),
            "the channel shares the mark of direct messages"
        );
    }

    #[test]
    fn records_process_and_kind_of_message() {
        let (process, channel, counter) = (7, true, 5);
        let expected = Shown {
            process,
            channel,
            counter,
        };
        let known = ProcessMarks::of(7).accept(5, true);
        let unknown = Dedup::new(&mut []).accept(7, 5, true);
        assert_eq!([known, unknown], [Some(expected); 2]);
    }

    #[test]
    fn replaces_least_recently_used_process() {
        let mut slots = [DedupSlot::VACANT; 2];
        let mut dedup = Dedup::new(&mut slots);
        assert!(dedup.accept(1, 10, false).is_some());
        assert!(dedup.accept(2, 20, false).is_some());
        assert!(dedup.accept(1, 10, false).is_none());
        assert!(dedup.accept(3, 30, false).is_some());
        assert!(dedup.has_seen(1, 10, false));
        assert!(
            !dedup.has_seen(2, 20, false),
            "the least recently used process was not replaced"
        );
        assert!(dedup.has_seen(3, 30, false));
        assert!(!dedup.has_seen(3, 30, true));
    }

    #[test]
    //= PROTOCOL.md#10.1
    fn keeps_private_marks_beside_channel_messages() {
        let mut slots = [DedupSlot::VACANT; 2];
        let mut dedup = Dedup::new(&mut slots);
        assert!(dedup.accept(1, 10, false).is_some());
        for process in 2..10 {
            assert!(dedup.accept(process, 5, true).is_some());
            assert!(dedup.has_seen(process, 5, true));
        }
        assert!(dedup.has_seen(1, 10, false));
    }

    #[test]
    fn returns_marks_of_process_that_was_retired() {
        let mut slots = [DedupSlot::VACANT; 2];
        let mut dedup = Dedup::new(&mut slots);
        let mut marks = ProcessMarks::of(9);
        dedup.retire(&marks);
        assert!(
            !dedup.has_seen(9, 0, false),
            "marks without a message were stored"
        );
        marks.accept(3, false);
        dedup.retire(&marks);
        let former = dedup.take_former(9);
        assert!(former.has_seen(3, false) && !former.has_seen(4, false));
        assert!(
            !dedup.has_seen(9, 3, false),
            "the slot of the marks is still in use"
        );
    }

    #[test]
    fn shows_everything_without_memory() {
        let mut dedup = Dedup::new(&mut []);
        assert!(dedup.accept(1, 1, false).is_some());
        assert!(dedup.accept(1, 1, false).is_some());
    }
}
