//! Who had which name, whom others took for whom, and what was not shown because of it.

use std::collections::{BTreeMap, BTreeSet};

use chatapp_core::PublicKey;

use crate::numbers::{MessageId, NameId};
use crate::queue::Millis;

/// Whom somebody takes for whom.
pub(super) type Trust = BTreeMap<NameId, PublicKey>;

/// A time in which a name had one key on the server.
pub(super) struct Tenure {
    pub(super) key: PublicKey,
    pub(super) until: Option<Millis>,
}

/// What somebody announced as not shown, for one reason.
#[derive(Default)]
pub(super) struct Withheld {
    pub(super) count: usize,
    /// What it may have been, by whom each took for whom at that time.
    pub(super) candidates: BTreeSet<MessageId>,
}
