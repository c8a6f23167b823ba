//! The memory of a server, handed in by the caller.

use super::SourceSlot;
use crate::address::PackedAddress;
use crate::containers::{Chained, Link, Linked, Next, Queue, Text};
use crate::crypto::PublicKey;
use crate::name::Name;
use crate::session::ConnectionSlot;
use crate::time::{Instant, UnixSeconds};

/// The slices that a server works in, sized once by the caller: statics on a microcontroller, the heap elsewhere.
/// All slots must be `VACANT`, all numbers and blocks zero.
#[derive(Debug)]
pub struct ServerStorage<'a> {
    /// One for each name that the room can hold.
    pub names: &'a mut [NameSlot],
    /// One for each name.
    pub connections: &'a mut [ConnectionSlot],
    /// At least two for each name.
    pub name_index: &'a mut [u32],
    /// At least four for each name.
    pub session_index: &'a mut [u32],
    /// One for each address or network that may be busy at a time; at least one.
    pub sources: &'a mut [SourceSlot],
    /// Frames on the way: divided evenly, this many may be unacknowledged by each client; at least two for each.
    pub flights: &'a mut [FlightSlot],
    /// The latest changes of the table; a client that is further behind gets the whole table.
    pub changes: &'a mut [ChangeSlot],
    /// One for each message that can be kept.
    pub mail: &'a mut [MailSlot],
    /// The letters of kept messages, each 80 bytes longer than its text: one for each four bytes and one more. 271 for
    /// each message are enough for all that can be; at most 2^26 - 1.
    pub mail_texts: &'a mut [u32],
    /// One for each entry of the channel log.
    pub log: &'a mut [LogSlot],
    /// The texts of the channel log: one for each four bytes and one more, at least three; none for up to three bytes.
    /// 251 for each entry are enough for all that can be; at most 2^26 - 1.
    pub log_texts: &'a mut [u32],
    /// Records that may be with the store at a time.
    pub journal: &'a mut [JournalSlot],
}

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub(crate) enum Standing {
    Vacant,
    Offline,
    /// Registered; what was kept is being handed over.
    Returning,
    Online,
}

/// One name: its client, the session with it, and how far it has got everything.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct NameSlot {
    pub(crate) name: Name,
    pub(crate) standing: Standing,
    /// What the table says of it: this, and not the rest of the slot, is what others may know.
    pub(crate) announced_gone: bool,
    pub(crate) announced_online: bool,
    pub(crate) announced_incarnation: u64,
    pub(crate) announced_address: PackedAddress,
    /// It was stored at least once.
    pub(crate) known: bool,
    /// It was away for too long; that waits to be stored.
    pub(crate) forgetting: bool,
    /// Nobody has the name any more.
    pub(crate) gone: bool,
    /// Kept messages, receipts and log entries that name it.
    pub(crate) references: u32,
    /// When it left, and for how long it had been away before this life of the server.
    pub(crate) left_at: Instant,
    pub(crate) away_before_s: u32,
    /// A registration waits to be stored.
    pub(crate) registering: bool,
    /// A registration waits to be stored, and the name was new, or its process was another one.
    pub(crate) fresh: bool,
    /// The change that waits to be stored has to be announced to all.
    pub(crate) announce: bool,
    /// The change is stored after the message with this serial number.
    pub(crate) stored_after: u64,
    /// Its table is smaller than the room.
    pub(crate) partial: bool,
    pub(crate) partial_due: bool,
    pub(crate) address: PackedAddress,
    pub(crate) incarnation: u64,
    /// The key that the name belongs to.
    pub(crate) key: PublicKey,
    /// Age of the cookie of its latest session: what is older was recorded, and is sent again.
    pub(crate) cookie_issued_at_ms: u64,
    pub(crate) opening: u32,
    /// Processes that were displaced, in short.
    pub(crate) previous: [u32; 4],
    pub(crate) capacity: u32,
    pub(crate) links: [Link; NameList::COUNT],
    /// When it was last heard of, or watched.
    pub(crate) heard_at: Instant,
    /// Until when the acknowledgement that is held waits.
    pub(crate) held_until: Instant,
    /// The session id under which somebody else asks for the name, or 0, and since when.
    pub(crate) contested_by: u64,
    pub(crate) contested_at: Instant,
    /// It was heard of since.
    pub(crate) contest_answered: bool,

    /// When it is told that its session with an earlier life of the server is gone, and how often it was.
    pub(crate) recall_at: Instant,
    pub(crate) recalls: u8,

    /// Version of its latest change in the table.
    pub(crate) version: u32,
    /// What of the table it was sent.
    pub(crate) table_sent: u32,
    /// The whole table is being sent: the next slot to send + 1.
    pub(crate) snapshot: u32,
    /// Version at which the sending of the whole table began.
    pub(crate) snapshot_version: u32,
    /// A page is due even if nothing has changed.
    pub(crate) page_due: bool,

    /// Latest request, outcomes of the last 32 in four bits each, and the latest whose result was sent.
    pub(crate) last_request: u32,
    pub(crate) outcomes: u128,
    pub(crate) result_sent: u32,
    /// The latest request whose result its client has acknowledged.
    pub(crate) result_acked: u32,
    /// A request in the latest datagram was not taken, because its source asks for more than its share.
    pub(crate) throttled: bool,
    /// Request to deregister that waits to be stored.
    pub(crate) leave_request: u32,

    /// Registrations divide what was kept from what is merely late.
    pub(crate) boundary: u64,
    pub(crate) mailbox: MailQueue,
    pub(crate) mail_count: u32,
    /// What recipients acknowledged of this sender's kept messages.
    pub(crate) receipts: MailQueue,
    /// Its latest kept message, while that waits in a mailbox: slot + 1.
    pub(crate) kept_last: u32,
    /// Serial number of the last message that was handed over.
    pub(crate) handed_over: u64,
    /// Next entry of the log to be acknowledged, and to be sent.
    pub(crate) log_acked: u32,
    pub(crate) log_sent: u32,
    /// Up to here entries were sent in this session: what lies between this and `log_sent` was passed over.
    pub(crate) log_flown: u32,
    /// Pages of changes up to this version say nothing when they are repeated in this session: the whole table
    /// follows them.
    pub(crate) forgotten: u32,
    /// Own entries that fell out of the log before the cursor came to them.
    pub(crate) own_lost: u32,
}

