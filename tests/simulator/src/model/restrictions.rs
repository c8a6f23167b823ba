//! The restrictions of names that the operator has ordered.

use std::collections::{BTreeMap, BTreeSet};

use chatapp_core::RestrictionKind;

use crate::numbers::NameId;
use crate::queue::Millis;

/// The orders so far.
#[derive(Default)]
pub(super) struct Orders {
    /// Names that were banned or muted, or may have been.
    pub(super) concerned: BTreeSet<NameId>,
    /// Since when a restriction is in force, by name and kind.
    pub(super) since: BTreeMap<(NameId, RestrictionKind), Millis>,
}

impl Orders {
    /// Handles a server that lost its memory.
    pub(super) fn forget(&mut self) {
        self.since.clear();
    }

    /// Returns whether a name was banned or muted, or may have been.
    pub(super) fn has(&self, name: NameId) -> bool {
        self.concerned.contains(&name)
    }
}
