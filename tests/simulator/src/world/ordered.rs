//! The orders of the operator that wait for an answer.

use chatapp_core::RestrictionKind;

use crate::numbers::NameId;
use crate::queue::Millis;

/// An order that is not answered yet.
pub(super) enum Ordered {
    /// A ban or mute of a name.
    Restriction(NameId, RestrictionKind),
    /// An announcement, by its number in the model.
    Announcement(usize),
    /// The withdrawal of the messages of a name, and when it was ordered.
    Withdrawal(NameId, Millis),
}
