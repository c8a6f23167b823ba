//! The orders of the operator: restrictions of names, announcements and withdrawals.

use std::collections::{BTreeMap, BTreeSet};

use chatapp_core::RestrictionKind;

use crate::numbers::{NameId, ProcessId};
use crate::queue::Millis;

/// An announcement that the server took.
pub(super) struct Announcement {
    pub(super) at: Millis,
    /// The memory of the server when it was ordered.
    pub(super) memory: u32,
    /// Whether the server said that it is done, or that it is not.
    pub(super) done: Option<bool>,
    /// Names that the server knew, and has not forgotten since.
    pub(super) recipients: Vec<NameId>,
    /// Processes that have shown it.
    pub(super) shown: Vec<ProcessId>,
}

/// Whether a message is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withdrawal {
    None,
    /// Perhaps: the order was given after the message was written.
    Possible,
    /// Since then: the message was stored before the order was given.
    Since(Millis),
}

/// The restrictions so far.
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
