//! No restrictions, for a board: they take no memory and no flash.

use core::marker::PhantomData;

use super::record::Record;
use super::restriction::{Accepted, Effect, Suspect};
use crate::time::UnixSeconds;
use crate::wire::Refusal;

/// No restrictions.
pub(super) struct Restrictions<'a>(PhantomData<&'a ()>);

impl Restrictions<'_> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }

    pub(super) fn refusal(&self, _: Suspect<'_>, _: UnixSeconds) -> Option<Refusal> {
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn is_muted(&self, _: Suspect<'_>, _: UnixSeconds) -> bool {
        false
    }

    pub(super) fn is_held(&self, _: Suspect<'_>) -> bool {
        false
    }

    pub(super) fn on_forgotten(&mut self, _: u32) -> bool {
        false
    }

    pub(super) fn on_announced(&mut self, _: u32, _: bool) {}

    pub(super) fn waiting(&self) -> (bool, bool) {
        (false, false)
    }

    pub(super) fn next_after(&self) -> Option<Accepted> {
        None
    }

    pub(super) fn next_record(&mut self) -> Option<Record<'_>> {
        None
    }

    pub(super) fn on_stored(&mut self, _: bool, _: UnixSeconds) -> Effect {
        Effect::Nothing
    }

    pub(super) fn take_unchecked(&mut self) -> bool {
        false
    }
}
