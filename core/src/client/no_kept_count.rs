//! No count of stored messages, for a board: it takes no memory and no flash.

/// No count.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct KeptCount;

impl KeptCount {
    pub(super) const NONE: Self = Self;

    pub(super) fn add(&mut self, _: bool) {}

    pub(super) fn end_keeping(&mut self) {}

    pub(super) fn deliver(&mut self) {}

    pub(super) fn has_delivered(&self) -> bool {
        false
    }

    pub(super) fn take_delivered(&mut self) -> u32 {
        0
    }

    pub(super) fn forget(&mut self) {}
}

/// No peer.
pub(super) struct Unreported;

impl Unreported {
    pub(super) const NONE: Self = Self;

    pub(super) fn set(&mut self, _: u32) {}

    pub(super) fn is_none(&self) -> bool {
        true
    }

    pub(super) fn take(&mut self) -> Option<u32> {
        None
    }
}
