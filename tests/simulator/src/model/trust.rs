//! The keys of names: the server's, and those that each process expects. If the two differ, no
//! private message passes, and both sides are told.

use std::collections::{BTreeMap, BTreeSet};

use chatapp_core::PublicKey;

use super::tenure::{Tenure, Withheld};
use super::{MessageId, Model, NameId, ProcessId, Target};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

impl Model {
    /// Notes that the server has this key for a name from now on, or none.
    pub fn belongs(&mut self, name: NameId, key: Option<PublicKey>, at: Millis) {
        let tenures = self.tenures.entry(name).or_default();
        if let Some(last) = tenures.last_mut() {
            last.until.get_or_insert(at);
        }
        tenures.extend(key.map(|key| Tenure { key, until: None }));
        if key.is_none() {
            // The client may learn of the registration after the name was removed.
            self.registered_in.remove(&name);
        }
    }

    /// Notes that a process has pinned this key for a name.
    pub fn trusts(&mut self, process: ProcessId, name: &str, key: PublicKey) {
        let Some(name) = self.names.iter().position(|known| known == name) else {
            return;
        };
        let life = &mut self.lives[process];
        life.trust.insert(name, key);
        if life.remembers {
            let folder = self.folders.entry(life.name).or_default();
            folder.insert(name, key);
        }
    }

    /// Notes that the memory of a name is lost.
    pub fn lost_key(&mut self, name: NameId) {
        self.folders.remove(&name);
    }

    /// Returns whether the server ever gave the name of a process to its key.
    pub(super) fn is_owner(&self, process: ProcessId) -> bool {
        let life = &self.lives[process];
        let tenures = self.tenures.get(&life.name);
        tenures
            .into_iter()
            .flatten()
            .any(|tenure| tenure.key == life.key)
    }

    /// Returns whether the name of a process belongs to its key now.
    pub(super) fn has_name(&self, process: ProcessId) -> bool {
        let life = &self.lives[process];
        let last = self.tenures.get(&life.name).and_then(|all| all.last());
        last.is_some_and(|tenure| tenure.key == life.key && tenure.until.is_none())
    }

    /// Returns whether the name of a process has had another key since its start.
    pub(super) fn is_withheld(&self, process: ProcessId) -> bool {
        let life = &self.lives[process];
        let since = |tenure: &&Tenure| tenure.until.is_none_or(|until| until >= life.started);
        let tenures = self.tenures.get(&life.name).into_iter().flatten();
        tenures.filter(since).any(|tenure| tenure.key != life.key)
    }

    /// Returns whether the recipient of a message has another key now than its sender knows.
    pub(super) fn has_foreign_recipient(&self, id: MessageId) -> bool {
        let message = &self.messages[id];
        let Target::Name(name) = message.target else {
            return false;
        };
        let known = self.lives[message.process].trust.get(&name);
        let latest = self.tenures.get(&name).and_then(|tenures| tenures.last());
        match (known, latest) {
            (Some(known), Some(latest)) => *known != latest.key,
            _ => false,
        }
    }

    /// Returns whether a process knows the sender of a message with another key.
    fn has_foreign_sender(&self, id: MessageId, process: ProcessId) -> bool {
        let author = &self.lives[self.messages[id].process];
        let known = self.lives[process].trust.get(&author.name);
        known.is_some_and(|known| *known != author.key)
    }

    /// Returns whether a message was encrypted for another key than a process of its recipient has.
    fn is_for_another_key(&self, id: MessageId, process: ProcessId) -> bool {
        let reader = &self.lives[process];
        let author = &self.lives[self.messages[id].process];
        let known = author.trust.get(&reader.name);
        known.is_some_and(|known| *known != reader.key)
    }

    /// Returns whether a process must not show a private message for this reason.
    fn is_withheld_from(&self, id: MessageId, process: ProcessId, foreign_key: bool) -> bool {
        let (message, reader) = (&self.messages[id], &self.lives[process]);
        let sent = message.target == Target::Name(reader.name)
            && self.name_of(message.process) != reader.name;
        sent && if foreign_key {
            self.has_foreign_sender(id, process)
        } else {
            self.is_for_another_key(id, process)
        }
    }

    /// Checks a message that a process shows: both ends must know each other's keys.
    pub(super) fn between_acquaintances(
        &self,
        process: ProcessId,
        id: MessageId,
    ) -> Result<(), Violation> {
        // If a roster is too small for the room, the client trusts a forgotten key anew.
        let stranger = self.is_withheld_from(id, process, true) && !self.limits.forgets_keys;
        if !stranger && !self.is_withheld_from(id, process, false) {
            return Ok(());
        }
        let (who, what) = (self.label(process), self.describe(id));
        let whose = if stranger { "sender" } else { "recipient" };
        let detail = format!("{who} shows {what}: the {whose} has another key than it had");
        Err(Violation::new(Check::ShownAsSent, detail))
    }

    /// Returns how often a message may be stored: a server that has forgotten its sender takes a
    /// repeated request for a new one.
    fn times_kept_at_most(&self, id: MessageId) -> usize {
        let message = &self.messages[id];
        let sender = self.name_of(message.process);
        let forgotten = message.forgotten.iter().filter(|name| **name == sender);
        1 + forgotten.count() + (self.memory - message.memory) as usize
    }

    /// Handles a message that a process got and did not show.
    pub(super) fn not_shown(
        &mut self,
        process: ProcessId,
        from: &str,
        foreign_key: bool,
    ) -> Result<(), Violation> {
        if self.server_lies {
            return Ok(());
        }
        let author = |id: &MessageId| self.name_of(self.messages[*id].process);
        let withheld: BTreeSet<MessageId> = (0..self.messages.len())
            .filter(|id| self.names[author(id)] == from)
            .filter(|id| self.is_withheld_from(*id, process, foreign_key))
            .collect();
        let times = withheld.iter().map(|id| self.times_kept_at_most(*id));
        let most: usize = times.sum();
        let life = &mut self.lives[process];
        // It may be the stored message that was announced.
        life.greeted = false;
        let key = (from.to_owned(), foreign_key);
        let so_far = life.withheld.entry(key).or_default();
        so_far.count += 1;
        so_far.candidates.extend(withheld);
        if so_far.count <= most {
            return Ok(());
        }
        let detail = format!(
            "{} does not show what {from} wrote (another key: {foreign_key})",
            self.label(process)
        );
        Err(Violation::new(Check::ShownAsSent, detail))
    }

    /// Returns the messages announced as not shown, by recipient, sender and reason.
    pub(super) fn withheld(&self) -> BTreeMap<(NameId, String, bool), Withheld> {
        let mut all = BTreeMap::<_, Withheld>::new();
        for life in &self.lives {
            for ((from, foreign_key), withheld) in &life.withheld {
                let key = (life.name, from.clone(), *foreign_key);
                let sum = all.entry(key).or_default();
                sum.count += withheld.count;
                sum.candidates.extend(&withheld.candidates);
            }
        }
        all
    }

    /// Returns whether a message to a name was announced as not shown; each announcement counts
    /// once.
    pub(super) fn was_withheld(
        &self,
        id: MessageId,
        name: NameId,
        announced: &mut BTreeMap<(NameId, String, bool), Withheld>,
    ) -> bool {
        let from = &self.names[self.name_of(self.messages[id].process)];
        [true, false].into_iter().any(|foreign_key| {
            let key = (name, from.clone(), foreign_key);
            let Some(withheld) = announced.get_mut(&key) else {
                return false;
            };
            let is_one = withheld.count > 0 && withheld.candidates.contains(&id);
            withheld.count -= usize::from(is_one);
            is_one
        })
    }
}
