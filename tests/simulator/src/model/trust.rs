//! The keys of names: the one that the server had for a name, and the one that each process
//! expects. If the two differ, nothing private passes, and both sides are told.

use std::collections::{BTreeMap, BTreeSet};

use chatapp_core::PublicKey;

use super::tenure::{Tenure, Withheld};
use super::{MessageId, Model, NameId, ProcessId, Target};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

impl Model {
    /// A name has this key on the server from now on, or none.
    pub fn belongs(&mut self, name: NameId, key: Option<PublicKey>, at: Millis) {
        let tenures = self.tenures.entry(name).or_default();
        if let Some(last) = tenures.last_mut() {
            last.until.get_or_insert(at);
        }
        tenures.extend(key.map(|key| Tenure { key, until: None }));
        if key.is_none() {
            // News of the registration may have come since the name was taken off the table.
            self.registered_in.remove(&name);
        }
    }

    /// A process takes this key, and no other, for that of a name.
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

    /// Whether the server ever gave the name of a process to its key.
    pub(super) fn is_owner(&self, process: ProcessId) -> bool {
        let life = &self.lives[process];
        let tenures = self.tenures.get(&life.name);
        tenures
            .into_iter()
            .flatten()
            .any(|tenure| tenure.key == life.key)
    }

    /// Whether the name of a process belongs to its key now.
    pub(super) fn has_name(&self, process: ProcessId) -> bool {
        let life = &self.lives[process];
        let last = self.tenures.get(&life.name).and_then(|all| all.last());
        last.is_some_and(|tenure| tenure.key == life.key && tenure.until.is_none())
    }

    /// Whether the name of a process had another key since it started.
    pub(super) fn is_withheld(&self, process: ProcessId) -> bool {
        let life = &self.lives[process];
        let since = |tenure: &&Tenure| tenure.until.is_none_or(|until| until >= life.started);
        let tenures = self.tenures.get(&life.name).into_iter().flatten();
        tenures.filter(since).any(|tenure| tenure.key != life.key)
    }

    /// Whether the recipient of a message has another key by now than its sender knows.
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

    /// Whether a process knows the sender of a message with another key.
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

    /// Whether a private message is to be kept from a process for this reason.
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

    /// A process shows a message: both ends must know each other with the keys that they have.
    pub(super) fn between_acquaintances(
        &self,
        process: ProcessId,
        id: MessageId,
    ) -> Result<(), Violation> {
        // If a table is too small for the room, a key that was forgotten is believed anew.
        let stranger = self.is_withheld_from(id, process, true) && !self.limits.forgets_keys;
        if !stranger && !self.is_withheld_from(id, process, false) {
            return Ok(());
        }
        let (who, what) = (self.who(process), self.describe(id));
        let whose = if stranger { "sender" } else { "recipient" };
        let detail = format!("{who} shows {what}: the {whose} has another key than it had");
        Err(Violation::new(Check::ShownAsSent, detail))
    }

    /// How often a message may be kept: a server that has forgotten its sender takes the same
    /// request for a new one.
    fn times_kept_at_most(&self, id: MessageId) -> usize {
        let message = &self.messages[id];
        let sender = self.name_of(message.process);
        let forgotten = message.forgotten.iter().filter(|name| **name == sender);
        1 + forgotten.count() + (self.memory - message.memory) as usize
    }

    /// A process was given a message, and does not show it.
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
        // It may be what was announced as kept.
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
            self.who(process)
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

    /// Whether it was announced that a message that a name was to get was not shown; each
    /// announcement counts once.
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
