//! The table of clients as clients get it: the changes since their version, or the whole table.

use super::listing::Listed;
use crate::containers::Slots;
use crate::driver::StorageError;
use crate::wire::Frame;

/// Memory for one change of the table.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct ChangeSlot {
    slot: u32,
    /// Position in the common order of messages and table changes.
    order: u64,
}

impl ChangeSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self { slot: 0, order: 0 };
}

/// The latest changes of the table, numbered by versions.
pub(super) struct TableChanges<'a> {
    changes: Slots<'a, ChangeSlot>,
    /// The roster epoch that the versions belong to.
    epoch: u64,
    /// The latest version.
    version: u32,
    /// Changes up to this version may refer to slots that other names have now.
    floor: u32,
    /// Number of names that the table lists.
    listed: u32,
    /// Position in the common order up to which messages were restored. No change is known to be
    /// older than any of them.
    restored: u64,
}

impl<'a> TableChanges<'a> {
    /// Creates an empty table.
    ///
    /// # Errors
    /// [`StorageError`] if there is no slot.
    pub(super) fn new(changes: &'a mut [ChangeSlot], epoch: u64) -> Result<Self, StorageError> {
        let few = StorageError::new("changes", changes.len(), 1);
        Ok(Self {
            changes: Slots::new(changes).ok_or(few)?,
            epoch,
            version: 0,
            floor: 0,
            listed: 0,
            restored: 0,
        })
    }

    /// Returns the roster epoch that the versions belong to.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the latest version.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Records that a message at this position was restored from the store.
    pub(super) fn note_restored(&mut self, order: u64) {
        self.restored = order;
    }

    /// Returns the position in the common order up to which messages are older than the latest
    /// change.
    pub(super) fn latest_order(&self) -> u64 {
        let latest = match self.version {
            0 => 0,
            version => self.changes.at(self.place(version)).order,
        };
        latest.max(self.restored)
    }

    fn place(&self, version: u32) -> u32 {
        version.checked_rem(self.changes.len()).unwrap_or_default()
    }

    /// Records a change of the name in this slot; returns its version.
    pub(super) fn add(&mut self, slot: u32, order: u64) -> u32 {
        self.version += 1;
        let place = self.place(self.version);
        *self.changes.at_mut(place) = ChangeSlot { slot, order };
        self.version
    }

    /// Counts a name that the table lists from now on, or does no longer.
    pub(super) fn count(&mut self, was_listed: bool, is_listed: bool) {
        self.listed = self.listed + u32::from(is_listed) - u32::from(was_listed);
    }

    /// Forgets the changes up to this version: another name gets the slot of one of them.
    pub(super) fn forget_upto(&mut self, version: u32) {
        self.floor = self.floor.max(version);
    }

    /// Returns whether the change to this version is still remembered.
    fn has(&self, version: u32) -> bool {
        version + self.changes.len() > self.version && version > self.floor
    }

