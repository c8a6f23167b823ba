//! The order of the frames for each client. Stored messages, log entries and table changes come in
//! the order in which they were stored. Results and receipts come in between.
//!
//! The server queues nothing per client: it walks cursors when it builds a datagram. Clients that
//! are up to date wait in two lists, ordered by their positions. So the server finds one that is
//! behind in O(1).

use super::channel_cursor::NextEntry;
use super::channel_log::ChannelLog;
use super::in_flight::SentFrame;
use super::listing::Listed;
use super::mailboxes::Mailboxes;
use super::name_list::NameList;
use super::name_slot::NameSlot;
use super::table::{NextPage, TableChanges};
use crate::containers::{List, Slots};

/// Returns the next frame for the client in a slot. The client has a session, and the first `used`
/// slots have names.
//= PROTOCOL.md#10.6
pub(super) fn next(
    slot: u32,
    name: &mut NameSlot,
    mail: &Mailboxes<'_>,
    channel: &ChannelLog<'_>,
    table: &TableChanges<'_>,
    used: u32,
) -> Option<SentFrame> {
    if name.membership().is_registering() {
        return None;
    }
    if !name.membership().is_here() {
        return name.results().next().map(SentFrame::Result);
    }
    // Others fill the mailbox and the channel: they must not hold up what the client asked for.
    if let Some(request) = name.results().next() {
        return Some(SentFrame::Result(request));
    }
    if let Some(index) = name.receipts().next() {
        return Some(SentFrame::Receipt(index));
    }
    let message = next_message(slot, name, mail, channel);
    // A page has all changes up to the latest one. Messages from before that come first, so that a
    // new process of a name does not overtake messages of the one before.
    let oldest = name.mailbox().next().map(|index| mail.order(index));
    let overtakes = oldest.is_some_and(|oldest| oldest <= table.latest_order());
    let page = if is_listed(name) && !overtakes {
        name.next_page(table, used)
    } else {
        None
    };
    match (page, message) {
        (Some((page_order, _)), Some((order, message))) if order < page_order => Some(message),
        (Some((_, page)), _) => Some(page.into()),
        (None, message) => message.map(|(_, message)| message),
    }
}

/// Returns the older one of the next stored message and the next entry of the channel log, and its
/// position in the common order.
fn next_message(
    slot: u32,
    name: &mut NameSlot,
    mail: &Mailboxes<'_>,
    channel: &ChannelLog<'_>,
) -> Option<(u64, SentFrame)> {
    let entry = name.channel_mut().next(channel, slot);
    let entry = entry.map(|entry| (entry.order(), entry.into()));
    let next = name.mailbox().next();
    let stored = next.map(|index| (mail.order(index), SentFrame::Mail(index)));
    match (stored, entry) {
        (Some((order, _)), Some(entry)) if entry.0 < order => Some(entry),
        (stored, entry) => stored.or(entry),
    }
}

/// Returns whether the table lists the present process as online: it may list the one before.
fn is_listed(name: &NameSlot) -> bool {
    let listing = name.listing();
    listing.is_online() && name.has_process(listing.incarnation())
}

impl From<NextEntry> for SentFrame {
    fn from(entry: NextEntry) -> Self {
        match entry {
            NextEntry::Entry { number, .. } => Self::Log(number),
            NextEntry::Skipped { upto, count } => Self::Skipped { upto, count },
        }
    }
}

impl From<NextPage> for SentFrame {
    fn from(page: NextPage) -> Self {
        match page {
            NextPage::Partial => Self::Partial,
            NextPage::Changes { from, upto } => Self::Changes { from, upto },
            NextPage::Snapshot { from, upto } => Self::Snapshot { from, upto },
        }
    }
}

/// The clients that are up to date, ordered by their positions: the first one has received least.
pub(super) struct Feed {
    log: List<NameList>,
    table: List<NameList>,
}

impl Feed {
    /// Creates a feed without clients.
    pub(super) fn new() -> Self {
        Self {
            log: List::new(NameList::LogFeed),
            table: List::new(NameList::TableFeed),
        }
    }

    /// Appends a client to the lists of those that wait for more, or removes it unless `waits` is
    /// set.
    pub(super) fn wait(&mut self, names: &mut Slots<'_, NameSlot>, slot: u32, waits: bool) {
        self.log.remove(names, slot);
        self.table.remove(names, slot);
        if !waits {
            return;
        }
        self.log.push(names, slot);
        let name = names.at(slot);
        if name.table().follows() && is_listed(name) {
            self.table.push(names, slot);
        }
    }

