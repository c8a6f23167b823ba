//! A hash index over slots.

/// A hash index over slots: open addressing with linear probing.
///
/// The caller provides at least two cells for each slot, hashes under a secret key, and compares
/// keys itself. A cell is the slot + 1, or 0 if it is empty.
pub(crate) struct Index<'a> {
    cells: &'a mut [u32],
}

impl<'a> Index<'a> {
    /// Creates an empty index, or returns `None` if there are not two cells for each of `slots`.
    pub(crate) fn new(cells: &'a mut [u32], slots: u32) -> Option<Self> {
        let enough =
            cells.len() as u64 >= u64::from(slots) * 2 && u32::try_from(cells.len()).is_ok();
        cells.fill(0);
        (enough && !cells.is_empty()).then_some(Self { cells })
    }

    /// Returns the home cell of a hash: its upper half, scaled to the number of cells.
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
        self.cells.get(cell).and_then(|value| value.checked_sub(1))
    }

    /// Returns the slot with this hash that `matches`.
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

    /// Inserts a slot, which must not be in the index.
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
        debug_assert!(false, "the index is full");
    }

    /// Removes `slot` and closes the gap behind it (Knuth, TAOCP volume 3, 6.4, algorithm R).
    pub(crate) fn remove(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        let mut hole = self.home(hash);
        for _ in 0..self.cells.len() {
            match self.cell(hole) {
                Some(other) if other == slot => break,
                Some(_) => hole = self.next(hole),
                None => return,
            }
        }
        let mut cell = hole;
        for _ in 0..self.cells.len() {
            cell = self.next(cell);
            let Some(other) = self.cell(cell) else { break };
            let home = self.home(hash_of(other));
            let stays = if hole <= cell {
                hole < home && home <= cell
            } else {
                hole < home || home <= cell
            };
            if !stays {
                if let Some(free) = self.cells.get_mut(hole) {
                    *free = other + 1;
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

    #[test]
    fn finds_slots_after_collisions_and_removals() {
        let mut cells = [0; 16];
        let mut index = Index::new(&mut cells, 8).unwrap();
        // All hashes have the last cell or the first as home: runs wrap around.
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
    fn finds_only_inserted_slots() {
        let mut cells = [0; 16];
        let mut index = Index::new(&mut cells, 8).unwrap();
        // All hashes have one of three home cells at the end and the start: runs wrap around.
        let hash = |slot: u32| u64::from(slot % 3).wrapping_sub(1) << 60;
        let mut inserted = [false; 8];
        let mut random = 1_u32;
        for _ in 0..2_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let slot = random >> 29;
            let place = &mut inserted[slot as usize];
            *place = !*place;
            if *place {
                index.insert(hash(slot), slot);
            } else {
                index.remove(hash(slot), slot, hash);
            }
            for (slot, is_inserted) in (0..).zip(inserted) {
                let found = index.find(hash(slot), |other| other == slot);
                assert_eq!(found, is_inserted.then_some(slot));
            }
        }
    }
}
