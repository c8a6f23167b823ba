//! The memory of a client, handed in by the caller.

use super::command::CommandId;
use super::dedup::{ProcessMarks, WindowSlot};
use super::outbox::{Final, Form};
use super::queue::Queue;
use crate::address::PackedAddress;
use crate::containers::{Link, Linked};
use crate::crypto::{KEY_LEN, Letters, PublicKey, TAG_LEN};
use crate::limits::KEPT_LETTER_LEN_MAX;
use crate::name::Name;
use crate::session::ConnectionSlot;
use crate::time::Instant;

/// The slices that a client works in, sized once by the caller: statics on a microcontroller, the heap elsewhere.
/// All slots must be `VACANT`, all numbers zero.
#[derive(Debug)]
pub struct ClientStorage<'a> {
    /// The server, and one slot for each client of the room that the table can hold.
    pub peers: &'a mut [PeerSlot],
    /// One for each peer slot.
    pub connections: &'a mut [ConnectionSlot],
    /// At least two for each peer slot.
    pub names: &'a mut [u32],
    /// At least four for each peer slot.
    pub sessions: &'a mut [u32],
    /// Commands that may be unsettled at a time; also how many messages may be in flight.
    pub outbox: &'a mut [OutboxSlot],
    /// Processes that left the table, or never were in it, whose messages are still recognised as repetitions.
    pub windows: &'a mut [WindowSlot],
}

/// What the table says about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub(crate) enum Presence {
    Vacant,
    /// Named by a command or by nobody any more; not in the table.
    Unknown,
    Offline,
    Online,
}

/// One client of the room; the first slot stands for the server.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct PeerSlot {
    pub(crate) name: Name,
    pub(crate) presence: Presence,
    pub(crate) incarnation: u64,
    pub(crate) address: PackedAddress,
    pub(crate) key: PublicKey,
    /// The key was used: no other is taken for this name any more. And the table says another one.
    pub(crate) pinned: bool,
    pub(crate) foreign: bool,
    /// The key of our letters to it is there; and for which of its processes that of its letters to us is.
    pub(crate) writes: bool,
    pub(crate) reads: u64,
    pub(crate) letters_to: Letters,
    pub(crate) letters_from: Letters,
    pub(crate) links: [Link; PeerList::COUNT],
    /// What was sent directly, in the order of its sequence numbers.
    pub(crate) queue: Queue,
    /// The slot sent last in this session + 1, and its sequence number: where the next one is found in O(1).
    pub(crate) last_sent: (u32, u32),
    /// What waits until it is known which way to go.
    pub(crate) held: Queue,
    /// A message ahead of those held is with the server, to find the way.
    pub(crate) scouting: bool,
    /// Messages with the server that have no result yet.
    pub(crate) pending: u32,
    /// Messages in the outbox for this peer.
    pub(crate) references: u32,
    /// Highest counter that the server keeps, or kept, for this peer.
    pub(crate) kept: u32,
    /// Highest counter that this peer has acknowledged to the server.
    pub(crate) receipt: u32,
    /// Incarnation that was silent to direct messages; 0 for none.
    pub(crate) suspect: u64,
    /// The session was kept over the news that the peer is offline, and nothing came in it since.
    pub(crate) unsure: bool,
    /// When the direct path to a suspect was last tried.
    pub(crate) tried_at: Instant,
    /// Number of the peer's latest call.
    pub(crate) opening: u32,
    /// The latest whole table that named this peer.
    pub(crate) seen_in: u32,
    /// Messages of the current incarnation that were shown.
    pub(super) marks: ProcessMarks,
}

impl PeerSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        name: Name::VACANT,
        presence: Presence::Vacant,
        incarnation: 0,
        address: PackedAddress::VACANT,
        key: PublicKey::NONE,
        pinned: false,
        foreign: false,
        writes: false,
        reads: 0,
        letters_to: Letters::VACANT,
        letters_from: Letters::VACANT,
        links: [Link::VACANT; PeerList::COUNT],
        queue: Queue::EMPTY,
        last_sent: (0, 0),
        held: Queue::EMPTY,
        scouting: false,
        pending: 0,
        references: 0,
        kept: 0,
        receipt: 0,
        suspect: 0,
        unsure: false,
        tried_at: Instant::ZERO,
        opening: 0,
        seen_in: 0,
        marks: ProcessMarks::VACANT,
    };

    /// Leaves no secret behind.
    pub(crate) fn wipe(&mut self) {
        self.letters_to.wipe();
        self.letters_from.wipe();
    }
}

