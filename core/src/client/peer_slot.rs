//! One client of the room, as a composition of what is known of it.

use super::dedup::ProcessMarks;
use super::listing::Listing;
use super::message_keys::PeerMessageKeys;
use super::peer_key::PeerKey;
use super::route::Route;
use super::send_queue::SendQueue;
use crate::containers::{Link, Linked};
use crate::name::Name;

/// One client of the room; the first slot stands for the server.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct PeerSlot {
    pub(super) name: Name,
    pub(super) listing: Listing,
    pub(super) key: PeerKey,
    pub(super) message_keys: PeerMessageKeys,
    pub(super) route: Route,
    /// What was sent directly.
    pub(super) sending: SendQueue,
    /// What was shown of its present process.
    pub(super) marks: ProcessMarks,
    /// Commands in the outbox that name this peer.
    pub(super) references: u32,
    /// Number of the peer's latest call.
    pub(super) opening: u32,
    links: [Link; PeerList::COUNT],
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
        marks: ProcessMarks::VACANT,
        references: 0,
        opening: 0,
        links: [Link::VACANT; PeerList::COUNT],
    };

    /// A name of which nothing else is known.
    pub(super) const fn named(name: Name) -> Self {
        Self {
            name,
            listing: Listing::UNKNOWN,
            ..Self::VACANT
        }
    }

    /// Returns whether the slot may be given to another name: no command names it, and the server
    /// keeps nothing for it from this client.
    pub(super) fn is_idle(&self) -> bool {
        self.references == 0 && !self.route.has_kept()
    }
}

/// The lists that a peer can stand in.
#[derive(Clone, Copy, Debug)]
pub(super) enum PeerList {
    /// Occupied slots by use, or free ones.
    Recent,
    /// The key is to be remembered, and that was not told yet.
    UntoldKey,
}

impl PeerList {
    const COUNT: usize = 2;
}

impl Linked<PeerList> for PeerSlot {
    fn link(&self, list: PeerList) -> &Link {
        let [recent, untold_key] = &self.links;
        match list {
            PeerList::Recent => recent,
            PeerList::UntoldKey => untold_key,
        }
    }

    fn link_mut(&mut self, list: PeerList) -> &mut Link {
        let [recent, untold_key] = &mut self.links;
        match list {
            PeerList::Recent => recent,
            PeerList::UntoldKey => untold_key,
        }
    }
}
