//! The table entry of a name.

use crate::address::PackedAddress;
use crate::crypto::PublicKey;
use crate::wire::{Entry, Frame, Status};

/// The table entry of a name: the public part of its slot.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Listing {
    /// Version of the latest change; 0 for a name that the table never had.
    version: u32,
    status: Status,
    incarnation: u64,
    address: PackedAddress,
}

impl Listing {
    /// A name that the table never had; all zero bits.
    pub(super) const VACANT: Self = Self {
        version: 0,
        status: Status::Offline,
        incarnation: 0,
        address: PackedAddress::VACANT,
    };

    /// Creates the entry of a name from this version on.
    pub(super) fn new(
        version: u32,
        status: Status,
        incarnation: u64,
        address: PackedAddress,
    ) -> Self {
        Self {
            version,
            status,
            incarnation,
            address,
        }
    }

    /// Returns the version of the latest change; 0 for a name that the table never had.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Returns whether the table has the name.
    pub(super) fn is_listed(&self) -> bool {
        self.version != 0 && self.status != Status::Gone
    }

    /// Returns whether the table lists the client as online.
    pub(super) fn is_online(&self) -> bool {
        self.status == Status::Online
    }

    /// Returns the incarnation in the table.
    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Returns the address in the table.
    pub(super) fn address(&self) -> PackedAddress {
        self.address
    }

    /// Builds the wire entry that clients get.
    pub(super) fn entry<'b>(&self, name: &'b str, key: PublicKey) -> Entry<'b> {
        Entry {
            name,
            status: self.status,
            incarnation: self.incarnation,
            key,
            address: self.address,
        }
    }
}

/// A slot of a name that the table may list.
pub(super) trait Listed {
    /// Returns the table entry of the name.
    fn listing(&self) -> &Listing;
    /// Builds the wire entry that clients get.
    fn entry(&self) -> Entry<'_>;
}

/// Builds the frame that hands out the medium-term key of a name: the entry of the name with this
/// key in the place of the static one.
#[cfg(feature = "medium-keys")]
pub(super) fn build_key<T: Listed>(name: &T, key: PublicKey) -> Frame<'_> {
    let entry = Entry {
        key,
        ..name.entry()
    };
    Frame::Found { query: 0, entry }
}

/// Builds the answer to a lookup: Missing if the table does not list the name any more.
pub(super) fn build_found<T: Listed>(name: &T, query: u32) -> Frame<'_> {
    if name.listing().is_listed() {
        let entry = name.entry();
        Frame::Found { query, entry }
    } else {
        Frame::Missing { query }
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;

    const KEY: PublicKey = PublicKey([1; 32]);

    fn address() -> SocketAddr {
        ([192, 0, 2, 1], 5_000).into()
    }

    struct Name(Listing);
    impl Listed for Name {
        fn listing(&self) -> &Listing {
            &self.0
        }
        fn entry(&self) -> Entry<'_> {
            self.0.entry("bob", KEY)
        }
    }

    fn listing(version: u32, status: Status) -> Listing {
        Listing::new(version, status, 7, address().into())
    }

    #[test]
    fn lists_known_names_that_are_not_gone() {
        assert!(!Listing::VACANT.is_listed());
        for (status, is_listed, is_online) in [
            (Status::Online, true, true),
            (Status::Offline, true, false),
            (Status::Gone, false, false),
        ] {
            let listing = listing(1, status);
            assert_eq!(listing.is_listed(), is_listed, "{status:?}");
            assert_eq!(listing.is_online(), is_online, "{status:?}");
        }
        assert!(!listing(0, Status::Offline).is_listed());
    }

    #[test]
    fn answers_lookups_of_listed_names_only() {
        let name = Name(listing(4, Status::Offline));
        let entry = Entry::new("bob", Status::Offline, 7, KEY, address());
        assert_eq!(build_found(&name, 3), Frame::Found { query: 3, entry });
        let name = Name(listing(5, Status::Gone));
        assert_eq!(build_found(&name, 3), Frame::Missing { query: 3 });
    }
}
