//! Intrusive singly linked queues of slots.

use core::marker::PhantomData;

use super::slots::Slots;

/// The link to the next slot of a chain: index + 1, so that all zero bits are "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Next(u32);

impl Next {
    /// The end of a chain.
    pub(crate) const NONE: Self = Self(0);

    /// Creates a link to a slot.
    pub(crate) const fn to(index: u32) -> Self {
        Self(index + 1)
    }

    /// Returns the slot that it links to.
    pub(crate) const fn get(self) -> Option<u32> {
        self.0.checked_sub(1)
    }
}

/// A slot that can be in one chain at a time: a [`Queue`] or a [`FreeList`](super::FreeList).
///
/// A slot that can be in several chains implements it once for each, with another `C`.
pub(crate) trait Chained<C = ()> {
    /// Returns the link to the slot behind this one.
    fn next(&self) -> Next;
    /// Returns the link to the slot behind this one, to change it.
    fn next_mut(&mut self) -> &mut Next;
}

/// An intrusive first-in first-out queue of slots: push and pop in O(1), no memory of its own.
#[derive(Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Queue<C = ()> {
    head: Next,
    tail: Next,
    chain: PhantomData<C>,
}

impl<C> Clone for Queue<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Queue<C> {}

impl<C> Queue<C> {
    /// An empty queue: all zero bits.
    pub(crate) const EMPTY: Self = Self {
        head: Next::NONE,
        tail: Next::NONE,
        chain: PhantomData,
    };

    /// Returns the oldest slot.
    pub(crate) fn first(&self) -> Option<u32> {
        self.head.get()
    }

    /// Returns the latest slot.
    pub(crate) fn last(&self) -> Option<u32> {
        self.tail.get()
    }

    /// Returns whether the queue is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.head == Next::NONE
    }

    /// Returns the slot behind one that is in the queue.
    pub(crate) fn after<T: Chained<C>>(&self, slots: &Slots<'_, T>, index: u32) -> Option<u32> {
        slots.at(index).next().get()
    }

    /// Appends a slot, which must not be in the queue.
    pub(crate) fn push<T: Chained<C>>(&mut self, slots: &mut Slots<'_, T>, index: u32) {
        *slots.at_mut(index).next_mut() = Next::NONE;
        match self.tail.get() {
            Some(tail) => *slots.at_mut(tail).next_mut() = Next::to(index),
            None => self.head = Next::to(index),
        }
        self.tail = Next::to(index);
    }

    /// Takes the oldest slot.
    pub(crate) fn pop<T: Chained<C>>(&mut self, slots: &Slots<'_, T>) -> Option<u32> {
        let index = self.first()?;
        self.head = slots.at(index).next();
        if self.is_empty() {
            self.tail = Next::NONE;
        }
        Some(index)
    }

    /// Appends all slots of `other`, and empties it.
    pub(crate) fn append<T: Chained<C>>(&mut self, slots: &mut Slots<'_, T>, other: &mut Self) {
        let Some(first) = other.first() else {
            return;
        };
        match self.tail.get() {
            Some(tail) => *slots.at_mut(tail).next_mut() = Next::to(first),
            None => self.head = other.head,
        }
        self.tail = other.tail;
        *other = Self::EMPTY;
    }

    /// Returns the first slot for which `wanted` holds. Cost: the length of the queue.
    pub(crate) fn find<T: Chained<C>>(
        &self,
        slots: &Slots<'_, T>,
        wanted: impl Fn(&T) -> bool,
    ) -> Option<u32> {
        let mut at = self.head;
        while let Some(index) = at.get() {
            let slot = slots.at(index);
            if wanted(slot) {
                return Some(index);
            }
            at = slot.next();
        }
        None
    }

    /// Removes and returns the first slot for which `wanted` holds. Cost: the length of the queue.
    pub(crate) fn take<T: Chained<C>>(
        &mut self,
        slots: &mut Slots<'_, T>,
        wanted: impl Fn(&T) -> bool,
    ) -> Option<u32> {
        let mut before = Next::NONE;
        let mut at = self.head;
        while let Some(index) = at.get() {
            let slot = slots.at(index);
            let next = slot.next();
            if wanted(slot) {
                match before.get() {
                    Some(before) => *slots.at_mut(before).next_mut() = next,
                    None => self.head = next,
                }
                if next == Next::NONE {
                    self.tail = before;
                }
                return Some(index);
            }
            (before, at) = (at, next);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Node(Next);
    impl Chained for Node {
        fn next(&self) -> Next {
            self.0
        }
        fn next_mut(&mut self) -> &mut Next {
            &mut self.0
        }
    }

    #[test]
    fn keeps_order_through_append_and_take() {
        let mut nodes = [Node(Next::NONE); 6];
        let mut slots = Slots::new(&mut nodes).unwrap();
        let (mut queue, mut other) = (Queue::EMPTY, Queue::EMPTY);
        assert_eq!(queue.take(&mut slots, |_| true), None);
        queue.append(&mut slots, &mut other);
        assert!(queue.is_empty());
        other.push(&mut slots, 4);
        queue.append(&mut slots, &mut other);
        for index in [0, 5] {
            other.push(&mut slots, index);
        }
        queue.append(&mut slots, &mut other);
        queue.push(&mut slots, 2);
        assert!(other.is_empty());
        assert_eq!((queue.first(), queue.last()), (Some(4), Some(2)));
        assert_eq!(queue.after(&slots, 4), Some(0));
        // Removes the last slot, then the first, then one in the middle.
        assert_eq!(queue.find(&slots, |node| node.0 == Next::NONE), Some(2));
        assert_eq!(queue.take(&mut slots, |node| node.0 == Next::NONE), Some(2));
        assert_eq!(queue.take(&mut slots, |_| true), Some(4));
        queue.push(&mut slots, 1);
        assert_eq!(
            queue.take(&mut slots, |node| node.0 == Next::to(1)),
            Some(5)
        );
        let popped = [(); 3].map(|()| queue.pop(&slots));
        assert_eq!(popped, [Some(0), Some(1), None]);
        assert_eq!((queue.first(), queue.last()), (None, None));
    }
}
