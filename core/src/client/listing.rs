//! The roster entry of one name.

use crate::address::PackedAddress;
use crate::wire::Entry;

/// Whether a name is in the roster, and its client online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub(super) enum Presence {
    Vacant,
    /// In use, or used before, but not in the roster.
    Unknown,
    Offline,
    Online,
}

/// The roster entry of one name.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Listing {
    presence: Presence,
    incarnation: u64,
    address: PackedAddress,
    /// The generation of the whole table that had the entry last.
    seen_in: u32,
}

/// The changes that an entry made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListingChange {
    /// Another process has the name.
    pub(super) restarted: bool,
    /// The process or its address has changed.
    pub(super) moved: bool,
    /// The name was offline, and is online.
    pub(super) returned: bool,
    /// The entry differs in any field.
    pub(super) any: bool,
}

impl Listing {
    /// The listing of an unused slot; all zero bits.
    pub(super) const VACANT: Self = Self {
        presence: Presence::Vacant,
        incarnation: 0,
        address: PackedAddress::VACANT,
        seen_in: 0,
    };

    /// A name that is not in the roster.
    pub(super) const UNKNOWN: Self = Self {
        presence: Presence::Unknown,
        ..Self::VACANT
    };

    /// Returns the presence of the name.
    pub(super) fn presence(&self) -> Presence {
        self.presence
    }

    pub(super) fn is_listed(&self) -> bool {
        matches!(self.presence, Presence::Online | Presence::Offline)
    }

    pub(super) fn is_online(&self) -> bool {
        self.presence == Presence::Online
    }

    /// Returns the incarnation; 0 before the roster had one.
    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    pub(super) fn address(&self) -> PackedAddress {
        self.address
    }

    /// Returns whether the whole table of this generation had the entry, or a later change.
    pub(super) fn was_seen_in(&self, generation: u32) -> bool {
        self.seen_in == generation
    }

    /// Updates the listing from an entry that comes with, or after, the whole table of this
    /// generation.
    pub(super) fn update(
        &mut self,
        entry: &Entry<'_>,
        presence: Presence,
        generation: u32,
    ) -> ListingChange {
        let restarted = self.incarnation != entry.incarnation;
        let moved = restarted || self.address != entry.address;
        let change = ListingChange {
            restarted,
            moved,
            returned: (self.presence, presence) == (Presence::Offline, Presence::Online),
            any: moved || self.presence != presence,
        };
        self.presence = presence;
        self.incarnation = entry.incarnation;
        self.address = entry.address;
        self.seen_in = generation;
        change
    }

    /// Removes the name from the roster.
    pub(super) fn unlist(&mut self) {
        self.presence = Presence::Unknown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::PublicKey;
    use crate::wire::Status;

    #[test]
    fn reports_the_changes_of_an_entry() {
        let mut listing = Listing::UNKNOWN;
        let mut update = |incarnation, port, presence| {
            let address = ([192, 0, 2, 1], port).into();
            let entry = Entry::new("a", Status::Online, incarnation, PublicKey::NONE, address);
            let ListingChange {
                restarted,
                moved,
                returned,
                any,
            } = listing.update(&entry, presence, 1);
            [restarted, moved, returned, any]
        };
        assert_eq!(update(7, 1, Presence::Online), [true, true, false, true]);
        assert_eq!(update(7, 1, Presence::Online), [false; 4]);
        assert_eq!(update(7, 2, Presence::Online), [false, true, false, true]);
        assert_eq!(update(7, 2, Presence::Offline), [false, false, false, true]);
        assert_eq!(update(7, 2, Presence::Online), [false, false, true, true]);
        assert!(listing.is_online() && listing.was_seen_in(1));
        listing.unlist();
        assert!(!listing.is_listed());
        assert_eq!(listing.incarnation(), 7, "the incarnation was forgotten");
    }
}
