//! Stored messages that are reported as delivered later: only those that arrived, each once.

use super::{Model, Outcome, ProcessId, Target};
use crate::violation::{Check, Violation};

impl Model {
    /// Handles a report that stored messages of a process were delivered to a name.
    pub(super) fn kept_delivered(
        &mut self,
        process: ProcessId,
        to: &str,
        count: u32,
    ) -> Result<(), Violation> {
        let who = self.label(process);
        let told = self.lives[process]
            .delivered_late
            .entry(to.to_owned())
            .or_default();
        *told += count;
        let told = *told as usize;
        if self.server_lies {
            return Ok(());
        }
        let arrived = self.arrived_of(process, to);
        if count != 0 && told <= arrived {
            return Ok(());
        }
        let detail = format!("{who} was told that {told} reached {to}, but {arrived} did");
        Err(Violation::new(Check::DeliveredIsShown, detail))
    }

    /// Returns how many messages of a process to a name were reported as saved, and shown or
    /// ignored there, announced as not shown, or withdrawn.
    fn arrived_of(&self, process: ProcessId, to: &str) -> usize {
        let reader = |of: ProcessId| self.names[self.name_of(of)] == to;
        let saved = self.messages.iter().enumerate().filter(|(_, message)| {
            message.process == process
                && matches!(message.target, Target::Name(name) if self.names[name] == to)
                && matches!(message.outcome, Some((Outcome::Saved, _)))
        });
        let shown = saved.filter(|(id, message)| {
            let is_ignored =
                matches!(message.target, Target::Name(name) if self.may_be_ignored(*id, name));
            let mut showings = message.showings.iter();
            // A name that is forgotten and registered again at once looks like one that stayed.
            let mut forgotten = message.forgotten.iter();
            // Nobody tells a sender that its messages are withdrawn.
            is_ignored
                || self.may_be_withdrawn(*id)
                || forgotten.any(|name| self.names[*name] == to)
                || showings.any(|showing| reader(showing.process))
        });
        let own = &self.names[self.name_of(process)];
        let withheld = self.lives.iter().filter(|life| self.names[life.name] == to);
        let withheld = withheld
            .flat_map(|life| &life.withheld)
            .filter(|((from, _), _)| from == own)
            .map(|(_, withheld)| withheld.count);
        shown.count() + withheld.sum::<usize>()
    }
}
