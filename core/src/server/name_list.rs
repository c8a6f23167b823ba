//! The lists that a name can be in.

use crate::containers::Link;

/// The lists that a name can be in.
#[derive(Clone, Copy, Debug)]
pub(super) enum NameList {
    /// Clients in the room, by the time they were last heard from.
    Silence,
    /// Clients that wait for the next entry of the log.
    LogFeed,
    /// Clients that wait for the next change of the table.
    TableFeed,
    /// Names with a change that waits to be stored.
    Unstable,
    /// Names with a cursor or a delivery that waits to be stored.
    Progress,
    /// Clients that get restart notices.
    Notices,
    /// Offline names, by the time they left.
    Offline,
    /// Forgotten names whose slots are free for others, or names to evict when the room is full.
    Reusable,
}

impl NameList {
    const COUNT: usize = 8;
}

/// The neighbours of a name in all lists.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct NameLinks([Link; NameList::COUNT]);

impl NameLinks {
    /// Links of a name that is in no list; all zero bits.
    pub(super) const VACANT: Self = Self([Link::VACANT; NameList::COUNT]);

    /// Returns the link of a list.
    pub(super) fn get(&self, list: NameList) -> &Link {
        // The number of the first list is out of range of the rest.
        let [first, rest @ ..] = &self.0;
        rest.get((list as usize).wrapping_sub(1)).unwrap_or(first)
    }

    /// Returns the mutable link of a list.
    pub(super) fn get_mut(&mut self, list: NameList) -> &mut Link {
        let [first, rest @ ..] = &mut self.0;
        rest.get_mut((list as usize).wrapping_sub(1))
            .unwrap_or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::{Linked, List, Slots};

    const LISTS: [NameList; NameList::COUNT] = [
        NameList::Silence,
        NameList::LogFeed,
        NameList::TableFeed,
        NameList::Unstable,
        NameList::Progress,
        NameList::Notices,
        NameList::Offline,
        NameList::Reusable,
    ];

    struct Name(NameLinks);
    impl Linked<NameList> for Name {
        fn link(&self, list: NameList) -> &Link {
            self.0.get(list)
        }
        fn link_mut(&mut self, list: NameList) -> &mut Link {
            self.0.get_mut(list)
        }
    }

    #[test]
    fn links_a_name_in_all_lists() {
        let mut names = [(); 2].map(|()| Name(NameLinks::VACANT));
        let mut names = Slots::new(&mut names).unwrap();
        let mut lists = LISTS.map(List::new);
        // The second name comes first in every other list.
        for (number, list) in (0..).zip(&mut lists) {
            list.push(&mut names, number % 2);
            list.push(&mut names, 1 - number % 2);
        }
        for (number, list) in (0..).zip(&mut lists) {
            assert_eq!(list.pop(&mut names), Some(number % 2), "list {number}");
            list.remove(&mut names, 1 - number % 2);
            assert_eq!(list.first(), None, "list {number}");
        }
    }
}
