//! The orders of the operator that wait for an answer.

use chatapp_core::RestrictionKind;

use crate::numbers::NameId;

/// An order that is not answered yet.
pub(super) enum Ordered {
    /// A ban or mute of a name.
    Restriction(NameId, RestrictionKind),
    /// An announcement, by its number in the model.
    Announcement(usize),
}
