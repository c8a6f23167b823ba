//! Messages that the server has promised to deliver, and that must be shown when all clients are
//! back.

use super::{MessageId, Model, NameId, Outcome, Target};
use crate::violation::{Check, Violation};

impl Model {
    /// Returns messages that were reported as saved or posted, and are missing at a recipient. Log
    /// entries that were announced as dropped are not missing, nor are stored messages that were
    /// announced as not shown, nor those of ignored keys.
    pub fn missing(&self) -> Vec<Violation> {
        let mut missing = Vec::new();
        let mut withheld = self.withheld();
        let mut excused: Vec<u32> = vec![0; self.names.len()];
        for life in &self.lives {
            excused[life.name] += life.dropped;
        }
        for (id, message) in self.messages.iter().enumerate() {
            let promised = match message.outcome {
                Some((Outcome::Saved, _)) => message.target != Target::Channel,
                Some((Outcome::Posted, _)) => true,
                _ => false,
            };
            if !promised || message.memory != self.memory || self.may_be_withdrawn(id) {
                continue;
            }
            for name in self.promised_to(id) {
                if self.was_shown_to(id, name) || message.forgotten.contains(&name) {
                    continue;
                }
                // Before the dropped entries, which excuse as many others.
                if self.may_be_ignored(id, name) {
                    continue;
                }
                if message.target == Target::Channel && self.is_silenced_for(id, name) {
                    continue;
                }
                if message.target == Target::Channel && excused[name] > 0 {
                    excused[name] -= 1;
                    continue;
                }
                if self.was_withheld(id, name, &mut withheld) {
                    continue;
                }
                let detail = format!("{} never reached {}", self.describe(id), self.names[name]);
                missing.push(Violation::new(Check::SavedIsShown, detail));
            }
        }
        missing.extend(self.missing_announcements(&mut excused));
        missing
    }

    fn promised_to(&self, id: MessageId) -> Vec<NameId> {
        match self.messages[id].target {
            Target::Name(name) => vec![name],
            _ => self.messages[id].recipients.clone(),
        }
    }

    fn was_shown_to(&self, id: MessageId, name: NameId) -> bool {
        self.messages[id]
            .showings
            .iter()
            .any(|showing| self.lives[showing.process].name == name)
    }

    /// Notes that the server forgets a name, with its stored messages.
    pub fn forgot(&mut self, name: NameId) {
        self.registered_in.remove(&name);
        self.no_announcements_for(name);
        for message in &mut self.messages {
            message.forgotten.push(name);
            message.recipients.retain(|recipient| *recipient != name);
        }
    }

    /// Checks that the server may evict a name from a full room: the name never stored a message or
    /// channel message, and no message was stored for it.
    ///
    /// # Errors
    /// If the name was used.
    pub fn evicted(&self, name: NameId) -> Result<(), Violation> {
        for (id, message) in self.messages.iter().enumerate() {
            let is_stored = matches!(
                message.outcome,
                Some((Outcome::Saved | Outcome::Posted, _)) if message.memory == self.memory
            );
            // A restarted server does not know of requests that were settled before.
            let is_sender = self.name_of(message.process) == name
                && message.server_starts == self.server_starts;
            let is_recipient = message.target == Target::Name(name);
            let is_lost = message.forgotten.contains(&name) || self.may_be_withdrawn(id);
            if is_stored && (is_sender || is_recipient) && !is_lost {
                let (who, what) = (&self.names[name], self.describe(id));
                let detail = format!("{who} was evicted, and {what} was stored");
                return Err(Violation::new(Check::Restored, detail));
            }
        }
        Ok(())
    }

    /// Checks a restored server, which knows these names.
    ///
    /// # Errors
    /// If the server does not know a name whose running process was told that it is registered.
    pub fn server_restored(&mut self, known: &[NameId]) -> Result<(), Violation> {
        self.server_starts += 1;
        for name in 0..self.names.len() {
            if known.contains(&name) {
                continue;
            }
            self.no_announcements_for(name);
            let memory = self.memory;
            for message in self
                .messages
                .iter_mut()
                .filter(|message| message.memory == memory)
            {
                message.recipients.retain(|recipient| *recipient != name);
            }
            if self.registered_in.get(&name) == Some(&memory) {
                let detail = format!(
                    "{} was registered; the restored server does not know it",
                    self.names[name]
                );
                return Err(Violation::new(Check::Restored, detail));
            }
        }
        Ok(())
    }
}