    /// Returns the client that is furthest behind, if any is.
    pub(super) fn most_behind(
        &self,
        names: &Slots<'_, NameSlot>,
        channel: &ChannelLog<'_>,
        table: &TableChanges<'_>,
    ) -> Option<u32> {
        let log = self
            .log
            .first()
            .filter(|slot| names.at(*slot).channel().is_behind(channel));
        log.or_else(|| {
            self.table
                .first()
                .filter(|slot| names.at(*slot).table().is_behind(table))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PackedAddress;
    use crate::crypto::PublicKey;
    use crate::server::channel_log::{Appended, LogSlot};
    use crate::server::mailboxes::{MailSlot, Parties};
    use crate::server::origin::Origin;
    use crate::server::process::SessionStart;
    use crate::server::table::ChangeSlot;
    use crate::time::UnixSeconds;
    use crate::wire::Outcome;

    const ALICE: u32 = 0;
    const BOB: u32 = 1;

    /// Begins a session of Bob's process.
    fn register(bob: &mut NameSlot) {
        let start = SessionStart {
            incarnation: 7,
            session_sequence: 1,
            key: PublicKey([1; 32]),
            address: PackedAddress::VACANT,
            cookie_issued_at_ms: 0,
        };
        bob.begin_session(&start, 0);
    }

    /// Returns Bob, online, with a table from before the change of this order.
    fn bob(table: &mut TableChanges<'_>, order: u64) -> NameSlot {
        let mut name = NameSlot::VACANT;
        register(&mut name);
        name.admit();
        name.settle();
        name.update_listing(1);
        let version = table.version();
        table.add(ALICE, order);
        name.table_mut().begin(8, version);
        name.channel_mut().jump_to(1);
        name
    }

    #[test]
    fn merges_messages_and_entries_in_order() {
        let (mut changes, mut mails) = ([ChangeSlot::VACANT; 2], [MailSlot::VACANT; 2]);
        let (mut log, mut words) = ([LogSlot::VACANT; 2], [0; 16]);
        let mut table = TableChanges::new(&mut changes, 1).unwrap();
        let mut mail = Mailboxes::new(&mut mails, &mut words).unwrap();
        let mut channel = ChannelLog::new(&mut log, &mut [], 100, 0).unwrap();
        table.add(BOB, 1);
        let mut bob = bob(&mut table, 3);

        let entry = LogSlot::new(ALICE, Origin::VACANT, UnixSeconds(1), 0);
        assert!(matches!(
            channel.append(entry, "hi", UnixSeconds(u32::MAX)),
            Appended::Entry(1)
        ));
        channel.publish(1, 2, true);
        let parties = Parties {
            from: ALICE,
            to: BOB,
        };
        let stamp = UnixSeconds(1);
        let mailbox = bob.mailbox_mut();
        let restored = mail.restore(mailbox, 1, parties, Origin::VACANT, stamp, &[1; 8]);
        mail.on_stored(restored.unwrap(), 4, mailbox);
        bob.results_mut().note(1);
        bob.results_mut().decide(1, Outcome::Saved);

        let next = |bob: &mut NameSlot| next(BOB, bob, &mail, &channel, &table, 2);
        assert_eq!(next(&mut bob), Some(SentFrame::Result(1)));
        bob.results_mut().on_sent(1);
        assert_eq!(next(&mut bob), Some(SentFrame::Log(1)));
        bob.channel_mut().on_sent(1);
        // The change is older than the message.
        let page = SentFrame::Changes { from: 1, upto: 2 };
        assert_eq!(next(&mut bob), Some(page));
        bob.table_mut().on_changes_sent(2);
        assert_eq!(next(&mut bob), Some(SentFrame::Mail(0)));
        mail.on_sent(bob.mailbox_mut());
        assert_eq!(next(&mut bob), None);
    }

    #[test]
    fn sends_only_results_to_a_client_that_left() {
        let (mut changes, mut mails) = ([ChangeSlot::VACANT; 2], [MailSlot::VACANT; 1]);
        let mut log = [LogSlot::VACANT; 1];
        let mut table = TableChanges::new(&mut changes, 1).unwrap();
        let mail = Mailboxes::new(&mut mails, &mut []).unwrap();
        let channel = ChannelLog::new(&mut log, &mut [], 100, 0).unwrap();
        let mut bob = bob(&mut table, 1);
        bob.leave();
        assert_eq!(next(BOB, &mut bob, &mail, &channel, &table, 2), None);
        bob.results_mut().note_leave(1);
        assert!(bob.on_stored());
        let result = Some(SentFrame::Result(1));
        assert_eq!(next(BOB, &mut bob, &mail, &channel, &table, 2), result);
        register(&mut bob);
        assert_eq!(next(BOB, &mut bob, &mail, &channel, &table, 2), None);
    }
}
