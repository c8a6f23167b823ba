//! Slots handed in by the caller, addressed by index without a way to panic.

/// A non-empty slice of slots. An index that is out of range is a bug of ours: checked in debug builds,
/// and in release builds the first slot stands in, so that no input can make the core panic.
///
/// Where code is dear, on machines of 32 bits, it has its two lookups once: inlined, they are a tenth of a client.
pub(crate) struct Slots<'a, T> {
    first: &'a mut T,
    rest: &'a mut [T],
}

impl<'a, T> Slots<'a, T> {
    /// `None` if there is no slot at all, or more than a `u32` can number.
    pub(crate) fn new(slots: &'a mut [T]) -> Option<Self> {
        u32::try_from(slots.len()).ok()?;
        let (first, rest) = slots.split_first_mut()?;
        Some(Self { first, rest })
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "`new` checked that the length fits"
    )]
    pub(crate) fn len(&self) -> u32 {
        self.rest.len() as u32 + 1
    }

    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(crate) fn at(&self, index: u32) -> &T {
        debug_assert!(index < self.len());
        match index.checked_sub(1) {
            None => self.first,
            Some(below) => self.rest.get(below as usize).unwrap_or(self.first),
        }
    }

    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(crate) fn at_mut(&mut self, index: u32) -> &mut T {
        debug_assert!(index < self.len());
        match index.checked_sub(1) {
            None => self.first,
            Some(below) => self.rest.get_mut(below as usize).unwrap_or(self.first),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        core::iter::once(&*self.first).chain(self.rest.iter())
    }
}

/// Neighbours of a slot in one [`List`]; index + 1, so that all zero bits are "no neighbour".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Link {
    before: u32,
    after: u32,
}

impl Link {
    pub(crate) const VACANT: Self = Self {
        before: 0,
        after: 0,
    };
}

/// A slot that can stand in lists, one link for each.
pub(crate) trait Linked<L: Copy> {
    fn link(&self, list: L) -> &Link;
    fn link_mut(&mut self, list: L) -> &mut Link;
}

/// A doubly linked list threaded through slots: append, remove and take the first in O(1), no memory of its own.
pub(crate) struct List<L> {
    which: L,
    head: u32,
    tail: u32,
}

impl<L: Copy> List<L> {
    pub(crate) const fn new(which: L) -> Self {
        Self {
            which,
            head: 0,
            tail: 0,
        }
    }

    pub(crate) fn first(&self) -> Option<u32> {
        self.head.checked_sub(1)
    }

    pub(crate) fn contains<T: Linked<L>>(&self, slots: &Slots<'_, T>, index: u32) -> bool {
        *slots.at(index).link(self.which) != Link::VACANT || self.head == index + 1
    }

    /// Appends a slot; one that is already in the list stays where it is.
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

    /// Takes a slot out; one that is not in the list is left alone.
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

    pub(crate) fn pop<T: Linked<L>>(&mut self, slots: &mut Slots<'_, T>) -> Option<u32> {
        let first = self.first()?;
        self.remove(slots, first);
        Some(first)
    }

    /// The slot behind this one in the list.
    pub(crate) fn after<T: Linked<L>>(&self, slots: &Slots<'_, T>, index: u32) -> Option<u32> {
        slots.at(index).link(self.which).after.checked_sub(1)
    }

    pub(crate) fn last(&self) -> Option<u32> {
        self.tail.checked_sub(1)
    }

    pub(crate) fn is_last(&self, index: u32) -> bool {
        self.tail == index + 1
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head == 0
    }
}

/// A hash index over slots: open addressing with linear probing; the caller gives at least two empty cells for
/// each slot, keys it with a secret, and compares keys itself. Cells hold index + 1.
pub(crate) struct Index<'a> {
    cells: &'a mut [u32],
}

impl<'a> Index<'a> {
    /// `None` if there are not two cells for each of `slots` slots.
    pub(crate) fn new(cells: &'a mut [u32], slots: u32) -> Option<Self> {
        let enough =
            cells.len() as u64 >= u64::from(slots) * 2 && u32::try_from(cells.len()).is_ok();
        (enough && !cells.is_empty()).then_some(Self { cells })
    }

