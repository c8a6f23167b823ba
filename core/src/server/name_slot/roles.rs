//! The roles of a name: for the lists that it is in, to the table and to the store.

use super::NameSlot;
use crate::containers::{Link, Linked};
use crate::server::absence::{Absent, OfflineSince};
use crate::server::journal::Stored;
use crate::server::listing::{Listed, Listing};
use crate::server::liveness::Heard;
use crate::server::name_list::NameList;
use crate::server::restart_notices::{Notice, Noticed};
use crate::time::Instant;
use crate::wire::Entry;

impl Linked<NameList> for NameSlot {
    fn link(&self, list: NameList) -> &Link {
        self.links.get(list)
    }

    fn link_mut(&mut self, list: NameList) -> &mut Link {
        self.links.get_mut(list)
    }
}

impl Listed for NameSlot {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn entry(&self) -> Entry<'_> {
        self.listing.entry(self.name.as_str(), self.process.key())
    }
}

impl Stored for NameSlot {
    fn stored_after(&self) -> u64 {
        self.stored_after
    }

    fn set_stored_after(&mut self, serial: u64) {
        self.stored_after = serial;
    }

    fn log_next(&self) -> u32 {
        self.channel.acked()
    }

    fn is_expiring(&self) -> bool {
        self.membership.is_expiring()
    }
}

impl Heard for NameSlot {
    fn heard_at(&self) -> Instant {
        self.heard_at
    }

    fn set_heard_at(&mut self, at: Instant) {
        self.heard_at = at;
    }
}

impl Absent for NameSlot {
    fn offline_since(&self) -> OfflineSince {
        self.offline_since
    }

    fn set_offline_since(&mut self, since: OfflineSince) {
        self.offline_since = since;
    }
}

impl Noticed for NameSlot {
    fn notice(&self) -> Notice {
        self.notice
    }

    fn set_notice(&mut self, notice: Notice) {
        self.notice = notice;
    }
}
