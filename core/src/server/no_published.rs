//! No medium-term keys, for a board: they take no memory and no flash.

use super::record::Ticket;
use crate::crypto::PublicKey;

/// No medium-term key.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Published;

impl Published {
    pub(super) const NONE: Self = Self;

    pub(super) fn key(&self) -> PublicKey {
        PublicKey::NONE
    }

    pub(super) fn restore(&mut self, _: &PublicKey) {}

    pub(super) fn begin_process(&mut self) {}

    pub(super) fn on_given(&mut self, _: Ticket) {}

    pub(super) fn on_stored(&mut self, _: Ticket, _: bool) -> Option<u32> {
        None
    }
}