impl NameSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        name: Name::VACANT,
        standing: Standing::Vacant,
        announced_gone: false,
        announced_online: false,
        announced_incarnation: 0,
        announced_address: PackedAddress::VACANT,
        known: false,
        forgetting: false,
        gone: false,
        references: 0,
        left_at: Instant::ZERO,
        away_before_s: 0,
        registering: false,
        fresh: false,
        announce: false,
        stored_after: 0,
        partial: false,
        partial_due: false,
        address: PackedAddress::VACANT,
        incarnation: 0,
        key: PublicKey::NONE,
        cookie_issued_at_ms: 0,
        opening: 0,
        previous: [0; 4],
        capacity: 0,
        links: [Link::VACANT; NameList::COUNT],
        heard_at: Instant::ZERO,
        held_until: Instant::ZERO,
        contested_by: 0,
        contested_at: Instant::ZERO,
        contest_answered: false,
        recall_at: Instant::ZERO,
        recalls: 0,
        version: 0,
        table_sent: 0,
        snapshot: 0,
        snapshot_version: 0,
        page_due: false,
        last_request: 0,
        outcomes: 0,
        result_sent: 0,
        result_acked: 0,
        throttled: false,
        leave_request: 0,
        boundary: 0,
        mailbox: MailQueue::EMPTY,
        mail_count: 0,
        receipts: MailQueue::EMPTY,
        kept_last: 0,
        handed_over: 0,
        log_acked: 0,
        log_sent: 0,
        log_flown: 0,
        forgotten: 0,
        own_lost: 0,
    };

    /// In the table that everybody may know.
    pub(crate) fn is_listed(&self) -> bool {
        self.version != 0 && !self.announced_gone
    }

    /// In the room, with or without the table having said so.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.standing, Standing::Returning | Standing::Online)
    }
}

/// The lists that a name can stand in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NameList {
    /// By the time it was last heard of.
    Silence,
    /// By the time until which an acknowledgement waits for a result to go with.
    Held,
    /// Waits for the next entry of the log.
    LogFeed,
    /// Waits for the next change of the table.
    TableFeed,
    /// A change of the name waits to be stored.
    Unstable,
    /// A cursor or a handed-over message waits to be stored.
    Progress,
    /// Is to be told that the server has started again.
    Recall,
    /// By the time it left.
    Away,
    /// Its slot can go to another name.
    Vacated,
}

