//! The journal: gives records to the store in order, each with a ticket, and remembers which of
//! them have no answer yet.
//!
//! Registrations, departures, stored messages and log entries have no visible effect before their
//! record is stored. Cursors are stored lazily: after a crash the recipient gets some frames twice,
//! and drops them.

use super::channel_log::ChannelLog;
use super::mailboxes::Mailboxes;
use super::name_list::NameList;
use super::record::Ticket;
use crate::containers::{Linked, List, Slots};
use crate::driver::StorageError;
use crate::time::Instant;

/// Milliseconds after a failure of the store until the journal retries changes of names.
const RETRY_MS: u64 = 1_000;

/// The subject of a record that the store was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Vacant,
    /// The store epoch.
    Epoch,
    /// The name in this slot.
    Name(u32),
    /// The name in this slot, to be forgotten.
    Forget(u32),
    /// The message in this slot.
    Mail(u32),
    /// The log entry with this number.
    Channel(u32),
    /// The cursors of the name in this slot.
    Progress(u32),
    /// The next order of the operator.
    Order,
}

/// Memory for one record that the store was given.
#[derive(Clone, Copy, Debug)]
pub struct JournalSlot(Entry);

impl JournalSlot {
    /// An unused slot.
    pub const VACANT: Self = Self(Entry::Vacant);
}

/// A slot of a name that is stored.
pub(super) trait Stored: Linked<NameList> {
    /// Returns the serial number of the message after which its change is stored.
    fn stored_after(&self) -> u64;
    /// Sets the serial number of the message after which its change is stored.
    fn set_stored_after(&mut self, serial: u64);
    /// Returns the next log entry that its client has not acknowledged.
    fn log_next(&self) -> u32;
    /// Returns whether the name is expiring.
    fn is_expiring(&self) -> bool;
}

/// The state of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Works,
    /// The store failed: the journal retries changes of names at this time.
    Failing {
        again_at: Instant,
    },
}

/// The change of the store's state that the result of a record shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreChange {
    /// The store has failed.
    Failed,
    /// The store works again.
    Recovered,
}

/// The records that the store was given, in order, and the names that wait to be stored.
pub(super) struct Journal<'a> {
    slots: Slots<'a, JournalSlot>,
    /// The oldest ticket without an answer.
    oldest: u64,
    /// The next ticket.
    next: u64,
    /// The store epoch that the numbers of stored messages and log entries belong to.
    epoch: u64,
    has_epoch: bool,
    store: Store,
    /// Names with a change to store.
    changed: List<NameList>,
    /// Names with a cursor to store.
    moved: List<NameList>,
}

impl<'a> Journal<'a> {
    /// Creates the journal of an empty store.
    ///
    /// # Errors
    /// [`StorageError`] if there is no slot.
    pub(super) fn new(slots: &'a mut [JournalSlot], epoch: u64) -> Result<Self, StorageError> {
        let few = StorageError::new("journal", slots.len(), 1);
        Ok(Self {
            slots: Slots::new(slots).ok_or(few)?,
            oldest: 1,
            next: 1,
            epoch,
            has_epoch: false,
            store: Store::Works,
            changed: List::new(NameList::Unstable),
            moved: List::new(NameList::Progress),
        })
    }

    /// Returns how many records wait for an answer of the store.
    #[expect(clippy::cast_possible_truncation, reason = "at most as many as slots")]
    pub(super) fn used(&self) -> u32 {
        (self.next - self.oldest) as u32
    }

