//! The channel: one log of all entries, through which each recipient has a
//! [cursor](super::channel_cursor).

use super::origin::Origin;
use super::record::Record;
use crate::containers::{Slots, TextHandle, TextPool};
use crate::driver::StorageError;
use crate::limits::TEXT_WORDS_MAX;
use crate::time::UnixSeconds;
use crate::wire::Frame;

/// One entry of the channel log.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct LogSlot {
    /// Place among all messages and changes of the table.
    order: u64,
    /// The entry is stored after the message with this serial number.
    stored_after: u64,
    origin: Origin,
    from: u32,
    stamp: UnixSeconds,
    text: TextHandle,
    /// It could not be stored: no recipient gets it.
    void: bool,
}

impl LogSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        order: 0,
        stored_after: 0,
        origin: Origin::VACANT,
        from: 0,
        stamp: UnixSeconds(0),
        text: TextHandle::VACANT,
        void: false,
    };

    /// Creates an entry without its text, to be stored after the message with this serial number.
    pub(super) const fn new(
        from: u32,
        origin: Origin,
        stamp: UnixSeconds,
        stored_after: u64,
    ) -> Self {
        Self {
            stored_after,
            origin,
            from,
            stamp,
            ..Self::VACANT
        }
    }

    /// Creates the entry of a number that has none: it could not be stored.
    pub(super) const fn missing() -> Self {
        Self {
            void: true,
            ..Self::VACANT
        }
    }

    /// Returns whether the recipient with this slot gets the entry: not its sender, and none gets
    /// one that could not be stored.
    pub(super) fn is_for(&self, recipient: u32) -> bool {
        self.from != recipient && !self.void
    }

    /// Returns the place among all messages and changes of the table.
    pub(super) fn order(&self) -> u64 {
        self.order
    }

    /// Returns the slot of the sender's name.
    pub(super) fn from(&self) -> u32 {
        self.from
    }

    /// Returns the request that made the entry.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns the message after which the entry is stored.
    pub(super) fn stored_after(&self) -> u64 {
        self.stored_after
    }
}

/// What one call of [`ChannelLog::append`] did.
#[derive(Clone, Copy, Debug)]
pub(super) enum Appended {
    /// The entry has this number.
    Entry(u32),
    /// There was no room, and the oldest entry is gone: append again.
    Evicted(Evicted),
    /// Entries that are not stored yet fill the log.
    Full,
}

/// An entry that fell out of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evicted {
    /// The slot of the sender's name.
    pub(super) from: u32,
    /// Its number and the request that made it, unless it could not be stored.
    pub(super) lost: Option<(u32, Origin)>,
}

/// The channel log: a ring of entries, numbered from 1.
pub(super) struct ChannelLog<'a> {
    slots: Slots<'a, LogSlot>,
    texts: TextPool<'a>,
    /// Oldest entry that is here.
    first: u32,
    /// One past the last entry that was stored: no recipient gets more.
    visible: u32,
    /// One past the last entry that was handed to the store.
    saved: u32,
    /// One past the last entry.
    end: u32,
    /// Numbers below this one were given before the last restart, perhaps to entries that could
    /// not be stored.
    floor: u32,
}

impl<'a> ChannelLog<'a> {
    /// Creates an empty log.
    pub(super) fn new(
        slots: &'a mut [LogSlot],
        words: &'a mut [u32],
    ) -> Result<Self, StorageError> {
        let few = StorageError::new("log", slots.len(), 1);
        let many = StorageError::new("log_texts", words.len(), TEXT_WORDS_MAX);
        Ok(Self {
            slots: Slots::new(slots).ok_or(few)?,
            texts: TextPool::new(words).ok_or(many)?,
            first: 1,
            visible: 1,
            saved: 1,
            end: 1,
            floor: 1,
        })
    }

    /// Returns how many entries are here.
    pub(super) fn used(&self) -> u32 {
        self.end - self.first
    }

