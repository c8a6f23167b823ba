//! The owners of names over time, the keys that others expect, and the messages that were not shown
//! for that reason.

use std::collections::{BTreeMap, BTreeSet};

use chatapp_core::PublicKey;

use crate::numbers::{MessageId, NameId};
use crate::queue::Millis;

/// The key that a process expects of each name.
pub(super) type Trust = BTreeMap<NameId, PublicKey>;

/// A period in which a name had one key on the server.
pub(super) struct Tenure {
    pub(super) key: PublicKey,
    pub(super) until: Option<Millis>,
}

/// Messages that a process announced as not shown, for one reason.
#[derive(Default)]
pub(super) struct Withheld {
    pub(super) count: usize,
    /// The possible messages, by the keys that each process expected at that time.
    pub(super) candidates: BTreeSet<MessageId>,
}
