//! The order of what each client gets: one merged stream of stored messages, log entries and
//! changes of the table, in the order in which they were stored, with results and receipts in
//! between.
//!
//! Nothing is queued per client: cursors are walked when a datagram is built. Clients that have got
//! everything wait in two lists, ordered by how far they have got, so that one that is behind is
//! found in O(1).

use super::channel_cursor::NextEntry;
use super::channel_log::ChannelLog;
use super::in_flight::Flight;
use super::mailboxes::Mailboxes;
use super::name_list::NameList;
use super::name_slot::NameSlot;
use super::table::{NextPage, TableChanges};
use crate::containers::{List, Slots};

/// Returns the next frame for the client of the name in a slot, if it has a session: of a room of
/// so many names.
pub(super) fn next(
    slot: u32,
    name: &mut NameSlot,
    mail: &Mailboxes<'_>,
    channel: &ChannelLog<'_>,
    table: &TableChanges<'_>,
    names: u32,
) -> Option<Flight> {
    if name.membership.is_registering() {
        return None;
    }
    if !name.membership.is_here() {
        return name.results.next().map(Flight::Result);
    }
    let entry = name.channel.next(channel, slot);
    if let Some(index) = name.mailbox.next() {
        return Some(match entry {
            Some(entry) if entry.order() < mail.order(index) => entry.into(),
            _ => Flight::Mail(index),
        });
    }
    if let Some(request) = name.results.next() {
        return Some(Flight::Result(request));
    }
    if let Some(index) = name.receipts.next() {
        return Some(Flight::Receipt(index));
    }
    let online = name.listing.is_online();
    match (name.table.next(table, names, online), entry) {
        (Some((order, _)), Some(entry)) if entry.order() < order => Some(entry.into()),
        (Some((_, page)), _) => Some(page.into()),
        (None, entry) => entry.map(Flight::from),
    }
}

impl From<NextEntry> for Flight {
    fn from(entry: NextEntry) -> Self {
        match entry {
            NextEntry::Entry { number, .. } => Self::Log(number),
            NextEntry::Skipped { upto, count } => Self::Skipped { upto, count },
        }
    }
}

impl From<NextPage> for Flight {
    fn from(page: NextPage) -> Self {
        match page {
            NextPage::Partial => Self::Partial,
            NextPage::Changes { from, upto } => Self::Changes { from, upto },
            NextPage::Snapshot { from, upto } => Self::Snapshot { from, upto },
        }
    }
}

/// The clients that have got everything, ordered by how far that is: the first has got least.
pub(super) struct Feed {
    log: List<NameList>,
    table: List<NameList>,
}

impl Feed {
    /// Creates a feed on which no client waits.
    pub(super) fn new() -> Self {
        Self {
            log: List::new(NameList::LogFeed),
            table: List::new(NameList::TableFeed),
        }
    }

    /// Puts a client that has got everything at the end of the lists of those that wait for more;
    /// one that does not `wait` is taken out.
    pub(super) fn wait(&mut self, names: &mut Slots<'_, NameSlot>, slot: u32, waits: bool) {
        self.log.remove(names, slot);
        self.table.remove(names, slot);
        if !waits {
            return;
        }
        self.log.push(names, slot);
        let name = names.at(slot);
        if name.table.follows() && name.listing.is_online() {
            self.table.push(names, slot);
        }
    }

    /// Returns the client that is most behind, if any is.
    pub(super) fn most_behind(
        &self,
        names: &Slots<'_, NameSlot>,
        channel: &ChannelLog<'_>,
        table: &TableChanges<'_>,
    ) -> Option<u32> {
        let log = self
            .log
            .first()
            .filter(|slot| names.at(*slot).channel.is_behind(channel));
        log.or_else(|| {
            self.table
                .first()
                .filter(|slot| names.at(*slot).table.is_behind(table))
        })
    }
}
