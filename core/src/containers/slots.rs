//! The caller's slots, indexed without a panic.

/// A non-empty slice of slots.
///
/// An index out of range is a bug in the core. Debug builds check it. Release builds use the first
/// slot instead, so that no input can make the core panic.
///
/// On 32-bit machines, the two accessors are not inlined, because code size matters there: inlined,
/// they are a tenth of a client.
pub(crate) struct Slots<'a, T> {
    first: &'a mut T,
    rest: &'a mut [T],
}

impl<'a, T> Slots<'a, T> {
    /// Wraps slots, or returns `None` if there are none, or more than `u32::MAX`.
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

    /// Returns the slot with this index.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(crate) fn at(&self, index: u32) -> &T {
        debug_assert!(index < self.len());
        self.rest.get(behind_first(index)).unwrap_or(self.first)
    }

    /// Returns the slot with this index, to change it.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(crate) fn at_mut(&mut self, index: u32) -> &mut T {
        debug_assert!(index < self.len());
        self.rest.get_mut(behind_first(index)).unwrap_or(self.first)
    }
}

/// Returns the position of a slot among those behind the first one; that of the first one is out of
/// range.
fn behind_first(index: u32) -> usize {
    (index as usize).wrapping_sub(1)
}
