//! What a recipient has shown, per sender: the end-to-end side of "exactly once, in order".

/// The highest counter shown from one incarnation of a sender; 0 for none.
///
/// Nothing here waits for a gap: a counter can be missing for good. Nothing below the highest is shown any more:
/// senders send in order, so it is a repetition, or something that its sender was told is not delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Window {
    highest: u32,
}

impl Window {
    pub(crate) const VACANT: Self = Self { highest: 0 };

    /// Whether a message is to be shown.
    pub(crate) fn is_new(self, counter: u32) -> bool {
        counter > self.highest
    }

    /// Notes a message; true if it is to be shown.
    pub(crate) fn accept(&mut self, counter: u32) -> bool {
        let new = self.is_new(counter);
        self.highest = self.highest.max(counter);
        new
    }
}

/// The windows of one incarnation of one sender: direct messages and channel messages take different paths, so
/// that one kind may run far ahead of the other.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct WindowSlot {
    /// Which process of whom: see `process` in `client/roster.rs`.
    pub(crate) process: u64,
    /// When it was last used, in uses: the least recent is replaced.
    pub(crate) used: u32,
    pub(crate) direct: Window,
    pub(crate) channel: Window,
}

impl WindowSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        process: 0,
        used: 0,
        direct: Window::VACANT,
        channel: Window::VACANT,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_rising_counters_and_nothing_twice() {
        let mut window = Window::default();
        let shown = [0, 1, 1, 3, 2, 3, u32::MAX, 4].map(|counter| window.accept(counter));
        assert_eq!(shown, [false, true, false, true, false, false, true, false]);
    }
}