    /// The home cell of a hash: its upper half scaled to the number of cells.
    fn home(&self, hash: u64) -> usize {
        (((hash >> 32) * self.cells.len() as u64) >> 32) as usize
    }

    fn next(&self, cell: usize) -> usize {
        if cell + 1 < self.cells.len() {
            cell + 1
        } else {
            0
        }
    }

    fn cell(&self, cell: usize) -> Option<u32> {
        self.cells.get(cell).and_then(|held| held.checked_sub(1))
    }

    pub(crate) fn find(&self, hash: u64, matches: impl Fn(u32) -> bool) -> Option<u32> {
        let mut cell = self.home(hash);
        for _ in 0..self.cells.len() {
            let slot = self.cell(cell)?;
            if matches(slot) {
                return Some(slot);
            }
            cell = self.next(cell);
        }
        None
    }

    pub(crate) fn insert(&mut self, hash: u64, slot: u32) {
        let mut cell = self.home(hash);
        for _ in 0..self.cells.len() {
            match self.cells.get_mut(cell) {
                Some(free) if *free == 0 => {
                    *free = slot + 1;
                    return;
                }
                _ => cell = self.next(cell),
            }
        }
        debug_assert!(false, "more entries than half of the cells");
    }

    /// Removes `slot` and closes the gap behind it (Knuth, TAOCP volume 3, 6.4, algorithm R).
    pub(crate) fn remove(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        let mut hole = self.home(hash);
        for _ in 0..self.cells.len() {
            match self.cell(hole) {
                Some(held) if held == slot => break,
                Some(_) => hole = self.next(hole),
                None => return,
            }
        }
        let mut cell = hole;
        for _ in 0..self.cells.len() {
            cell = self.next(cell);
            let Some(held) = self.cell(cell) else { break };
            let home = self.home(hash_of(held));
            let stays = if hole <= cell {
                hole < home && home <= cell
            } else {
                hole < home || home <= cell
            };
            if !stays {
                if let Some(free) = self.cells.get_mut(hole) {
                    *free = held + 1;
                }
                hole = cell;
            }
        }
        if let Some(free) = self.cells.get_mut(hole) {
            *free = 0;
        }
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
    fn list_keeps_order_through_any_removal() {
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
        assert!(list.contains(&slots, 2), "a single element is found");
        list.push(&mut slots, 0);
        assert!(list.is_last(0) && !list.is_last(2));
    }

    #[test]
    fn index_survives_collisions_and_removal() {
        let mut cells = [0; 16];
        let mut index = Index::new(&mut cells, 8).unwrap();
        // All hashes fall on the last cell or the first: the table wraps around.
        let hash = |slot: u32| if slot.is_multiple_of(3) { 0 } else { u64::MAX };
        for slot in 0..8 {
            index.insert(hash(slot), slot);
        }
        for gone in [3, 1, 7, 0] {
            index.remove(hash(gone), gone, hash);
            assert_eq!(index.find(hash(gone), |s| s == gone), None);
        }
        for there in [2, 4, 5, 6] {
            assert_eq!(index.find(hash(there), |s| s == there), Some(there));
        }
    }

    #[test]
    fn index_finds_what_is_in_it_and_nothing_else() {
        let mut cells = [0; 16];
        let mut index = Index::new(&mut cells, 8).unwrap();
        // Hashes that fall on three cells at the end and the start: runs that wrap around in every way.
        let hash = |slot: u32| u64::from(slot % 3).wrapping_sub(1) << 60;
        let mut held = [false; 8];
        let mut random = 1_u32;
        for _ in 0..2_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let slot = random >> 29;
            let place = &mut held[slot as usize];
            *place = !*place;
            if *place {
                index.insert(hash(slot), slot);
            } else {
                index.remove(hash(slot), slot, hash);
            }
            for (slot, held) in (0..).zip(held) {
                let found = index.find(hash(slot), |other| other == slot);
                assert_eq!(found, held.then_some(slot));
            }
        }
    }
}
