//! Orders of the operator: who may not be heard, and what they excuse.

use chatapp_core::RestrictionKind;

use super::{MessageId, Model, NameId, Target};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

impl Model {
    /// Notes an order to ban or mute a name, which may take effect from now on.
    pub fn ordered(&mut self, name: NameId) {
        self.orders.concerned.insert(name);
    }

    /// Notes that a restriction is in force: the server has said so.
    pub fn restricted(&mut self, name: NameId, kind: RestrictionKind, at: Millis) {
        self.orders.since.entry((name, kind)).or_insert(at);
    }

    /// Notes an order to lift a restriction, which may take effect from now on.
    pub fn lifted(&mut self, name: NameId, kind: RestrictionKind) {
        self.orders.since.remove(&(name, kind));
    }

    /// Returns whether an order explains that the server does not know the recipient of a message.
    pub(super) fn is_recipient_banned(&self, id: MessageId) -> bool {
        matches!(self.messages[id].target, Target::Name(name) if self.orders.has(name))
    }

    /// Checks a message that came through the server: its sender was neither banned nor muted when
    /// it was written, and ever since.
    pub(super) fn may_be_heard(&self, id: MessageId) -> Result<(), Violation> {
        let message = &self.messages[id];
        let sender = self.name_of(message.process);
        for kind in [RestrictionKind::Ban, RestrictionKind::Mute] {
            let since = self.orders.since.get(&(sender, kind));
            if let Some(since) = since.filter(|since| **since < message.at) {
                let detail = format!("{} is shown; {kind:?} since {since} ms", self.describe(id));
                return Err(Violation::new(Check::OrdersHold, detail));
            }
        }
        Ok(())
    }
}