    /// Builds a page of the changes after `from`, at most up to `upto`, in `out`; returns it and
    /// its end.
    pub(super) fn build_changes<'b, T: Listed>(
        &self,
        names: &Slots<'_, T>,
        (from, upto): (u32, u32),
        out: &'b mut [u8],
    ) -> (Frame<'b>, u32) {
        let (mut len, mut end) = (0, upto);
        for version in from + 1..=upto {
            let name = names.at(self.changes.at(self.place(version)).slot);
            // A later change of the same name replaces this one.
            if name.listing().version() != version {
                continue;
            }
            match name.entry().emit(out.get_mut(len..).unwrap_or_default()) {
                0 => {
                    end = version - 1;
                    break;
                }
                written => len += written,
            }
        }
        let page = Frame::Page {
            version: end,
            restart: false,
            complete: end == self.version,
            entries: out.get(..len).unwrap_or_default(),
        };
        (page, end)
    }

    /// Builds a page of the whole table in `out`; returns it and its end. The first `used` slots
    /// have names, and the page covers those from `from` up to `upto`. Names that changed after the
    /// version `since` come later, as changes.
    pub(super) fn build_snapshot<'b, T: Listed>(
        &self,
        names: &Slots<'_, T>,
        used: u32,
        since: u32,
        (from, upto): (u32, u32),
        out: &'b mut [u8],
    ) -> (Frame<'b>, u32) {
        let (mut len, mut end) = (0, upto);
        for slot in from..upto {
            let name = names.at(slot);
            if !name.listing().is_listed() || name.listing().version() > since {
                continue;
            }
            match name.entry().emit(out.get_mut(len..).unwrap_or_default()) {
                0 => {
                    end = slot;
                    break;
                }
                written => len += written,
            }
        }
        let is_last = end >= used;
        let page = Frame::Page {
            version: if is_last { since } else { 0 },
            restart: from == 0,
            complete: is_last && since == self.version,
            entries: out.get(..len).unwrap_or_default(),
        };
        (page, end)
    }
}

/// The part of the table that a recipient gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u32)]
enum Coverage {
    /// The changes since its version.
    Changes,
    /// The whole table, from slot `next` on.
    Whole { next: u32 },
    /// Nothing: its capacity was smaller than the room. `is_sent` if a Partial frame has been sent.
    Partial { is_sent: bool },
}

/// The next delivery of the table to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextPage {
    /// A Partial frame: the table exceeds the recipient's capacity.
    Partial,
    /// The changes after `from`, up to `upto`.
    Changes { from: u32, upto: u32 },
    /// The slots from `from` up to `upto`, as part of the whole table.
    Snapshot { from: u32, upto: u32 },
}

/// The position of one recipient in the table.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct TableCursor {
    coverage: Coverage,
    /// The version up to which changes were sent.
    sent: u32,
    /// The version at which the whole table began.
    since: u32,
    /// Pages of changes up to this version are repeated as empty pages in this session: the whole
    /// table follows.
    forgotten: u32,
    /// Number of names that the recipient has room for.
    capacity: u32,
    /// A page is due even if nothing has changed.
    page_due: bool,
}

impl TableCursor {
    /// A cursor before all pages; all zero bits.
    pub(super) const VACANT: Self = Self {
        coverage: Coverage::Changes,
        sent: 0,
        since: 0,
        forgotten: 0,
        capacity: 0,
        page_due: false,
    };

    /// Begins a session with a client whose table has this version, and room for `capacity` names.
    pub(super) fn begin(&mut self, capacity: u32, version: u32) {
        self.capacity = capacity;
        self.sent = version;
        self.page_due = true;
        self.coverage = Coverage::Changes;
        if version == 0 {
            self.coverage = Coverage::Whole { next: 0 };
            self.since = 0;
        }
    }

    /// Returns whether the recipient gets pages.
    pub(super) fn follows(&self) -> bool {
        !matches!(self.coverage, Coverage::Partial { .. })
    }

    /// Returns whether there are changes that were not sent to the recipient.
    pub(super) fn is_behind(&self, table: &TableChanges<'_>) -> bool {
        self.sent < table.version
    }

    /// Returns the version at which the whole table began.
    pub(super) fn since(&self) -> u32 {
        self.since
    }

    // ---- delivery ----

