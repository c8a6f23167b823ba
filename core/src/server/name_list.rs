//! The lists that a name can stand in.

use crate::containers::Link;

/// The lists that a name can stand in.
#[derive(Clone, Copy, Debug)]
pub(super) enum NameList {
    /// By the time it was last heard of.
    Silence,
    /// Waits for the next entry of the log.
    LogFeed,
    /// Waits for the next change of the table.
    TableFeed,
    /// A change of the name waits to be stored.
    Unstable,
    /// A cursor or a handed-over message waits to be stored.
    Progress,
    /// Is to be told that the server has started again.
    Notices,
    /// By the time it left.
    Offline,
    /// Its slot can go to another name.
    Vacated,
}

impl NameList {
    const COUNT: usize = 8;
}

/// The neighbours of a name in all lists.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct NameLinks([Link; NameList::COUNT]);

impl NameLinks {
    /// In no list; all zero bits.
    pub(super) const VACANT: Self = Self([Link::VACANT; NameList::COUNT]);

    /// Returns the link of a list: each has the one of its number.
    pub(super) fn get(&self, list: NameList) -> &Link {
        let [first, rest @ ..] = &self.0;
        match (list as usize).checked_sub(1) {
            None => first,
            Some(below) => rest.get(below).unwrap_or(first),
        }
    }

    /// Returns the link of a list, to change it.
    pub(super) fn get_mut(&mut self, list: NameList) -> &mut Link {
        let [first, rest @ ..] = &mut self.0;
        match (list as usize).checked_sub(1) {
            None => first,
            Some(below) => rest.get_mut(below).unwrap_or(first),
        }
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
        NameList::Vacated,
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
    fn stands_in_all_lists_at_once() {
        let mut names = [(); 2].map(|()| Name(NameLinks::VACANT));
        let mut names = Slots::new(&mut names).unwrap();
        let mut lists = LISTS.map(List::new);
        // In every other list the second name comes first.
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
