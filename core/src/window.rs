//! What a recipient has shown, per sender: the end-to-end side of "exactly once".

/// The highest counter seen from one incarnation of a sender, and which of the 32 below it were seen.
///
/// Nothing here waits for a gap: a counter can be missing for good. The scheme is that of the anti-replay
/// window of IPsec (RFC 4303, section 3.4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// 0: nothing seen; counters start at 1.
    highest: u32,
    /// Bit n: `highest - 1 - n` was seen.
    below: u32,
}

impl Window {
    pub(crate) const VACANT: Self = Self {
        highest: 0,
        below: 0,
    };

    /// Notes a counter; true if it is new. Anything below the window counts as seen.
    pub(crate) fn accept(&mut self, counter: u32) -> bool {
        if counter > self.highest {
            let ahead = counter - self.highest;
            let had_one = u32::from(self.highest != 0);
            self.below = self.below.checked_shl(ahead).unwrap_or(0)
                | had_one.checked_shl(ahead - 1).unwrap_or(0);
            self.highest = counter;
            return true;
        }
        let behind = self.highest - counter;
        let Some(bit) = behind.checked_sub(1).and_then(|n| 1_u32.checked_shl(n)) else {
            return false;
        };
        let fresh = self.below & bit == 0 && counter != 0;
        self.below |= bit;
        fresh
    }
}

/// The windows of one incarnation of one sender: direct messages and channel messages take different paths, so
/// that one kind may run far ahead of the other.
#[derive(Clone, Copy, Debug)]
pub struct WindowSlot {
    pub(crate) incarnation: u64,
    /// When it was last used, in uses: the least recent is replaced.
    pub(crate) used: u32,
    pub(crate) direct: Window,
    pub(crate) channel: Window,
}

impl WindowSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        incarnation: 0,
        used: 0,
        direct: Window::VACANT,
        channel: Window::VACANT,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_each_counter_once_in_any_order() {
        // Against the obvious model: a set of all that was seen.
        let mut random = 1_u32;
        for _ in 0..200 {
            let mut window = Window::default();
            let mut seen = std::collections::BTreeSet::new();
            let mut top = 0;
            for _ in 0..200 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let counter = (top + 8_u32).saturating_sub(random >> 27).max(1);
                let new = counter + 32 >= top && seen.insert(counter);
                top = top.max(counter);
                assert_eq!(window.accept(counter), new, "counter {counter}, top {top}");
            }
        }
    }

    #[test]
    fn zero_is_no_counter_and_jumps_are_fine() {
        let mut window = Window::default();
        assert!(!window.accept(0));
        assert!(window.accept(u32::MAX));
        assert!(window.accept(u32::MAX - 32));
        assert!(
            !window.accept(u32::MAX - 33),
            "below the window counts as seen"
        );
    }
}