    /// Returns the next page for a recipient, and its position in the common order. The first
    /// `used` slots have names. The position is 0 if the page need not wait. A recipient that is
    /// not listed as `online` gets nothing.
    //= PROTOCOL.md#13.4
    pub(super) fn next(
        &mut self,
        table: &TableChanges<'_>,
        used: u32,
        online: bool,
    ) -> Option<(u64, NextPage)> {
        if self.follows() && self.capacity < table.listed {
            // The client has no room for all names: it looks up those that it needs.
            self.coverage = Coverage::Partial { is_sent: false };
        }
        if !online {
            return None;
        }
        let snapshot = |from| (0, NextPage::Snapshot { from, upto: used });
        let (from, upto) = (self.sent, table.version);
        let changes = |order| (order, NextPage::Changes { from, upto });
        match self.coverage {
            Coverage::Partial { is_sent } => (!is_sent).then_some((0, NextPage::Partial)),
            Coverage::Whole { next } => Some(snapshot(next)),
            Coverage::Changes if from == upto => self.page_due.then(|| changes(0)),
            Coverage::Changes if table.has(from + 1) => {
                Some(changes(table.changes.at(table.place(from + 1)).order))
            }
            Coverage::Changes => {
                // The client is too far behind for changes: it gets the whole table.
                self.coverage = Coverage::Whole { next: 0 };
                Some(snapshot(0))
            }
        }
    }

    /// Begins a whole table of the present version.
    pub(super) fn begin_snapshot(&mut self, table: &TableChanges<'_>) {
        self.since = table.version;
        self.forgotten = table.version;
    }

    /// Returns whether a repeated page of changes still has its content. If not, the whole table
    /// follows. Neither this page nor those after it may then bring the client to an older version.
    pub(super) fn may_repeat(
        &mut self,
        table: &TableChanges<'_>,
        (from, upto): (u32, u32),
    ) -> bool {
        if from == upto {
            return true;
        }
        if !table.has(from + 1) && upto > self.forgotten {
            self.forgotten = table.version;
            if self.follows() {
                self.coverage = Coverage::Whole { next: 0 };
            }
        }
        upto > self.forgotten
    }

    /// Records that a Partial frame was sent.
    pub(super) fn on_partial_sent(&mut self) {
        self.coverage = Coverage::Partial { is_sent: true };
    }

    /// Records that a page of changes up to this version was sent.
    pub(super) fn on_changes_sent(&mut self, upto: u32) {
        self.sent = upto;
        self.page_due = false;
    }

    /// Records that a page of the whole table was sent, up to the slot `upto` of `names`.
    pub(super) fn on_snapshot_sent(&mut self, upto: u32, names: u32) {
        if upto < names {
            self.coverage = Coverage::Whole { next: upto };
        } else {
            self.coverage = Coverage::Changes;
            self.sent = self.since;
            self.page_due = false;
        }
    }

    /// Compares the version that the client reports with the cursor, while no frame is in flight to
    /// it. A client that got no pages gets the whole table if it has room for it again.
    //= PROTOCOL.md#13.4
    pub(super) fn check(&mut self, table: &TableChanges<'_>, version: u32) {
        if !self.follows() && self.capacity >= table.listed {
            self.coverage = Coverage::Whole { next: 0 };
        }
        if self.coverage == Coverage::Changes && version != self.sent {
            self.sent = version.min(self.sent);
            if version == 0 {
                self.coverage = Coverage::Whole { next: 0 };
            }
        }
    }

    /// Ends the session: its pages are not repeated.
    pub(super) fn end_session(&mut self) {
        self.forgotten = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PackedAddress;
    use crate::crypto::PublicKey;
    use crate::server::listing::Listing;
    use crate::wire::{Entry, Status};

    struct Person(Listing);
    impl Listed for Person {
        fn listing(&self) -> &Listing {
            &self.0
        }
        fn entry(&self) -> Entry<'_> {
            self.0.entry("alice", PublicKey::NONE)
        }
    }

    fn person(version: u32) -> Person {
        let address = PackedAddress::VACANT;
        Person(Listing::new(version, Status::Online, 7, address))
    }

