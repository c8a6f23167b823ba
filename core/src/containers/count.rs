//! A counter that takes no memory, and counts nothing, without the feature `quotas`.

/// A counter. Without the feature `quotas` it is always 0, and the compiler drops what depends on
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Count {
    #[cfg(feature = "quotas")]
    value: u32,
}

impl Count {
    /// Nothing counted; all zero bits.
    pub(crate) const ZERO: Self = Self {
        #[cfg(feature = "quotas")]
        value: 0,
    };

    /// Returns the number.
    pub(crate) const fn get(self) -> u32 {
        #[cfg(feature = "quotas")]
        return self.value;
        #[cfg(not(feature = "quotas"))]
        0
    }

    /// Sets the number.
    #[cfg_attr(not(feature = "quotas"), expect(unused_variables))]
    pub(crate) fn set(&mut self, value: u32) {
        #[cfg(feature = "quotas")]
        {
            self.value = value;
        }
    }

    /// Counts so many more.
    pub(crate) fn add(&mut self, more: u32) {
        self.set(self.get().saturating_add(more));
    }

    /// Counts so many less.
    pub(crate) fn remove(&mut self, less: u32) {
        self.set(self.get().saturating_sub(less));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_with_the_feature_only() {
        let mut count = Count::ZERO;
        count.add(3);
        count.remove(1);
        let counted = if cfg!(feature = "quotas") { 2 } else { 0 };
        assert_eq!(count.get(), counted);
        count.remove(9);
        assert_eq!(count, Count::ZERO);
    }
}
