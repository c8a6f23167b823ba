//! The keys of names: the server's, and those that each process expects. If the two differ, no
//! private message passes, and both sides are told.

use std::collections::{BTreeMap, BTreeSet};

use chatapp_core::{NotShownReason, PublicKey};

use super::tenure::{Tenure, Withheld};
use super::{MessageId, Model, NameId, ProcessId, Target};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

const REASONS: [NotShownReason; 3] = [
    NotShownReason::ForeignKey,
    NotShownReason::Unreadable,
    NotShownReason::PinsFull,
];

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
    ///
    /// # Errors
    /// If it had pinned another one, or has more pins than there is room for.
    pub fn trusts(
        &mut self,
        process: ProcessId,
        name: &str,
        key: PublicKey,
    ) -> Result<(), Violation> {
        let Some(name) = self.names.iter().position(|known| known == name) else {
            return Ok(());
        };
        let life = &mut self.lives[process];
        let before = life.trust.insert(name, key);
        if before.is_some_and(|before| before != key) || life.trust.len() > self.limits.pins {
            let (who, whose) = (self.label(process), &self.names[name]);
            let detail = format!("{who} pins a key of {whose} in place of another");
            return Err(Violation::new(Check::NamesBelongToKeys, detail));
        }
        if life.remembers {
            let folder = self.folders.entry(life.name).or_default();
            folder.insert(name, key);
        }
        Ok(())
    }

    /// Notes that the memory of a name is lost.
    pub fn lost_key(&mut self, name: NameId) {
        self.folders.remove(&name);
        self.ignored.lost(name);
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

    /// Checks the messages that were not sent for want of a pin. Called when the process has
    /// reported its pins.
    ///
    /// # Errors
    /// If the process had pinned the recipient, or had room to do so.
    pub fn pins_are_known(&mut self) -> Result<(), Violation> {
        for id in std::mem::take(&mut self.pins_full) {
            if !self.lacks_room_for_pin(id) {
                return Err(self.untrue(id, "no room for a pin"));
            }
        }
        Ok(())
    }

    /// Returns whether the sender of a message has no room for the pin of its recipient.
    pub(super) fn lacks_room_for_pin(&self, id: MessageId) -> bool {
        let message = &self.messages[id];
        match message.target {
            Target::Name(name) => self.is_unpinnable(message.process, name),
            _ => false,
        }
    }

    /// Returns whether a process has not pinned a name, and has no room to do so.
    fn is_unpinnable(&self, process: ProcessId, name: NameId) -> bool {
        let trust = &self.lives[process].trust;
        trust.len() >= self.limits.pins && !trust.contains_key(&name)
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
    fn is_withheld_from(&self, id: MessageId, process: ProcessId, reason: NotShownReason) -> bool {
        let (message, reader) = (&self.messages[id], &self.lives[process]);
        let sender = self.name_of(message.process);
        let sent = message.target == Target::Name(reader.name) && sender != reader.name;
        sent && match reason {
            NotShownReason::ForeignKey => self.has_foreign_sender(id, process),
            NotShownReason::PinsFull => self.is_unpinnable(process, sender),
            _ => self.is_for_another_key(id, process),
        }
    }

    /// Handles a process that shows no channel messages of a name any more: it must know another
    /// key of that name than the server had at some time.
    pub(super) fn silenced(&mut self, process: ProcessId, from: &str) -> Result<(), Violation> {
        let who = self.label(process);
        let name = self.names.iter().position(|known| known == from);
        let life = &mut self.lives[process];
        life.silenced.insert(from.to_owned());
        let known = name.and_then(|name| life.trust.get(&name));
        let tenures = name.and_then(|name| self.tenures.get(&name));
        let mut keys = tenures.into_iter().flatten().map(|tenure| tenure.key);
        if self.server_lies || known.is_some_and(|known| keys.any(|key| key != *known)) {
            return Ok(());
        }
        let detail = format!("{who} does not show what {from} wrote to the channel");
        Err(Violation::new(Check::ShownAsSent, detail))
    }

    /// Returns whether a process of this name said that it does not show the channel messages of
    /// this message's sender.
    pub(super) fn is_silenced_for(&self, id: MessageId, name: NameId) -> bool {
        let from = &self.names[self.name_of(self.messages[id].process)];
        let mut lives = self.lives.iter().filter(|life| life.name == name);
        lives.any(|life| life.silenced.contains(from))
    }

    /// Checks a message that a process shows: both ends must know each other's keys.
    pub(super) fn between_acquaintances(
        &self,
        process: ProcessId,
        id: MessageId,
    ) -> Result<(), Violation> {
        let broken = REASONS
            .into_iter()
            .find(|reason| self.is_withheld_from(id, process, *reason));
        let Some(reason) = broken else { return Ok(()) };
        let (who, what) = (self.label(process), self.describe(id));
        let detail = format!("{who} shows {what}, in spite of {reason:?}");
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
        reason: NotShownReason,
    ) -> Result<(), Violation> {
        if self.server_lies {
            return Ok(());
        }
        let author = |id: &MessageId| self.name_of(self.messages[*id].process);
        let withheld: BTreeSet<MessageId> = (0..self.messages.len())
            .filter(|id| self.names[author(id)] == from)
            .filter(|id| self.is_withheld_from(*id, process, reason))
            .collect();
        let times = withheld.iter().map(|id| self.times_kept_at_most(*id));
        let most: usize = times.sum();
        let life = &mut self.lives[process];
        // It may be the stored message that was announced.
        life.greeted = false;
        let key = (from.to_owned(), reason);
        let so_far = life.withheld.entry(key).or_default();
        so_far.count += 1;
        so_far.candidates.extend(withheld);
        if so_far.count <= most {
            return Ok(());
        }
        let detail = format!(
            "{} does not show what {from} wrote ({reason:?})",
            self.label(process)
        );
        Err(Violation::new(Check::ShownAsSent, detail))
    }

    /// Returns the messages announced as not shown, by recipient, sender and reason.
    pub(super) fn withheld(&self) -> BTreeMap<(NameId, String, NotShownReason), Withheld> {
        let mut all = BTreeMap::<_, Withheld>::new();
        for life in &self.lives {
            for ((from, reason), withheld) in &life.withheld {
                let key = (life.name, from.clone(), *reason);
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
        announced: &mut BTreeMap<(NameId, String, NotShownReason), Withheld>,
    ) -> bool {
        let from = &self.names[self.name_of(self.messages[id].process)];
        REASONS.into_iter().any(|reason| {
            let key = (name, from.clone(), reason);
            let Some(withheld) = announced.get_mut(&key) else {
                return false;
            };
            let is_one = withheld.count > 0 && withheld.candidates.contains(&id);
            withheld.count -= usize::from(is_one);
            is_one
        })
    }
}
