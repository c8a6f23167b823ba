//! Messages that the operator withdraws: those that did not have them do not get them, and nothing
//! else is lost.

use super::restrictions::Withdrawal;
use super::{MessageId, Model, NameId, Outcome, ProcessId};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

impl Model {
    /// Notes the order to withdraw the messages of a name, which may take effect from now on.
    pub fn withdraws(&mut self, name: NameId) {
        for id in self.messages_of(name) {
            let withdrawal = &mut self.messages[id].withdrawal;
            if *withdrawal == Withdrawal::None {
                *withdrawal = Withdrawal::Possible;
            }
        }
    }

    /// Notes that an order to withdraw the messages of a name is done. It was given at `ordered`.
    pub fn withdrawn(&mut self, name: NameId, ordered: Millis, at: Millis) {
        for id in self.messages_of(name) {
            let message = &mut self.messages[id];
            let was_stored = matches!(
                message.outcome,
                Some((Outcome::Saved | Outcome::Posted, when)) if when < ordered
            );
            if was_stored && message.withdrawal == Withdrawal::Possible {
                message.withdrawal = Withdrawal::Since(at);
            }
        }
    }

    fn messages_of(&self, name: NameId) -> Vec<MessageId> {
        let ids = 0..self.messages.len();
        ids.filter(|id| self.name_of(self.messages[*id].process) == name)
            .collect()
    }

    /// Checks a message that came through the server: it was not withdrawn before the process
    /// began.
    pub(super) fn is_not_withdrawn(
        &self,
        process: ProcessId,
        id: MessageId,
    ) -> Result<(), Violation> {
        let message = &self.messages[id];
        match message.withdrawal {
            Withdrawal::Since(at)
                if at < self.lives[process].started
                    && message.memory == self.memory
                    && !self.server_lies =>
            {
                let (who, what) = (self.label(process), self.describe(id));
                let detail = format!("{who} shows {what}, which was withdrawn at {at} ms");
                Err(Violation::new(Check::OrdersHold, detail))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether a message may be lost because it was withdrawn.
    pub(super) fn may_be_withdrawn(&self, id: MessageId) -> bool {
        self.messages[id].withdrawal != Withdrawal::None
    }
}