/// The lists that a peer can stand in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeerList {
    /// Occupied slots by use, or free ones.
    Recent,
    /// The key is to be remembered, and that was not told yet.
    UntoldKey,
}

impl PeerList {
    const COUNT: usize = 2;
}

/// Each list has the link of its number.
impl Linked<PeerList> for PeerSlot {
    fn link(&self, list: PeerList) -> &Link {
        let [first, rest @ ..] = &self.links;
        match (list as usize).checked_sub(1) {
            None => first,
            Some(below) => rest.get(below).unwrap_or(first),
        }
    }

    fn link_mut(&mut self, list: PeerList) -> &mut Link {
        let [first, rest @ ..] = &mut self.links;
        match (list as usize).checked_sub(1) {
            None => first,
            Some(below) => rest.get_mut(below).unwrap_or(first),
        }
    }
}

/// One unsettled command.
#[derive(Clone, Debug)]
pub struct OutboxSlot {
    pub(crate) id: CommandId,
    pub(crate) form: Form,
    /// The peer slot of the recipient.
    pub(crate) to: u32,
    /// Number of the message.
    pub(crate) counter: u32,
    /// Number of the request, while it is one.
    pub(crate) request: u32,
    /// Incarnation that was tried directly.
    pub(crate) tried: u64,
    pub(crate) bounce: bool,
    /// The next slot in the queue that this one stands in, + 1.
    pub(crate) next: u32,
    /// The next slot that has something to report, + 1.
    pub(crate) next_notice: u32,
    /// A message to oneself is to be shown.
    pub(crate) show: bool,
    pub(crate) sent_to_server: bool,
    pub(crate) exists: bool,
    pub(crate) settled: Option<Final>,
    /// Bytes of the text.
    pub(crate) len: u16,
    pub(crate) sealed: bool,
    /// The text; or what is kept of a letter: a key in front, the sealed text, its tag.
    pub(crate) text: [u8; KEPT_LETTER_LEN_MAX],
}

impl OutboxSlot {
    /// An unused slot.
    pub const VACANT: Self = Self {
        id: CommandId(0),
        form: Form::Direct,
        to: 0,
        counter: 0,
        request: 0,
        tried: 0,
        bounce: false,
        next: 0,
        next_notice: 0,
        show: false,
        sent_to_server: false,
        exists: false,
        settled: None,
        len: 0,
        sealed: false,
        text: [0; KEPT_LETTER_LEN_MAX],
    };

    /// Takes the text of a new message.
    pub(crate) fn set_text(&mut self, text: &str) {
        self.sealed = false;
        self.len = u16::try_from(text.len()).unwrap_or_default();
        let place = self.text.get_mut(KEY_LEN..).unwrap_or_default();
        place
            .iter_mut()
            .zip(text.as_bytes())
            .for_each(|(to, from)| *to = *from);
    }

    /// Seals the text in place.
    pub(crate) fn seal(
        &mut self,
        key: &PublicKey,
        seal: impl FnOnce(&mut [u8]) -> [u8; TAG_LEN],
    ) -> Option<()> {
        let (front, rest) = self.text.split_first_chunk_mut()?;
        let (text, rest) = rest.split_at_mut_checked(self.len.into())?;
        let tag = rest.first_chunk_mut()?;
        *front = key.0;
        *tag = seal(text);
        self.sealed = true;
        Some(())
    }

    /// Opens the letter in place; true if that succeeded.
    pub(crate) fn unseal(&mut self, open: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let end = KEY_LEN + usize::from(self.len) + TAG_LEN;
        self.sealed = !self.text.get_mut(KEY_LEN..end).is_some_and(open);
        !self.sealed
    }

    fn part(&self, from: usize, tail: usize) -> &[u8] {
        let end = KEY_LEN + usize::from(self.len) + tail;
        self.text.get(from..end).unwrap_or_default()
    }

    /// The letter with the key that opens it in front, to be kept.
    pub(crate) fn kept_letter(&self) -> &[u8] {
        self.part(0, TAG_LEN)
    }

    /// The text, while it is not sealed.
    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(self.text_bytes()).unwrap_or_default()
    }

    /// The bytes of the text, while it is not sealed.
    pub(crate) fn text_bytes(&self) -> &[u8] {
        self.part(KEY_LEN, 0)
    }
}
