//! No ignored keys, for a board: it takes no memory and no flash.

use core::marker::PhantomData;

use crate::crypto::PublicKey;

/// No keys.
pub(super) struct Ignored<'a>(PhantomData<&'a ()>);

impl Ignored<'_> {
    pub(super) const fn none() -> Self {
        Self(PhantomData)
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn has_key(&self, _: &PublicKey) -> bool {
        false
    }

    pub(super) fn has_name(&self, _: &str) -> bool {
        false
    }
}
