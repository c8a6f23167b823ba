//! The final events of commands: one for each, and a true one.

use chatapp_core::wire::Refusal;
use chatapp_core::{ClientEvent, CommandId, MessageStatus};

use super::{MessageId, Model, NameId, Outcome, ProcessId, Target, What, answers, outcome_of};
use crate::queue::Millis;
use crate::times::PATIENCE;
use crate::violation::{Check, Violation};

impl Model {
    /// Handles a final event of a command.
    pub(super) fn settled(
        &mut self,
        process: ProcessId,
        event: &ClientEvent<'_>,
        at: Millis,
    ) -> Result<(), Violation> {
        let (id, last) = match (event.settles(), event) {
            (Some(id), _) => (id, true),
            (None, ClientEvent::MessageStatus { id, .. }) => (*id, false),
            _ => return Ok(()),
        };
        let what = self.answered(process, id, event, last)?;
        if *event == (ClientEvent::Deregistered { id }) {
            let life = &mut self.lives[process];
            life.left = life.commands.get(&id.number()).map(|asked| asked.at);
        }
        match what {
            What::Message(message) => self.outcome(message, event, last, at),
            _ => Ok(()),
        }
    }

    /// Returns the command of an event. It must exist, be pending, and have the kind that the event
    /// answers.
    fn answered(
        &mut self,
        process: ProcessId,
        id: CommandId,
        event: &ClientEvent<'_>,
        last: bool,
    ) -> Result<What, Violation> {
        let wrong = |why: &str| Violation::new(Check::OneFinalEvent, format!("{why}: {event:?}"));
        let asked = self.lives[process].commands.get_mut(&id.number());
        let asked = asked.ok_or_else(|| wrong("no such command"))?;
        if asked.settled {
            return Err(wrong("the command was settled before"));
        }
        asked.settled = last;
        let message = match asked.what {
            What::Message(message) => Some(&self.messages[message]),
            _ => None,
        };
        if answers(event, asked.what, message) {
            Ok(asked.what)
        } else {
            Err(wrong("no answer to this command"))
        }
    }

    /// Handles the acceptance of a process's first registration.
    pub(super) fn welcomed(&mut self, process: ProcessId) -> Result<(), Violation> {
        if !self.is_owner(process) && !self.server_lies {
            return Err(self.stolen(process));
        }
        if std::mem::replace(&mut self.lives[process].welcomed, true) {
            return Err(Violation::new(
                Check::OneFinalEvent,
                format!("{} was welcomed twice", self.label(process)),
            ));
        }
        Ok(())
    }

    /// Handles the first roster, which settles a registration.
    pub(super) fn registered(&mut self, process: ProcessId) -> Result<(), Violation> {
        if !self.is_owner(process) && !self.server_lies {
            return Err(self.stolen(process));
        }
        // The roster may be older than the expiry of the name.
        let has_name = self.has_name(process);
        let life = &mut self.lives[process];
        if let Some(asked) = life
            .registering
            .take()
            .and_then(|id| life.commands.get_mut(&id))
        {
            asked.settled = true;
            if has_name {
                self.registered_in.insert(life.name, asked.memory);
            }
        }
        Ok(())
    }

    fn stolen(&self, process: ProcessId) -> Violation {
        Violation::new(
            Check::NamesBelongToKeys,
            format!("{} has the name with another key", self.label(process)),
        )
    }

    /// Returns names whose process was told by the present memory of the server that it is
    /// registered.
    pub fn claimed(&self) -> Vec<NameId> {
        let now = self.registered_in.iter();
        now.filter(|(_, memory)| **memory == self.memory)
            .map(|(name, _)| *name)
            .collect()
    }

    /// Handles the end of a process that saw another server key: there must be an attacker, and a
    /// key that an earlier process or this one has seen proved.
    pub(super) fn server_key_changed(&self, process: ProcessId) -> Result<(), Violation> {
        let life = &self.lives[process];
        let knows_key = life.remembers || life.welcomed;
        if (self.limits.attacked || self.server_lies) && knows_key {
            return Ok(());
        }
        let detail = format!("{} was told of another server", self.label(process));
        Err(Violation::new(Check::RefusalIsTrue, detail))
    }