impl NameList {
    const COUNT: usize = 9;
}

/// Each list has the link of its number.
impl Linked<NameList> for NameSlot {
    fn link(&self, list: NameList) -> &Link {
        let [first, rest @ ..] = &self.links;
        match (list as usize).checked_sub(1) {
            None => first,
            Some(below) => rest.get(below).unwrap_or(first),
        }
    }

    fn link_mut(&mut self, list: NameList) -> &mut Link {
        let [first, rest @ ..] = &mut self.links;
        match (list as usize).checked_sub(1) {
            None => first,
            Some(below) => rest.get_mut(below).unwrap_or(first),
        }
    }
}

/// A numbered frame on its way to a client: what it says is looked up when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u32)]
pub(crate) enum Flight {
    Vacant,
    /// The kept message in this slot.
    Mail(u32),
    /// The log entry with this number.
    Log(u32),
    /// The log entries from the cursor to this number fell out of the log; so many of them were for this client.
    Skipped {
        upto: u32,
        count: u32,
    },
    /// The result of this request.
    Result(u32),
    /// The receipt in this mail slot.
    Receipt(u32),
    /// The changes of the table after `from`, up to `upto`.
    Changes {
        from: u32,
        upto: u32,
    },
    /// The slots from `from` up to `upto`, as part of the whole table.
    Snapshot {
        from: u32,
        upto: u32,
    },
    /// A page whose content is not remembered; the whole table follows.
    Emptied,
    Found {
        query: u32,
        slot: u32,
    },
    Missing {
        query: u32,
    },
    Partial,
}

/// One frame on its way.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct FlightSlot(pub(crate) Flight);

impl FlightSlot {
    /// An unused slot.
    pub const VACANT: Self = Self(Flight::Vacant);
}

/// One change of the table.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct ChangeSlot {
    pub(crate) slot: u32,
    pub(crate) order: u64,
}

impl ChangeSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self { slot: 0, order: 0 };
}

/// One kept message; later the receipt for it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct MailSlot {
    /// Number in the store.
    pub(crate) serial: u64,
    /// Place among all messages and changes of the table.
    pub(crate) order: u64,
    pub(crate) incarnation: u64,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) counter: u32,
    pub(crate) request: u32,
    pub(crate) stamp: UnixSeconds,
    pub(crate) text: Text,
    /// The next in its queue, or the next free one.
    pub(crate) next: Next,
}

impl Chained for MailSlot {
    fn next(&self) -> Next {
        self.next
    }

    fn next_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

impl MailSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        serial: 0,
        order: 0,
        incarnation: 0,
        from: 0,
        to: 0,
        counter: 0,
        request: 0,
        stamp: UnixSeconds(0),
        text: Text::VACANT,
        next: Next::NONE,
    };
}

/// A queue of kept messages, with a place up to which they were sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct MailQueue {
    pub(crate) all: Queue,
    /// The first that was not sent.
    pub(crate) unsent: Next,
}

impl MailQueue {
    pub(crate) const EMPTY: Self = Self {
        all: Queue::EMPTY,
        unsent: Next::NONE,
    };
}

/// One entry of the channel log.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct LogSlot {
    pub(crate) order: u64,
    /// The entry is stored after the message with this serial number.
    pub(crate) stored_after: u64,
    pub(crate) incarnation: u64,
    pub(crate) from: u32,
    pub(crate) counter: u32,
    pub(crate) request: u32,
    pub(crate) stamp: UnixSeconds,
    pub(crate) text: Text,
    /// It could not be stored: nobody gets it.
    pub(crate) void: bool,
}

impl LogSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        order: 0,
        stored_after: 0,
        incarnation: 0,
        from: 0,
        counter: 0,
        request: 0,
        stamp: UnixSeconds(0),
        text: Text::VACANT,
        void: false,
    };
}

/// A record that is with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Journal {
    Vacant,
    Epoch,
    Name(u32),
    Mail(u32),
    Log(u32),
    Progress,
    /// This name is forgotten.
    Forget(u32),
}

/// One record that is with the store.
#[derive(Clone, Copy, Debug)]
pub struct JournalSlot(pub(crate) Journal);

impl JournalSlot {
    /// An unused slot.
    pub const VACANT: Self = Self(Journal::Vacant);
}
