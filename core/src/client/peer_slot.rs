//! One client of the room, as a composition of parts.

use super::call_limits::PeerCallLimits;
use super::dedup::ProcessMarks;
use super::listing::Listing;
use super::message_keys::PeerMessageKeys;
use super::peer_key::PeerKey;
use super::receipts::SessionReceipts;
use super::route::Route;
use super::send_queue::SendQueue;
use crate::containers::{Link, Linked};
use crate::name::Name;

/// Memory for one client of the room; the first slot is that of the server.
#[derive(Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct PeerSlot {
    name: Name,
    listing: Listing,
    key: PeerKey,
    message_keys: PeerMessageKeys,
    route: Route,
    /// Frames in the session with this peer that were not acknowledged.
    sending: SendQueue,
    receipts: SessionReceipts,
    /// The marks of its present process.
    marks: ProcessMarks,
    /// Number of commands in the outbox that name this peer.
    references: u32,
    /// The session sequence of the peer's latest call.
    session_sequence: u32,
    call_limits: PeerCallLimits,
    link: Link,
}

impl PeerSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        name: Name::VACANT,
        listing: Listing::VACANT,
        key: PeerKey::NONE,
        message_keys: PeerMessageKeys::NONE,
        route: Route::VACANT,
        sending: SendQueue::EMPTY,
        receipts: SessionReceipts::NONE,
        marks: ProcessMarks::VACANT,
        references: 0,
        session_sequence: 0,
        call_limits: PeerCallLimits::NEW,
        link: Link::VACANT,
    };

    /// Creates a slot for a name that is not in the roster.
    pub(super) fn named(name: Name) -> Self {
        Self {
            name,
            listing: Listing::UNKNOWN,
            ..Self::VACANT
        }
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn listing(&self) -> &Listing {
        &self.listing
    }

    pub(super) fn listing_mut(&mut self) -> &mut Listing {
        &mut self.listing
    }

    pub(super) fn key(&self) -> &PeerKey {
        &self.key
    }

    pub(super) fn key_mut(&mut self) -> &mut PeerKey {
        &mut self.key
    }

    pub(super) fn message_keys(&self) -> &PeerMessageKeys {
        &self.message_keys
    }

    pub(super) fn message_keys_mut(&mut self) -> &mut PeerMessageKeys {
        &mut self.message_keys
    }

    pub(super) fn route(&self) -> &Route {
        &self.route
    }

    pub(super) fn route_mut(&mut self) -> &mut Route {
        &mut self.route
    }

    pub(super) fn sending(&self) -> &SendQueue {
        &self.sending
    }

    pub(super) fn sending_mut(&mut self) -> &mut SendQueue {
        &mut self.sending
    }

    pub(super) fn receipts(&self) -> &SessionReceipts {
        &self.receipts
    }

    pub(super) fn receipts_mut(&mut self) -> &mut SessionReceipts {
        &mut self.receipts
    }

    pub(super) fn marks(&self) -> &ProcessMarks {
        &self.marks
    }

    pub(super) fn marks_mut(&mut self) -> &mut ProcessMarks {
        &mut self.marks
    }

    /// Replaces the process of the name by one with these marks.
    pub(super) fn restart(&mut self, marks: ProcessMarks) {
        self.marks = marks;
        self.session_sequence = 0;
    }

    /// Returns whether a call is later than all earlier ones of the process.
    pub(super) fn is_new_call(&self, session_sequence: u32) -> bool {
        session_sequence > self.session_sequence
    }

    /// Records the session sequence of a call that was answered.
    pub(super) fn note_call(&mut self, session_sequence: u32) {
        self.session_sequence = session_sequence;
    }

    pub(super) fn call_limits_mut(&mut self) -> &mut PeerCallLimits {
        &mut self.call_limits
    }

    /// Counts a command that names the peer.
    pub(super) fn add_reference(&mut self) {
        self.references += 1;
    }

    /// Releases the reference of a command that has ended.
    pub(super) fn drop_reference(&mut self) {
        self.references -= 1;
    }

    /// Returns whether a command names the peer.
    pub(super) fn is_referenced(&self) -> bool {
        self.references != 0
    }

    /// Returns whether the slot is free for another name: no command names it, and the server
    /// stores nothing for it from this client.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_referenced() && !self.route.has_stored()
    }
}

impl Linked<()> for PeerSlot {
    fn link(&self, (): ()) -> &Link {
        &self.link
    }

    fn link_mut(&mut self, (): ()) -> &mut Link {
        &mut self.link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> PeerSlot {
        PeerSlot::named(Name::new("bob").unwrap())
    }

    #[test]
    fn accepts_each_call_of_a_process_once() {
        let mut peer = peer();
        assert!(peer.is_new_call(1));
        peer.note_call(3);
        assert!(!peer.is_new_call(2) && !peer.is_new_call(3));
        assert!(peer.is_new_call(4));
        peer.restart(ProcessMarks::VACANT);
        assert!(peer.is_new_call(1), "the calls of another process count");
    }

    #[test]
    fn is_idle_without_commands_and_stored_messages() {
        let mut peer = peer();
        assert!(peer.is_idle());
        peer.add_reference();
        peer.add_reference();
        peer.drop_reference();
        assert!(peer.is_referenced() && !peer.is_idle());
        peer.drop_reference();
        assert!(!peer.is_referenced() && peer.is_idle());
        peer.route_mut().note_stored(2);
        assert!(!peer.is_idle(), "a peer with a stored message is idle");
        peer.route_mut().note_receipt(2);
        assert!(peer.is_idle());
    }
}
