//! The channel log: one log of all entries, in which each recipient has a
//! [cursor](super::channel_cursor).

use super::origin::Origin;
use super::record::Record;
use super::share::Share;
use crate::containers::{Slots, TextHandle, TextPool};
use crate::driver::StorageError;
use crate::limits::TEXT_WORDS_MAX;
use crate::time::UnixSeconds;
use crate::wire::Frame;

/// Seconds for which a sender that has used its share of the log does not push out an entry of
/// another one.
const SPARED_S: u32 = 24 * 60 * 60;

/// The sender of an announcement, in place of a slot.
const SERVER: u32 = u32::MAX;

/// Memory for one entry of the channel log.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct LogSlot {
    /// Position in the common order of messages and table changes.
    order: u64,
    /// Serial number of the message after which the entry is stored.
    stored_after: u64,
    origin: Origin,
    from: u32,
    stamp: UnixSeconds,
    text: TextHandle,
    state: State,
}

/// Whether recipients get an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum State {
    /// They get it.
    Valid,
    /// It could not be stored.
    Missing,
    /// The operator has withdrawn it from those that did not have it.
    #[cfg(feature = "moderation")]
    Withdrawn,
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
        state: State::Valid,
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

    /// Creates an announcement of the server without its text.
    pub(super) const fn announcement(
        origin: Origin,
        stamp: UnixSeconds,
        stored_after: u64,
    ) -> Self {
        Self::new(SERVER, origin, stamp, stored_after)
    }

    /// Creates an entry for a number whose own entry could not be stored.
    pub(super) const fn missing() -> Self {
        Self {
            state: State::Missing,
            ..Self::VACANT
        }
    }

    /// Returns whether the entry is void: it could not be stored.
    pub(super) fn is_void(&self) -> bool {
        self.state == State::Missing
    }

    /// Returns whether the recipient in this slot gets the entry. Its sender does not, and no
    /// recipient gets an entry that is void or withdrawn.
    pub(super) fn is_for(&self, recipient: u32) -> bool {
        self.from != recipient && self.state == State::Valid
    }

    /// Returns the position in the common order of messages and table changes.
    pub(super) fn order(&self) -> u64 {
        self.order
    }

    /// Returns the slot of the sender's name; `None` for an announcement of the server.
    pub(super) fn sender(&self) -> Option<u32> {
        let is_announcement = cfg!(feature = "moderation") && self.from == SERVER;
        (!is_announcement).then_some(self.from)
    }

    /// Returns the request that made the entry.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns the serial number of the message after which the entry is stored.
    pub(super) fn stored_after(&self) -> u64 {
        self.stored_after
    }
}

/// The result of one call of [`ChannelLog::append`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Appended {
    /// The entry was appended, with this number.
    Entry(u32),
    /// The log had no room and evicted its oldest entry: append again.
    Evicted(Evicted),
    /// The log is full of entries that are not stored yet, or that the sender does not push out.
    Full,
}

/// An entry that fell out of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evicted {
    /// The slot of the sender's name; `None` for an announcement of the server.
    pub(super) sender: Option<u32>,
    /// Its number and the request that made it; `None` for a void entry.
    pub(super) lost: Option<(u32, Origin)>,
}

/// The channel log: a ring of entries, numbered from 1.
pub(super) struct ChannelLog<'a> {
    slots: Slots<'a, LogSlot>,
    /// The share of one sender.
    share: Share,
    /// Number of the last entries that a new name gets.
    recent: u32,
    texts: TextPool<'a>,
    /// Oldest entry in the log.
    first: u32,
    /// One past the last entry that was stored: recipients get entries before it only.
    visible: u32,
    /// One past the last entry that the store was given.
    saved: u32,
    /// One past the last entry.
    end: u32,
    /// Numbers below this one were used before the last restart, perhaps for entries that could not
    /// be stored.
    floor: u32,
}

