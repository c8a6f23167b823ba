//! Offline names: for how long they have been offline, and which of them expire.
//!
//! The time of a departure has two parts: an instant of this run of the server, and the seconds
//! offline before this run.

use super::name_list::NameList;
use crate::containers::{Linked, List, Slots};
use crate::time::Instant;

/// The time since which a name is offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct OfflineSince {
    left_at: Instant,
    /// Seconds that the name was offline before this run of the server.
    before_s: u32,
}

impl OfflineSince {
    /// Offline since time zero; all zero bits.
    pub(super) const VACANT: Self = Self {
        left_at: Instant::ZERO,
        before_s: 0,
    };

    /// Returns for how many seconds the name has been offline.
    pub(super) fn seconds(self, now: Instant) -> u32 {
        let since = now.millis_since(self.left_at) / 1_000;
        u32::try_from(since)
            .unwrap_or(u32::MAX)
            .saturating_add(self.before_s)
    }
}

/// A slot of a name that can be offline.
pub(super) trait Absent: Linked<NameList> {
    /// Returns since when the name is offline.
    fn offline_since(&self) -> OfflineSince;
    /// Sets since when the name is offline.
    fn set_offline_since(&mut self, since: OfflineSince);
}

/// The offline names, in the order in which they left.
pub(super) struct Absence {
    list: List<NameList>,
    keep_s: u32,
}

impl Absence {
    /// Creates an empty list of names that expire after `keep_s` seconds, at least 1.
    pub(super) fn new(keep_s: u32) -> Self {
        Self {
            list: List::new(NameList::Offline),
            keep_s: keep_s.max(1),
        }
    }

    /// Adds a name that is offline from now on, and was offline for `before_s` seconds in earlier
    /// runs of the server.
    pub(super) fn add<T: Absent>(
        &mut self,
        names: &mut Slots<'_, T>,
        slot: u32,
        now: Instant,
        before_s: u32,
    ) {
        self.list.remove(names, slot);
        names.at_mut(slot).set_offline_since(OfflineSince {
            left_at: now,
            before_s,
        });
        self.list.push(names, slot);
    }

    /// Removes a name that is back, or forgotten.
    pub(super) fn remove<T: Absent>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.list.remove(names, slot);
    }

    /// Returns when the next name expires: the first in the list. It can be late if a store
    /// restores names in another order.
    pub(super) fn deadline<T: Absent>(&self, names: &Slots<'_, T>) -> Option<Instant> {
        let since = names.at(self.list.first()?).offline_since();
        let left_s = self.keep_s.saturating_sub(since.before_s);
        Some(since.left_at.plus_millis(u64::from(left_s) * 1_000))
    }

    /// Returns the slot of a name that has expired.
    pub(super) fn expired<T: Absent>(&self, names: &Slots<'_, T>, now: Instant) -> Option<u32> {
        let slot = self.list.first()?;
        (self.deadline(names)? <= now).then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::Link;

    struct Name(Link, OfflineSince);
    impl Linked<NameList> for Name {
        fn link(&self, _: NameList) -> &Link {
            &self.0
        }
        fn link_mut(&mut self, _: NameList) -> &mut Link {
            &mut self.0
        }
    }
    impl Absent for Name {
        fn offline_since(&self) -> OfflineSince {
            self.1
        }
        fn set_offline_since(&mut self, since: OfflineSince) {
            self.1 = since;
        }
    }

    #[test]
    fn expires_names_in_the_order_they_left() {
        let mut names = [(); 2].map(|()| Name(Link::VACANT, OfflineSince::VACANT));
        let mut names = Slots::new(&mut names).unwrap();
        let mut absence = Absence::new(60);
        let at = Instant::from_millis;
        absence.add(&mut names, 1, at(5_000), 20);
        absence.add(&mut names, 0, at(7_000), 0);
        assert_eq!(names.at(1).offline_since().seconds(at(8_500)), 23);
        assert_eq!(absence.deadline(&names), Some(at(45_000)));
        assert_eq!(absence.expired(&names, at(44_999)), None);
        assert_eq!(absence.expired(&names, at(45_000)), Some(1));
        absence.remove(&mut names, 1);
        assert_eq!(absence.deadline(&names), Some(at(67_000)));
    }
}