    /// Runs a test with a table that remembers two changes, after `changes` ones.
    fn with(changes: u32, test: impl FnOnce(&mut TableChanges<'_>)) {
        let mut slots = [ChangeSlot::VACANT; 2];
        let mut table = TableChanges::new(&mut slots, 1).unwrap();
        for change in 1..=changes {
            table.add(change % 2, change.into());
        }
        (0..changes.min(2)).for_each(|_| table.count(false, true));
        test(&mut table);
    }

    fn cursor(version: u32) -> TableCursor {
        let mut cursor = TableCursor::VACANT;
        cursor.begin(8, version);
        cursor
    }

    #[test]
    fn sends_changes_while_they_are_remembered() {
        with(5, |table| {
            let changes = |from| NextPage::Changes { from, upto: 5 };
            let whole = NextPage::Snapshot { from: 0, upto: 2 };
            assert_eq!(cursor(3).next(table, 2, false), None);
            assert_eq!(cursor(3).next(table, 2, true), Some((4, changes(3))));
            assert_eq!(cursor(2).next(table, 2, true), Some((0, whole)));
            let mut done = cursor(5);
            assert_eq!(done.next(table, 2, true), Some((0, changes(5))));
            done.on_changes_sent(5);
            assert_eq!(done.next(table, 2, true), None);
            table.forget_upto(4);
            assert_eq!(cursor(3).next(table, 2, true), Some((0, whole)));
        });
    }

    #[test]
    fn sends_the_whole_table_then_changes() {
        with(2, |table| {
            let mut cursor = cursor(0);
            let mut names = [person(1), person(2)];
            let names = Slots::new(&mut names).unwrap();
            cursor.begin_snapshot(table);
            let mut out = [0; 100];
            let (page, end) = table.build_snapshot(&names, 2, cursor.since(), (0, 2), &mut out);
            assert!(end < 2, "the page has both entries");
            let Frame::Page {
                version: 0,
                restart: true,
                complete: false,
                ..
            } = page
            else {
                panic!("{page:?}");
            };
            cursor.on_snapshot_sent(end, 2);
            table.add(0, 3);
            let rest = NextPage::Snapshot { from: 1, upto: 2 };
            assert_eq!(cursor.next(table, 2, true), Some((0, rest)));
            cursor.on_snapshot_sent(2, 2);
            let changes = NextPage::Changes { from: 2, upto: 3 };
            assert_eq!(cursor.next(table, 2, true), Some((3, changes)));
        });
    }

    #[test]
    fn sends_partial_once_if_names_exceed_capacity() {
        with(2, |table| {
            (0..7).for_each(|_| table.count(false, true));
            let mut cursor = cursor(1);
            assert_eq!(cursor.next(table, 9, true), Some((0, NextPage::Partial)));
            cursor.on_partial_sent();
            cursor.check(table, 1);
            assert_eq!(cursor.next(table, 9, true), None);
            assert!(!cursor.follows());
        });
    }

    #[test]
    fn sends_the_whole_table_once_the_names_fit_again() {
        with(2, |table| {
            (0..7).for_each(|_| table.count(false, true));
            let mut cursor = cursor(1);
            assert_eq!(cursor.next(table, 9, true), Some((0, NextPage::Partial)));
            cursor.on_partial_sent();
            table.count(true, true);
            table.count(true, false);
            assert_eq!(cursor.next(table, 9, true), None, "before it asked");
            cursor.check(table, 1);
            let whole = NextPage::Snapshot { from: 0, upto: 9 };
            assert_eq!(cursor.next(table, 9, true), Some((0, whole)));
        });
    }

    #[test]
    fn empties_repeated_pages_without_content() {
        with(2, |table| {
            let mut cursor = cursor(1);
            assert!(cursor.may_repeat(table, (1, 2)));
            for order in 3..=5 {
                table.add(0, order);
            }
            assert!(!cursor.may_repeat(table, (1, 2)));
            assert!(
                !cursor.may_repeat(table, (4, 5)),
                "a later page kept its content"
            );
            assert!(
                cursor.may_repeat(table, (2, 2)),
                "a page without changes was emptied"
            );
            let whole = NextPage::Snapshot { from: 0, upto: 2 };
            assert_eq!(cursor.next(table, 2, true), Some((0, whole)));
        });
    }
}
