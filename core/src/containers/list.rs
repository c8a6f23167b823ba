//! Intrusive doubly linked lists of slots.

use super::slots::Slots;

/// The neighbours of a slot in one [`List`]: index + 1, so that all zero bits are "no neighbour".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Link {
    before: u32,
    after: u32,
}

impl Link {
    /// A link without neighbours: all zero bits.
    pub(crate) const VACANT: Self = Self {
        before: 0,
        after: 0,
    };
}

/// A slot with a link for each list that it can be in.
pub(crate) trait Linked<L: Copy> {
    /// Returns the link for this list.
    fn link(&self, list: L) -> &Link;
    /// Returns the link for this list, to change it.
    fn link_mut(&mut self, list: L) -> &mut Link;
}

/// An intrusive doubly linked list of slots: push, remove and pop in O(1), no memory of its own.
pub(crate) struct List<L> {
    which: L,
    head: u32,
    tail: u32,
}

impl<L: Copy> List<L> {
    /// Creates an empty list, which uses the link `which` of each slot.
    pub(crate) const fn new(which: L) -> Self {
        Self {
            which,
            head: 0,
            tail: 0,
        }
    }

    /// Returns the first slot.
    pub(crate) fn first(&self) -> Option<u32> {
        self.head.checked_sub(1)
    }

    /// Returns whether a slot is in the list.
    pub(crate) fn contains<T: Linked<L>>(&self, slots: &Slots<'_, T>, index: u32) -> bool {
        *slots.at(index).link(self.which) != Link::VACANT || self.head == index + 1
    }

    /// Appends a slot, unless it is in the list already.
    pub(crate) fn push<T: Linked<L>>(&mut self, slots: &mut Slots<'_, T>, index: u32) {
        let link = slots.at_mut(index).link_mut(self.which);
        if *link != Link::VACANT || self.head == index + 1 {
            return;
        }
        link.before = self.tail;
        match self.tail.checked_sub(1) {
            Some(tail) => slots.at_mut(tail).link_mut(self.which).after = index + 1,
            None => self.head = index + 1,
        }
        self.tail = index + 1;
    }

    /// Removes a slot, if it is in the list.
    pub(crate) fn remove<T: Linked<L>>(&mut self, slots: &mut Slots<'_, T>, index: u32) {
        let link = slots.at_mut(index).link_mut(self.which);
        if *link == Link::VACANT && self.head != index + 1 {
            return;
        }
        let Link { before, after } = core::mem::replace(link, Link::VACANT);
        match before.checked_sub(1) {
            Some(before) => slots.at_mut(before).link_mut(self.which).after = after,
            None => self.head = after,
        }
        match after.checked_sub(1) {
            Some(after) => slots.at_mut(after).link_mut(self.which).before = before,
            None => self.tail = before,
        }
    }

    /// Removes and returns the first slot.
    pub(crate) fn pop<T: Linked<L>>(&mut self, slots: &mut Slots<'_, T>) -> Option<u32> {
        let first = self.first()?;
        let link = slots.at_mut(first).link_mut(self.which);
        self.head = core::mem::replace(link, Link::VACANT).after;
        match self.head.checked_sub(1) {
            Some(next) => slots.at_mut(next).link_mut(self.which).before = 0,
            None => self.tail = 0,
        }
        Some(first)
    }

    /// Returns the slot behind this one in the list.
    pub(crate) fn after<T: Linked<L>>(&self, slots: &Slots<'_, T>, index: u32) -> Option<u32> {
        slots.at(index).link(self.which).after.checked_sub(1)
    }

    /// Returns the last slot.
    pub(crate) fn last(&self) -> Option<u32> {
        self.tail.checked_sub(1)
    }

    /// Returns whether a slot is the last one.
    pub(crate) fn is_last(&self, index: u32) -> bool {
        self.tail == index + 1
    }

    /// Returns whether the list is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.head == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Node(Link);
    impl Linked<()> for Node {
        fn link(&self, (): ()) -> &Link {
            &self.0
        }
        fn link_mut(&mut self, (): ()) -> &mut Link {
            &mut self.0
        }
    }

    #[test]
    fn keeps_order_through_any_removal() {
        let mut nodes = [Node(Link::VACANT); 5];
        let mut slots = Slots::new(&mut nodes).unwrap();
        let mut list = List::new(());
        for i in [3, 1, 4, 0] {
            list.push(&mut slots, i);
            list.push(&mut slots, i);
        }
        list.remove(&mut slots, 1);
        list.remove(&mut slots, 2);
        assert!(!list.contains(&slots, 1));
        assert_eq!(list.after(&slots, 3), Some(4));
        assert_eq!(
            [(); 4].map(|()| list.pop(&mut slots)),
            [Some(3), Some(4), Some(0), None]
        );
        assert!(list.is_empty());
        list.push(&mut slots, 2);
        assert!(list.contains(&slots, 2), "a list of one slot");
        list.push(&mut slots, 0);
        assert!(list.is_last(0) && !list.is_last(2));
    }
}
