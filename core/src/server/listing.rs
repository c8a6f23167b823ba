//! What the table says of a name.

use crate::address::PackedAddress;
use crate::crypto::PublicKey;
use crate::wire::{Entry, Frame, Status};

/// What the table says of a name: this, and not the rest of its slot, is what others may know.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Listing {
    /// Version of its latest change; 0 for a name that the table never had.
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

    /// Creates what the table says from this version on.
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

    /// Returns the version of its latest change; 0 for a name that the table never had.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Returns whether the table has the name.
    pub(super) fn is_listed(&self) -> bool {
        self.version != 0 && self.status != Status::Gone
    }

    /// Returns whether the table says that the client is there.
    pub(super) fn is_online(&self) -> bool {
        self.status == Status::Online
    }

    /// Returns the process that the table names.
    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Returns the address that the table names.
    pub(super) fn address(&self) -> PackedAddress {
        self.address
    }

    /// Builds the entry that clients get.
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
    /// Returns what the table says of it.
    fn listing(&self) -> &Listing;
    /// Builds the entry that clients get.
    fn entry(&self) -> Entry<'_>;
}

/// Builds the answer to a lookup of a name that the table had.
pub(super) fn build_found<T: Listed>(name: &T, query: u32) -> Frame<'_> {
    if name.listing().is_listed() {
        let entry = name.entry();
        Frame::Found { query, entry }
    } else {
        Frame::Missing { query }
    }
}
