//! The slots of a slab that are not in use.

use core::marker::PhantomData;

use super::queue::{Chained, Next};
use super::slots::Slots;

/// The free slots of a slab: allocate and release in O(1), no memory of its own.
///
/// It allocates the last released slot first. It does not touch a slot before its first use.
#[derive(Debug)]
pub(crate) struct FreeList<C = ()> {
    head: Next,
    /// Slots from here on were never used.
    fresh: u32,
    used: u32,
    chain: PhantomData<C>,
}

impl<C> FreeList<C> {
    /// Creates the list of a slab in which no slot is in use.
    pub(crate) const fn new() -> Self {
        Self {
            head: Next::NONE,
            fresh: 0,
            used: 0,
            chain: PhantomData,
        }
    }

    /// Returns how many slots are in use.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// Returns whether all slots are in use.
    pub(crate) fn is_exhausted<T>(&self, slots: &Slots<'_, T>) -> bool {
        self.head == Next::NONE && self.fresh >= slots.len()
    }

    /// Allocates a slot, and leaves its content and link unchanged; `None` if all are in use.
    pub(crate) fn allocate<T: Chained<C>>(&mut self, slots: &Slots<'_, T>) -> Option<u32> {
        let index = match self.head.get() {
            Some(free) => {
                self.head = slots.at(free).next();
                free
            }
            None if self.fresh < slots.len() => {
                self.fresh += 1;
                self.fresh - 1
            }
            None => return None,
        };
        self.used += 1;
        Some(index)
    }

    /// Releases a slot that is in use, and leaves its content unchanged.
    pub(crate) fn release<T: Chained<C>>(&mut self, slots: &mut Slots<'_, T>, index: u32) {
        debug_assert!(self.used != 0, "no slot is in use");
        *slots.at_mut(index).next_mut() = self.head;
        self.head = Next::to(index);
        self.used -= 1;
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
    fn allocates_each_slot_once_until_released() {
        let mut nodes = [Node(Next::NONE); 3];
        let mut slots = Slots::new(&mut nodes).unwrap();
        let mut free = FreeList::new();
        let all = [(); 4].map(|()| free.allocate(&slots));
        assert_eq!(all, [Some(0), Some(1), Some(2), None]);
        assert!(free.is_exhausted(&slots));
        free.release(&mut slots, 1);
        free.release(&mut slots, 0);
        assert_eq!(free.used(), 1);
        assert!(!free.is_exhausted(&slots));
        let again = [(); 3].map(|()| free.allocate(&slots));
        assert_eq!(again, [Some(0), Some(1), None]);
        assert_eq!(free.used(), 3);
    }
}