impl<'a> ChannelLog<'a> {
    /// Creates an empty log, of which each sender may use so many percent, and of which a new name
    /// gets the `recent` last entries.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that has a wrong length.
    pub(super) fn new(
        slots: &'a mut [LogSlot],
        words: &'a mut [u32],
        percent: u32,
        recent: u32,
    ) -> Result<Self, StorageError> {
        let few = StorageError::new("log", slots.len(), 1);
        let many = StorageError::new("log_texts", words.len(), TEXT_WORDS_MAX);
        let slots = Slots::new(slots).ok_or(few)?;
        Ok(Self {
            share: Share::new(slots.len(), percent),
            recent,
            slots,
            texts: TextPool::new(words).ok_or(many)?,
            first: 1,
            visible: 1,
            saved: 1,
            end: 1,
            floor: 1,
        })
    }

    /// Returns how many entries the log has.
    pub(super) fn used(&self) -> u32 {
        self.end - self.first
    }

    /// Returns how many entries the log has room for.
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len()
    }

    fn place(&self, number: u32) -> u32 {
        number.checked_rem(self.slots.len()).unwrap_or_default()
    }

    /// Returns the entry with this number, if it is still in the log.
    pub(super) fn get(&self, number: u32) -> Option<&LogSlot> {
        (self.first <= number && number < self.end).then(|| self.slots.at(self.place(number)))
    }

    // ---- numbers ----

    /// Returns the number of the oldest entry in the log.
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

    /// Returns the number of the first entry for a name that is new in the room.
    //= PROTOCOL.md#12.1
    pub(super) fn first_for_new_name(&self) -> u32 {
        if self.recent == 0 {
            return self.next_number();
        }
        self.first.max(self.end.saturating_sub(self.recent))
    }

    /// Returns the first number that the store does not know, from an entry or from a cursor.
    pub(super) fn saved_number(&self) -> u32 {
        self.saved.max(self.floor)
    }

    /// Returns whether numbers below this one have no entry yet.
    pub(super) fn ends_before(&self, number: u32) -> bool {
        self.end < number
    }

    /// Continues an empty log at this number.
    pub(super) fn start_at(&mut self, number: u32) {
        if self.first == self.end {
            (self.first, self.visible, self.saved, self.end) = (number, number, number, number);
        }
    }

    /// Raises the number of the next entry to at least this: a cursor has passed all numbers before
    /// it.
    pub(super) fn go_on_from(&mut self, number: u32) {
        self.floor = self.floor.max(number);
        if number > self.end {
            self.start_at(number);
        }
    }

    // ---- entries ----

    /// Returns since when entries of others stay in the log for a sender with `own` entries. A
    /// sender that has not used its share pushes out any entry. So do all until the wall clock is
    /// known: the age of entries is not.
    //= PROTOCOL.md#12.1
    pub(super) fn spared_since(&self, own: u32, now: UnixSeconds) -> UnixSeconds {
        if cfg!(feature = "quotas") && now.0 != 0 && self.share.is_used(own) {
            UnixSeconds(now.0.saturating_sub(SPARED_S))
        } else {
            UnixSeconds(u32::MAX)
        }
    }

    /// Appends an entry. No recipient gets it before it is [published](Self::publish). Without
    /// room, each call evicts the oldest stored entry, unless it is of another sender and as young
    /// as `spared_since`.
    pub(super) fn append(
        &mut self,
        entry: LogSlot,
        text: &str,
        spared_since: UnixSeconds,
    ) -> Appended {
        let number = self.end;
        let Some(end) = number.checked_add(1) else {
            return Appended::Full;
        };
        if self.used() >= self.slots.len() {
            return self.evict(entry.from, spared_since);
        }
        let Some(text) = self.texts.store(text.as_bytes()) else {
            return self.evict(entry.from, spared_since);
        };
        let place = self.place(number);
        self.end = end;
        *self.slots.at_mut(place) = LogSlot { text, ..entry };
        Appended::Entry(number)
    }

    /// Removes the oldest entry for one of `sender`, if it is stored and not spared.
    fn evict(&mut self, sender: u32, spared_since: UnixSeconds) -> Appended {
        let place = self.place(self.first);
        let oldest = self.slots.at(place);
        let is_spared =
            cfg!(feature = "quotas") && oldest.is_for(sender) && oldest.stamp >= spared_since;
        if self.first >= self.visible || is_spared {
            return Appended::Full;
        }
        let entry = core::mem::replace(self.slots.at_mut(place), LogSlot::VACANT);
        self.texts.release(entry.text);
        self.first += 1;
        Appended::Evicted(Evicted {
            sender: entry.sender(),
            lost: (!entry.is_void()).then_some((self.first - 1, entry.origin)),
        })
    }

    /// Withdraws the entries of a sender before this number from recipients that do not have them.
    /// They keep their places, without their texts. Cost: the length of the log.
    #[cfg(feature = "moderation")]
    pub(super) fn withdraw(&mut self, sender: u32, before: u32) {
        for number in self.first..before.min(self.visible) {
            let place = self.place(number);
            let entry = self.slots.at_mut(place);
            if entry.from == sender && entry.state == State::Valid {
                entry.state = State::Withdrawn;
                let text = core::mem::replace(&mut entry.text, TextHandle::VACANT);
                self.texts.release(text);
            }
        }
    }

    /// Returns the next entry for the store.
    pub(super) fn next_unsaved(&self) -> Option<(u32, &LogSlot)> {
        Some((self.saved, self.get(self.saved)?))
    }

    /// Returns whether the store was given all entries.
    pub(super) fn has_saved_all(&self) -> bool {
        self.saved == self.end
    }

    /// Returns whether the store was given all entries below this number.
    pub(super) fn has_saved_below(&self, number: u32) -> bool {
        self.has_saved_all() || number <= self.saved
    }

    /// Records that the store was given the entries up to this one.
    pub(super) fn saved(&mut self, number: u32) {
        self.saved = number + 1;
    }

    /// Makes an entry visible that was stored, or void if it could not be.
    pub(super) fn publish(&mut self, number: u32, order: u64, stored: bool) {
        let place = self.place(number);
        if self.first <= number && number < self.end {
            let entry = self.slots.at_mut(place);
            entry.order = order;
            if !stored {
                entry.state = State::Missing;
            }
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

    /// Builds the frame of an entry, marked as stored if it comes before `boundary`.
    pub(super) fn build<'b>(
        &self,
        number: u32,
        from: &'b str,
        boundary: u64,
        scratch: &'b mut [u8],
    ) -> Frame<'b> {
        match self.get(number) {
            #[cfg(feature = "moderation")]
            Some(entry) if entry.state == State::Withdrawn => Frame::WITHDRAWN,
            Some(entry) => Frame::Channel {
                number,
                incarnation: entry.origin.incarnation,
                counter: entry.origin.counter,
                stamp: entry.stamp,
                kept: entry.order < boundary,
                from,
                text: self.text(entry, scratch),
            },
            // The entry fell out of the log while its frame was in flight.
            None => Frame::Skipped { count: 1 },
        }
    }

    fn text<'b>(&self, entry: &LogSlot, scratch: &'b mut [u8]) -> &'b str {
        // The bytes were a string when they were stored.
        core::str::from_utf8(self.texts.load(entry.text, scratch)).unwrap_or_default()
    }
}

/// A small log for the tests of everything that reads one.
#[cfg(test)]
pub(super) mod example {
    use super::*;

    pub(in crate::server) const ALICE: u32 = 0;
    pub(in crate::server) const BOB: u32 = 1;

    /// Runs a test with a log of two entries.
    pub(in crate::server) fn with_log(test: impl FnOnce(&mut ChannelLog<'_>)) {
        let (mut slots, mut words) = ([LogSlot::VACANT; 2], [0; 16]);
        test(&mut ChannelLog::new(&mut slots, &mut words, 50, 1).unwrap());
    }

    /// Posts and stores an entry of Alice.
    pub(in crate::server) fn post(log: &mut ChannelLog<'_>) -> Appended {
        let entry = LogSlot::new(ALICE, Origin::VACANT, UnixSeconds(1), 0);
        let appended = log.append(entry, "hello", UnixSeconds(u32::MAX));
        if let Appended::Entry(number) = appended {
            log.saved(number);
            log.publish(number, number.into(), true);
        }
        appended
    }
}

#[cfg(test)]
mod tests;
