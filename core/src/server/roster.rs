//! The table of clients as it is told to them: the changes since what they have, or the whole.

use super::Server;
use super::storage::{ChangeSlot, NameSlot, Standing};
use crate::wire::{Entry, Frame, Status};

/// What others may know of a name.
pub(super) fn entry(name: &NameSlot) -> Entry<'_> {
    let status = if name.announced_gone {
        Status::Gone
    } else if name.announced_online {
        Status::Online
    } else {
        Status::Offline
    };
    Entry {
        name: name.name.as_str(),
        status,
        incarnation: name.announced_incarnation,
        key: name.key,
        address: name.announced_address,
    }
}

impl Server<'_> {
    /// A change of this name is stored: it gets its place in the order of all changes, and everybody may know it.
    pub(super) fn announce(&mut self, slot: u32) {
        self.order += 1;
        self.table_version += 1;
        let (order, version) = (self.order, self.table_version);
        let place = self.change_place(version);
        *self.changes.at_mut(place) = ChangeSlot { slot, order };
        let name = self.names.at_mut(slot);
        name.version = version;
        name.announced_gone = name.gone;
        name.announced_online = name.standing == Standing::Online;
        name.announced_incarnation = name.incarnation;
        name.announced_address = name.address;
        self.attend(slot);
    }

    fn change_place(&self, version: u32) -> u32 {
        version.checked_rem(self.changes.len()).unwrap_or_default()
    }

    /// Whether the change with this number is still remembered.
    pub(super) fn has_change(&self, version: u32) -> bool {
        version + self.changes.len() > self.table_version && version > self.changes_floor
    }

    /// The place of the next change for this client in the common order; 0 for the whole table.
    pub(super) fn next_change(&mut self, slot: u32) -> Option<u64> {
        let name = self.names.at(slot);
        if name.partial || !name.announced_online || !name.is_here() {
            return None;
        }
        if name.snapshot != 0 {
            return Some(0);
        }
        if name.table_sent == self.table_version {
            return name.page_due.then_some(0);
        }
        let next = name.table_sent + 1;
        if self.has_change(next) {
            return Some(self.changes.at(self.change_place(next)).order);
        }
        // The client is too far behind: it gets the whole.
        self.names.at_mut(slot).snapshot = 1;
        Some(0)
    }

    /// Fills a page with changes after `from`, at most up to `upto`; returns its length and where it ends.
    fn fill_changes(&self, from: u32, upto: u32, out: &mut [u8]) -> (usize, u32) {
        let mut len = 0;
        for version in from + 1..=upto {
            let slot = self.changes.at(self.change_place(version)).slot;
            let name = self.names.at(slot);
            // A later change of the same name says it better.
            if name.version != version {
                continue;
            }
            match entry(name).emit(out.get_mut(len..).unwrap_or_default()) {
                0 => return (len, version - 1),
                written => len += written,
            }
        }
        (len, upto)
    }

    /// Fills a page with slots from `from`, at most up to `upto`, that have not changed since the sending of the
    /// whole table began: the changed ones come later, as changes.
    fn fill_snapshot(&self, slot: u32, from: u32, upto: u32, out: &mut [u8]) -> (usize, u32) {
        let since = self.names.at(slot).snapshot_version;
        let mut len = 0;
        for at in from..upto {
            let name = self.names.at(at);
            if !name.is_listed() || name.version > since {
                continue;
            }
            match entry(name).emit(out.get_mut(len..).unwrap_or_default()) {
                0 => return (len, at),
                written => len += written,
            }
        }
        (len, upto)
    }

    /// Builds a page of changes: the frame borrows `out`, and the number says where the page ends.
    pub(super) fn changes_page<'b>(
        &self,
        from: u32,
        upto: u32,
        out: &'b mut [u8],
    ) -> (Frame<'b>, u32) {
        let (len, end) = self.fill_changes(from, upto, out);
        let page = Frame::Page {
            version: end,
            restart: false,
            complete: end == self.table_version,
            entries: out.get(..len).unwrap_or_default(),
        };
        (page, end)
    }

    /// Builds a page of the whole table: the frame borrows `out`, and the number says where the page ends.
    pub(super) fn snapshot_page<'b>(
        &self,
        slot: u32,
        from: u32,
        upto: u32,
        out: &'b mut [u8],
    ) -> (Frame<'b>, u32) {
        let (len, end) = self.fill_snapshot(slot, from, upto, out);
        let since = self.names.at(slot).snapshot_version;
        let last = end >= self.names_used;
        let page = Frame::Page {
            version: if last { since } else { 0 },
            restart: from == 0,
            complete: last && since == self.table_version,
            entries: out.get(..len).unwrap_or_default(),
        };
        (page, end)
    }

    /// The rest of the room does not fit into the client's table: from here on it looks up what it needs.
    pub(super) fn check_capacity(&mut self, slot: u32) {
        let name = self.names.at_mut(slot);
        if !name.partial && name.capacity < self.names_used {
            name.partial = true;
            name.partial_due = true;
            name.snapshot = 0;
        }
    }
}