    /// Returns how many records may wait for an answer of the store.
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len()
    }

    fn is_full(&self) -> bool {
        self.used() >= self.slots.len()
    }

    /// Returns the store epoch.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Restores the store epoch.
    pub(super) fn restore_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.has_epoch = true;
    }

    // ---- names that wait ----

    /// Records a change of a name, which is stored after the messages up to this serial number.
    pub(super) fn note_change<T: Stored>(
        &mut self,
        names: &mut Slots<'_, T>,
        slot: u32,
        serial: u64,
    ) {
        names.at_mut(slot).set_stored_after(serial);
        self.changed.push(names, slot);
    }

    /// Returns whether a change of a name waits to be stored.
    pub(super) fn has_change<T: Stored>(&self, names: &Slots<'_, T>, slot: u32) -> bool {
        self.changed.contains(names, slot)
    }

    /// Records that a cursor of a name has moved.
    pub(super) fn note_progress<T: Stored>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.moved.push(names, slot);
    }

    /// Drops the cursor changes of a name: they need not be stored.
    pub(super) fn drop_progress<T: Stored>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.moved.remove(names, slot);
    }

    /// Drops the change of a name: it need not be stored.
    pub(super) fn drop_change<T: Stored>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.changed.remove(names, slot);
    }

    // ---- to the store ----

    fn may_store_names(&self, now: Instant) -> bool {
        let is_time = match self.store {
            Store::Works => true,
            Store::Failing { again_at } => now >= again_at,
        };
        is_time && !self.changed.is_empty()
    }

    /// Returns whether a record may be ready for the store.
    pub(super) fn is_due(
        &self,
        channel: &ChannelLog<'_>,
        mail: &Mailboxes<'_>,
        has_order: bool,
        now: Instant,
    ) -> bool {
        !self.is_full()
            && (!self.has_epoch
                || has_order
                || self.may_store_names(now)
                || mail.has_unsaved()
                || !channel.has_saved_all()
                || !self.moved.is_empty())
    }

    /// Returns when to retry changes of names after a failure. `None` while the journal is full:
    /// the store has to answer first.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.store {
            Store::Failing { again_at } if !self.changed.is_empty() && !self.is_full() => {
                Some(again_at)
            }
            _ => None,
        }
    }

    /// Returns the next record for the store; an order if one `is_ordered`. Cost: O(1).
    pub(super) fn poll<T: Stored>(
        &mut self,
        names: &mut Slots<'_, T>,
        channel: &mut ChannelLog<'_>,
        mail: &mut Mailboxes<'_>,
        is_ordered: bool,
        now: Instant,
    ) -> Option<(Ticket, Entry)> {
        if self.is_full() {
            return None;
        }
        let entry = if !self.has_epoch {
            self.has_epoch = true;
            Entry::Epoch
        } else if is_ordered {
            Entry::Order
        } else if let Some(slot) = self.next_name(names, channel, mail, now) {
            self.changed.remove(names, slot);
            if names.at(slot).is_expiring() {
                Entry::Forget(slot)
            } else {
                Entry::Name(slot)
            }
        } else if let Some((number, entry)) = channel.next_unsaved()
            && mail.has_saved_upto(entry.stored_after())
        {
            channel.saved(number);
            Entry::Channel(number)
        } else if let Some(slot) = self.moved.pop(names) {
            // A new message may use the slot of a delivered one: the store must know of the
            // delivery first.
            Entry::Progress(slot)
        } else {
            Entry::Mail(mail.pop_unsaved()?)
        };
        Some((self.push(entry), entry))
    }

    /// Returns the next name to store. Messages accepted before its change go first: the name's new
    /// entry must not overtake messages of its earlier process.
    ///
    /// Log entries before its cursor go first, too. After a crash a server without them would
    /// number on from the cursor, and report them as lost to other clients.
    fn next_name<T: Stored>(
        &self,
        names: &Slots<'_, T>,
        channel: &ChannelLog<'_>,
        mail: &Mailboxes<'_>,
        now: Instant,
    ) -> Option<u32> {
        let first = self.changed.first().filter(|_| self.may_store_names(now))?;
        let name = names.at(first);
        let is_next =
            channel.has_saved_below(name.log_next()) && mail.has_saved_upto(name.stored_after());
        is_next.then_some(first)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a remainder of a u32")]
    fn place(&self, ticket: u64) -> u32 {
        ticket
            .checked_rem(self.slots.len().into())
            .unwrap_or_default() as u32
    }

    fn push(&mut self, entry: Entry) -> Ticket {
        let place = self.place(self.next);
        self.slots.at_mut(place).0 = entry;
        self.next += 1;
        Ticket::new(self.next - 1)
    }

    /// Removes the oldest record if it has this ticket; returns it with the change of the store's
    /// state.
    pub(super) fn on_stored(
        &mut self,
        ticket: Ticket,
        stored: bool,
        now: Instant,
    ) -> Option<(Entry, Option<StoreChange>)> {
        if ticket.number() != self.oldest || self.oldest == self.next {
            return None;
        }
        let place = self.place(self.oldest);
        self.oldest += 1;
        let entry = core::mem::replace(&mut self.slots.at_mut(place).0, Entry::Vacant);
        if entry == Entry::Epoch {
            self.has_epoch = stored;
        }
        let worked = self.store == Store::Works;
        self.store = if stored {
            Store::Works
        } else {
            Store::Failing {
                again_at: now.plus_millis(RETRY_MS),
            }
        };
        let change = match (worked, stored) {
            (true, false) => Some(StoreChange::Failed),
            (false, true) => Some(StoreChange::Recovered),
            _ => None,
        };
        Some((entry, change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::Link;
    use crate::server::channel_log::LogSlot;
    use crate::server::mailboxes::MailSlot;

    /// A name with a change and a cursor that wait.
    struct Name([Link; 2], u64);
    impl Linked<NameList> for Name {
        fn link(&self, list: NameList) -> &Link {
            &self.0[usize::from(matches!(list, NameList::Progress))]
        }
        fn link_mut(&mut self, list: NameList) -> &mut Link {
            &mut self.0[usize::from(matches!(list, NameList::Progress))]
        }
    }
    impl Stored for Name {
        fn stored_after(&self) -> u64 {
            self.1
        }
        fn set_stored_after(&mut self, serial: u64) {
            self.1 = serial;
        }
        fn log_next(&self) -> u32 {
            1
        }
        fn is_expiring(&self) -> bool {
            false
        }
    }

    struct Rig<'a> {
        journal: Journal<'a>,
        names: Slots<'a, Name>,
        channel: ChannelLog<'a>,
        mail: Mailboxes<'a>,
    }

    impl Rig<'_> {
        fn poll(&mut self, now_ms: u64) -> Option<Entry> {
            let Self {
                journal,
                names,
                channel,
                mail,
            } = self;
            let now = Instant::from_millis(now_ms);
            let (_, entry) = journal.poll(names, channel, mail, false, now)?;
            Some(entry)
        }

        fn answer(&mut self, ticket: u64, stored: bool) -> Option<StoreChange> {
            let ticket = Ticket::new(ticket);
            let answered = self.journal.on_stored(ticket, stored, Instant::ZERO);
            answered.unwrap().1
        }
    }

    fn with(test: impl FnOnce(Rig<'_>)) {
        let (mut slots, mut names) = ([JournalSlot::VACANT; 3], [Name([Link::VACANT; 2], 0)]);
        let (mut log, mut mail) = ([LogSlot::VACANT; 1], [MailSlot::VACANT; 1]);
        test(Rig {
            journal: Journal::new(&mut slots, 7).unwrap(),
            names: Slots::new(&mut names).unwrap(),
            channel: ChannelLog::new(&mut log, &mut [], 100, 0).unwrap(),
            mail: Mailboxes::new(&mut mail, &mut []).unwrap(),
        });
    }

    #[test]
    fn orders_epoch_before_names_before_progress() {
        with(|mut rig| {
            rig.journal.note_progress(&mut rig.names, 0);
            rig.journal.note_change(&mut rig.names, 0, 0);
            assert_eq!(rig.poll(0), Some(Entry::Epoch));
            assert_eq!(rig.poll(0), Some(Entry::Name(0)));
            assert_eq!(rig.poll(0), Some(Entry::Progress(0)));
            rig.journal.note_change(&mut rig.names, 0, 0);
            assert_eq!(rig.poll(0), None, "the journal is full");
            assert_eq!(rig.answer(1, true), None);
            assert_eq!(rig.poll(0), Some(Entry::Name(0)));
            let early = rig.journal.on_stored(Ticket::new(3), true, Instant::ZERO);
            assert_eq!(early, None, "answers come in order");
        });
    }

    #[test]
    fn retries_names_after_one_second() {
        with(|mut rig| {
            rig.poll(0);
            assert_eq!(rig.answer(1, false), Some(StoreChange::Failed));
            assert_eq!(rig.poll(0), Some(Entry::Epoch), "the epoch was not stored");
            rig.journal.note_change(&mut rig.names, 0, 0);
            assert_eq!(rig.poll(999), None);
            assert_eq!(rig.journal.deadline(), Some(Instant::from_millis(1_000)));
            assert_eq!(rig.poll(1_000), Some(Entry::Name(0)));
            assert_eq!(rig.answer(2, true), Some(StoreChange::Recovered));
        });
    }
}