    /// Returns how many entries fit.
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len()
    }

    fn place(&self, number: u32) -> u32 {
        number.checked_rem(self.slots.len()).unwrap_or_default()
    }

    /// Returns the entry with this number, if it is still here.
    pub(super) fn get(&self, number: u32) -> Option<&LogSlot> {
        (self.first <= number && number < self.end).then(|| self.slots.at(self.place(number)))
    }

    // ---- numbers ----

    /// Returns the oldest entry that is here.
    pub(super) fn first(&self) -> u32 {
        self.first
    }

    /// Returns one past the last entry that recipients may get.
    pub(super) fn visible(&self) -> u32 {
        self.visible
    }
    /// Returns the number of the next entry.
    pub(super) fn next_number(&self) -> u32 {
        self.end.max(self.floor)
    }

    /// Returns the number of the first entry that the store does not have, or does not know a
    /// cursor to have passed.
    pub(super) fn saved_number(&self) -> u32 {
        self.saved.max(self.floor)
    }

    /// Returns whether there are numbers without an entry below this one.
    pub(super) fn ends_before(&self, number: u32) -> bool {
        self.end < number
    }

    /// Makes an empty log go on from this number.
    pub(super) fn start_at(&mut self, number: u32) {
        if self.first == self.end {
            (self.first, self.visible, self.saved, self.end) = (number, number, number, number);
        }
    }

    /// Notes that the number of the next entry is at least this: a cursor has passed all before it.
    pub(super) fn go_on_from(&mut self, number: u32) {
        self.floor = self.floor.max(number);
        if number > self.end {
            self.start_at(number);
        }
    }

    // ---- entries ----

    /// Appends an entry, which no recipient gets before it is [published](Self::publish). The
    /// oldest stored entries make room, one with each call.
    pub(super) fn append(&mut self, entry: LogSlot, text: &str) -> Appended {
        let number = self.end;
        let Some(end) = number.checked_add(1) else {
            return Appended::Full;
        };
        if self.used() >= self.slots.len() {
            return self.evict();
        }
        let Some(text) = self.texts.store(text.as_bytes()) else {
            return self.evict();
        };
        let place = self.place(number);
        self.end = end;
        *self.slots.at_mut(place) = LogSlot { text, ..entry };
        Appended::Entry(number)
    }

    /// Takes the oldest entry out, if it is stored.
    fn evict(&mut self) -> Appended {
        if self.first >= self.visible {
            return Appended::Full;
        }
        let place = self.place(self.first);
        let entry = core::mem::replace(self.slots.at_mut(place), LogSlot::VACANT);
        self.texts.release(entry.text);
        self.first += 1;
        Appended::Evicted(Evicted {
            from: entry.from,
            lost: (!entry.void).then_some((self.first - 1, entry.origin)),
        })
    }

    /// Returns the next entry for the store.
    pub(super) fn next_unsaved(&self) -> Option<(u32, &LogSlot)> {
        Some((self.saved, self.get(self.saved)?))
    }

    /// Returns whether all entries were handed to the store.
    pub(super) fn has_saved_all(&self) -> bool {
        self.saved == self.end
    }

    /// Returns whether the entries below this number were handed to the store.
    pub(super) fn has_saved_below(&self, number: u32) -> bool {
        self.has_saved_all() || number <= self.saved
    }

    /// Notes that the entries up to this one were handed to the store.
    pub(super) fn saved(&mut self, number: u32) {
        self.saved = number + 1;
    }

    /// Notes that an entry was stored, or could not be: recipients may pass it now.
    pub(super) fn publish(&mut self, number: u32, order: u64, stored: bool) {
        let place = self.place(number);
        if self.first <= number && number < self.end {
            let entry = self.slots.at_mut(place);
            entry.order = order;
            entry.void = !stored;
        }
        self.visible = number + 1;
    }

    /// Builds the record of an entry.
    pub(super) fn record<'b>(
        &self,
        number: u32,
        from: &'b str,
        scratch: &'b mut [u8],
    ) -> Option<Record<'b>> {
        let entry = self.get(number)?;
        Some(Record::Channel {
            number,
            from,
            incarnation: entry.origin.incarnation,
            counter: entry.origin.counter,
            request: entry.origin.request,
            stamp: entry.stamp,
            text: self.text(entry, scratch),
        })
    }

    /// Builds the frame with an entry; it is marked as stored if it was before `boundary`.
    pub(super) fn build<'b>(
        &self,
        number: u32,
        from: &'b str,
        boundary: u64,
        scratch: &'b mut [u8],
    ) -> Frame<'b> {
        match self.get(number) {
            Some(entry) => Frame::Channel {
                number,
                incarnation: entry.origin.incarnation,
                counter: entry.origin.counter,
                stamp: entry.stamp,
                kept: entry.order < boundary,
                from,
                text: self.text(entry, scratch),
            },
            // It fell out of the log while it was on its way.
            None => Frame::Skipped { count: 1 },
        }
    }

    fn text<'b>(&self, entry: &LogSlot, scratch: &'b mut [u8]) -> &'b str {
        // It went in as a string.
        core::str::from_utf8(self.texts.load(entry.text, scratch)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn evicts_the_oldest_stored_entry_for_a_new_one() {
        with(|log| {
            assert!(matches!(post(log), Appended::Entry(1)));
            let entry = LogSlot::new(BOB, Origin::VACANT, UnixSeconds(1), 0);
            assert!(matches!(log.append(entry, "2"), Appended::Entry(2)));
            let evicted = log.append(entry, "3");
            assert!(
                matches!(
                    evicted,
                    Appended::Evicted(Evicted {
                        from: ALICE,
                        lost: Some((1, _))
                    })
                ),
                "{evicted:?}"
            );
            assert!(matches!(log.append(entry, "3"), Appended::Entry(3)));
            assert!(matches!(log.append(entry, "4"), Appended::Full));
        });
    }
}