    /// Checks the outcome of a message.
    fn outcome(
        &mut self,
        id: MessageId,
        event: &ClientEvent<'_>,
        last: bool,
        at: Millis,
    ) -> Result<(), Violation> {
        if let ClientEvent::MessageStatus { to, status, .. } = event {
            self.status(id, to, *status)?;
            if *status == MessageStatus::PinsFull && !self.server_lies {
                self.pins_full.push(id);
            }
        }
        if let ClientEvent::NotPosted { store_failed, .. } = event {
            let excused = if *store_failed {
                self.may_be_not_stored(id)
            } else {
                !self.limits.roomy
            };
            if !excused {
                return Err(self.untrue(id, "not posted"));
            }
        }
        let sender = self.name_of(self.messages[id].process);
        if matches!(event, ClientEvent::Muted { .. }) && !self.orders.has(sender) {
            return Err(self.untrue(id, "muted"));
        }
        if last {
            self.messages[id].outcome = Some((outcome_of(event), at));
        }
        if self.is_sender_remembered(id)
            && matches!(event, ClientEvent::NotPosted { .. })
            && !self.messages[id].showings.is_empty()
        {
            return Err(self.untrue(id, "not posted, but shown"));
        }
        Ok(())
    }

    fn status(&self, id: MessageId, to: &str, status: MessageStatus) -> Result<(), Violation> {
        let message = &self.messages[id];
        if let Target::Name(name) = message.target
            && self.names[name] != to
        {
            return Err(self.untrue(id, "another recipient"));
        }
        let known = !message.recipients.is_empty() && message.memory == self.memory;
        match status {
            MessageStatus::Delivered if message.showings.is_empty() => Err(Violation::new(
                Check::DeliveredIsShown,
                format!(
                    "{} was reported received; nobody showed it",
                    self.describe(id)
                ),
            )),
            MessageStatus::MailboxFull if self.limits.roomy => Err(self.untrue(id, "mailbox full")),
            MessageStatus::ForeignKey if !self.has_foreign_recipient(id) && !self.server_lies => {
                Err(self.untrue(id, "another key"))
            }
            MessageStatus::NotStored if !self.may_be_not_stored(id) => {
                Err(self.untrue(id, "not stored"))
            }
            MessageStatus::Muted if !self.orders.has(self.name_of(message.process)) => {
                Err(self.untrue(id, "muted"))
            }
            MessageStatus::NoSuchClient if known && !self.is_recipient_banned(id) => {
                Err(self.untrue(id, "no such client"))
            }
            MessageStatus::Delivered | MessageStatus::Saved | MessageStatus::Exists
                if message.target == Target::Nobody =>
            {
                Err(self.untrue(id, "success with nobody"))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the server remembers the requests of a message's sender: neither its memory
    /// nor the name was lost.
    pub(super) fn is_sender_remembered(&self, id: MessageId) -> bool {
        let message = &self.messages[id];
        let sender = self.name_of(message.process);
        message.memory == self.memory && !message.forgotten.contains(&sender)
    }

    /// Returns whether a message may be lost: the store fails, or the server restarted after later
    /// requests took effect.
    fn may_be_not_stored(&self, id: MessageId) -> bool {
        self.limits.store_fails || self.messages[id].server_starts != self.server_starts
    }

    pub(super) fn untrue(&self, id: MessageId, what: &str) -> Violation {
        Violation::new(
            Check::RefusalIsTrue,
            format!("{} was told: {what}", self.describe(id)),
        )
    }

    /// Handles a process that was told to wait: the server must have limits.
    pub(super) fn throttled(&self, process: ProcessId) -> Result<(), Violation> {
        // Everybody on the path can ask a client to wait.
        if self.limits.throttles || self.limits.attacked {
            return Ok(());
        }
        let detail = format!(
            "{} was made to wait by a server without limits",
            self.label(process)
        );
        Err(Violation::new(Check::RefusalIsTrue, detail))
    }

    /// Handles the silence of the server, or its end: they alternate, and silence comes first.
    pub(super) fn server_silence(
        &mut self,
        process: ProcessId,
        is_silent: bool,
    ) -> Result<(), Violation> {
        let was_silent = std::mem::replace(&mut self.lives[process].server_is_silent, is_silent);
        if was_silent != is_silent {
            return Ok(());
        }
        let detail = format!(
            "{} was told twice that the server is {}",
            self.label(process),
            if is_silent { "silent" } else { "back" }
        );
        Err(Violation::new(Check::OneFinalEvent, detail))
    }

    /// Handles a refusal: it must have a reason.
    pub(super) fn refused(
        &mut self,
        process: ProcessId,
        reason: Refusal,
        at: Millis,
    ) -> Result<(), Violation> {
        let rival = self.has_rival(process);
        let true_reason = match reason {
            Refusal::NameTaken | Refusal::Evicted => rival,
            Refusal::RoomFull => !self.limits.names_fit,
            Refusal::NotStored => self.limits.store_fails,
            Refusal::Banned { .. } => self.orders.has(self.name_of(process)),
            Refusal::ForeignKey => self.is_withheld(process) || self.server_lies,
            _ => false,
        };
        // The refusal ends a pending registration. All other commands have a final event of their
        // own.
        let life = &mut self.lives[process];
        if let Some(asked) = life
            .registering
            .take()
            .and_then(|id| life.commands.get_mut(&id))
        {
            asked.settled = true;
        }
        if true_reason {
            return Ok(());
        }
        let detail = format!("{} was refused at {at} ms: {reason}", self.label(process));
        Err(Violation::new(Check::RefusalIsTrue, detail))
    }

    /// Returns whether the name of a process may have belonged to another one since its start.
    fn has_rival(&self, process: ProcessId) -> bool {
        let life = &self.lives[process];
        // Datagrams of a rival that ended may still arrive, and count for as long as retries last.
        let after_life = self.limits.longest_delay + 2 * PATIENCE;
        self.lives.iter().enumerate().any(|(other, rival)| {
            let over = rival
                .ended
                .is_some_and(|ended| ended + after_life < life.started);
            other != process
                && rival.name == life.name
                && !rival.thief
                && (!over || self.limits.attacked)
        })
    }

    /// Handles a process that was told that it left, while the server had these names online.
    ///
    /// # Errors
    /// If its own name is one of them, and no other process has it.
    pub fn left(&self, process: ProcessId, online: &[NameId]) -> Result<(), Violation> {
        if !online.contains(&self.lives[process].name) || self.has_rival(process) {
            return Ok(());
        }
        let detail = format!("{} was told that it left", self.label(process));
        Err(Violation::new(Check::LeftIsOffline, detail))
    }

    /// Describes the commands of a running process that have no final event yet.
    pub fn unsettled(&self, process: ProcessId) -> Vec<String> {
        let waiting = self.lives[process]
            .commands
            .iter()
            .filter(|(_, asked)| !asked.settled);
        waiting
            .map(|(id, asked)| {
                let what = match asked.what {
                    What::Message(message) => self.describe(message),
                    other => format!("{other:?}"),
                };
                format!(
                    "command {id} of {} given at {} ms: {what}",
                    self.label(process),
                    asked.at
                )
            })
            .collect()
    }

    /// Returns the number of messages so far.
    pub fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// Checks that all messages since this one were received, saved or posted. A message to a name
    /// with another key than its sender knows must not be sent.
    ///
    /// # Errors
    /// The first message that breaks this rule.
    pub fn all_arrived_since(&self, first: MessageId) -> Result<(), Violation> {
        for (id, message) in self.messages.iter().enumerate().skip(first) {
            let foreign = self.has_foreign_recipient(id);
            match message.outcome {
                Some((Outcome::Delivered | Outcome::Saved | Outcome::Posted, _)) if !foreign => {}
                Some((Outcome::ForeignKey, _)) if foreign => {}
                Some((Outcome::PinsFull, _)) if self.lacks_room_for_pin(id) => {}
                _ => return Err(self.untrue(id, "it did not arrive, in a healthy room")),
            }
        }
        Ok(())
    }
}
