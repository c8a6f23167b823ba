//! The channel: one log, and a cursor for each name.

use super::storage::LogSlot;
use super::{Server, StorageError};
use crate::containers::Arena;
use crate::containers::Slots;

/// The channel log: a ring of entries, numbered from 1.
pub(super) struct Channel<'a> {
    slots: Slots<'a, LogSlot>,
    pub(super) texts: Arena<'a>,
    /// Oldest entry that is here.
    pub(super) first: u32,
    /// One past the last entry that was stored: nobody gets more.
    pub(super) visible: u32,
    /// One past the last entry that was handed to the store.
    pub(super) saved: u32,
    /// One past the last entry.
    pub(super) end: u32,
    /// Numbers below this one were given before the last restart, perhaps to entries that could not be stored.
    floor: u32,
}

impl<'a> Channel<'a> {
    pub(super) fn new(
        slots: &'a mut [LogSlot],
        words: &'a mut [u32],
    ) -> Result<Self, StorageError> {
        Ok(Self {
            slots: Slots::new(slots).ok_or(StorageError("log"))?,
            texts: Arena::new(words).ok_or(StorageError("log_texts"))?,
            first: 1,
            visible: 1,
            saved: 1,
            end: 1,
            floor: 1,
        })
    }

    fn place(&self, number: u32) -> u32 {
        number.checked_rem(self.slots.len()).unwrap_or_default()
    }

    /// Entries that are here.
    pub(super) fn used(&self) -> u32 {
        self.end - self.first
    }

    /// Entries that fit.
    pub(super) fn len(&self) -> u32 {
        self.slots.len()
    }

    /// The entry with this number, if it is still here.
    pub(super) fn get(&self, number: u32) -> Option<&LogSlot> {
        (self.first <= number && number < self.end).then(|| self.slots.at(self.place(number)))
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut LogSlot> {
        let place = self.place(number);
        (self.first <= number && number < self.end).then(|| self.slots.at_mut(place))
    }

    /// Takes the oldest entry out, if it is stored; returns its number and what it was.
    fn evict(&mut self) -> Option<(u32, LogSlot)> {
        if self.first >= self.visible {
            return None;
        }
        let place = self.place(self.first);
        let entry = core::mem::replace(self.slots.at_mut(place), LogSlot::VACANT);
        self.texts.release(entry.text);
        self.first += 1;
        Some((self.first - 1, entry))
    }

    /// An empty log goes on from this number.
    pub(super) fn start_at(&mut self, number: u32) {
        if self.first == self.end {
            (self.first, self.visible, self.saved, self.end) = (number, number, number, number);
        }
    }
}

impl Channel<'_> {
    /// The number of the next entry is at least this: somebody has passed all before it.
    pub(super) fn go_on_from(&mut self, number: u32) {
        self.floor = self.floor.max(number);
        if number > self.end {
            self.start_at(number);
        }
    }

    /// The number of the next entry.
    pub(super) fn next_number(&self) -> u32 {
        self.end.max(self.floor)
    }

    /// The number of the first entry that the store does not have, or does not know somebody to have passed.
    pub(super) fn saved_number(&self) -> u32 {
        self.saved.max(self.floor)
    }

    /// Whether all entries were given to the store.
    pub(super) fn all_saved(&self) -> bool {
        self.saved == self.end
    }
}

impl Server<'_> {
    /// Appends an entry, which nobody gets before it is stored. The oldest ones make room; `None` if those that
    /// are not stored yet fill the log.
    pub(super) fn append_to_log(&mut self, entry: LogSlot, text: &str) -> Option<u32> {
        while self.channel.end - self.channel.first >= self.channel.slots.len() {
            self.evict_from_log()?;
        }
        let text = loop {
            match self.channel.texts.store(text.as_bytes()) {
                Some(text) => break text,
                None => self.evict_from_log()?,
            }
        };
        let number = self.channel.end;
        let place = self.channel.place(number);
        self.channel.end = number.checked_add(1)?;
        *self.channel.slots.at_mut(place) = LogSlot { text, ..entry };
        self.refer(entry.from);
        Some(number)
    }

    /// Numbers up to this one, where they are missing, are those of entries that could not be stored.
    pub(super) fn fill_log(&mut self, upto: u32) -> Option<()> {
        while self.channel.end < upto {
            let missing = LogSlot {
                void: true,
                ..LogSlot::VACANT
            };
            let number = self.append_to_log(missing, "")?;
            self.channel.saved = number + 1;
            self.publish(number, false);
        }
        Some(())
    }

    fn evict_from_log(&mut self) -> Option<()> {
        let (number, entry) = self.channel.evict()?;
        // Who is behind is told how many are gone, not counting its own.
        if !entry.void {
            let sender = self.names.at_mut(entry.from);
            if number >= sender.log_sent {
                sender.own_lost += 1;
            }
            // With the entry goes the proof that its request was done. A sender who may ask again needs another one, which
            // is stored before whatever takes the entry's place.
            if sender.may_ask_again(entry.incarnation, entry.request) {
                self.change_name(entry.from);
            }
        }
        self.release(entry.from);
        Some(())
    }

    /// An entry was stored: everybody may get it now.
    pub(super) fn publish(&mut self, number: u32, stored: bool) {
        self.order += 1;
        let order = self.order;
        if let Some(entry) = self.channel.get_mut(number) {
            entry.order = order;
            entry.void = !stored;
        }
        self.channel.visible = number + 1;
    }

    /// The next entry for this client and how many it has lost before it; passes over its own and void ones.
    pub(super) fn next_log_entry(&mut self, slot: u32) -> Option<NextEntry> {
        loop {
            let name = self.names.at(slot);
            let number = name.log_sent;
            if number < self.channel.first {
                let lost = self.channel.first - number;
                let (upto, count) = (self.channel.first, lost.saturating_sub(name.own_lost));
                if count != 0 {
                    return Some(NextEntry::Skipped { upto, count });
                }
                self.skip_log(slot, upto);
                continue;
            }
            if number >= self.channel.visible {
                return None;
            }
            let entry = self.channel.get(number)?;
            let (own, void, order) = (entry.from == slot, entry.void, entry.order);
            if !own && !void {
                return Some(NextEntry::Entry { number, order });
            }
            let name = self.names.at_mut(slot);
            if name.log_acked == name.log_sent {
                name.log_acked += 1;
            }
            name.log_sent += 1;
        }
    }

    /// The cursor goes over entries that are gone.
    pub(super) fn skip_log(&mut self, slot: u32, upto: u32) {
        let name = self.names.at_mut(slot);
        name.own_lost = 0;
        if name.log_acked == name.log_sent {
            name.log_acked = upto;
        }
        name.log_sent = upto;
    }
}

/// What of the log comes next for a client.
#[derive(Clone, Copy, Debug)]
pub(super) enum NextEntry {
    Entry { number: u32, order: u64 },
    Skipped { upto: u32, count: u32 },
}
