//! The messages that a process shows: once, in order, and as they were sent.

use chatapp_core::UnixSeconds;

use super::{MessageId, Model, Outcome, ProcessId, Showing, Target, stamps};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

impl Model {
    /// Checks a message that a process shows.
    pub(super) fn shown(
        &mut self,
        process: ProcessId,
        from: &str,
        text: &str,
        channel: bool,
        kept_at: Option<UnixSeconds>,
        at: Millis,
    ) -> Result<(), Violation> {
        let id = self.as_sent(process, from, text, channel)?;
        if !self.limits.forgetful_dedup {
            self.once(process, id, at)?;
            self.in_order(process, id, channel)?;
        }
        self.between_acquaintances(process, id)?;
        if let Some(stamp) = kept_at.filter(|_| !self.server_lies) {
            self.kept(process, id, stamp, at)?;
        }
        let by_server = channel || kept_at.is_some();
        if by_server {
            self.may_be_heard(id)?;
            self.is_not_withdrawn(process, id)?;
        }
        self.messages[id].showings.push(Showing {
            process,
            at,
            by_server,
        });
        Ok(())
    }

    /// Returns the message with this text, if this sender sent it to this recipient.
    fn as_sent(
        &self,
        process: ProcessId,
        from: &str,
        text: &str,
        channel: bool,
    ) -> Result<MessageId, Violation> {
        let invented = |why: &str| {
            let start: String = text.chars().take(20).collect();
            let who = self.label(process);
            Violation::new(
                Check::ShownAsSent,
                format!("{who} shows {start:?} from {from:?}: {why}"),
            )
        };
        let digits: String = text
            .chars()
            .skip(1)
            .take_while(char::is_ascii_digit)
            .collect();
        let id: MessageId = digits
            .parse()
            .map_err(|_| invented("no message begins like this"))?;
        let message = self
            .messages
            .get(id)
            .ok_or_else(|| invented("it was never sent"))?;
        if message.text != text {
            return Err(invented("the text is not that of the message"));
        }
        if self.names[self.name_of(message.process)] != from {
            return Err(invented("another client sent it"));
        }
        if channel != (message.target == Target::Channel) {
            return Err(invented("it took the wrong way"));
        }
        let own = self.name_of(process);
        match message.target {
            Target::Name(name) if name != own => Err(invented("it was for another client")),
            Target::Nobody => Err(invented("it was for no client")),
            Target::Channel if self.name_of(message.process) == own => {
                Err(invented("it is the client's own"))
            }
            _ => Ok(id),
        }
    }

    /// Checks that neither this process has shown it before, nor another one that must have
    /// recorded it.
    fn once(&self, process: ProcessId, id: MessageId, at: Millis) -> Result<(), Violation> {
        let message = &self.messages[id];
        let again = |why: String| {
            let (who, what) = (self.label(process), self.describe(id));
            Err(Violation::new(
                Check::ShownOnce,
                format!("{who} shows {what} again: {why}"),
            ))
        };
        let own = self.name_of(process);
        let by_own = |showing: &&Showing| self.name_of(showing.process) == own;
        for showing in message.showings.iter().filter(by_own) {
            if showing.process == process {
                return again(format!("first at {} ms", showing.at));
            }
            // With the key, everything that was remembered under it was lost.
            let (one, other) = (&self.lives[process], &self.lives[showing.process]);
            if one.remembers && other.remembers && one.key == other.key {
                return again(format!("{} remembered it", self.label(showing.process)));
            }
            // A stopped rival shows messages afterwards that it had received before.
            let rival = self.lives[process].started < showing.at;
            let left = self.lives[showing.process]
                .left
                .is_some_and(|left| left > showing.at);
            // A name that the server has forgotten is new again.
            let is_recent = self.limits.gives_recent && message.forgotten.contains(&own);
            if left
                && !rival
                && !is_recent
                && showing.by_server
                // The server posts a request again that a forgotten sender repeats.
                && self.is_sender_remembered(id)
                && !self.limits.store_fails
            {
                return again(format!(
                    "{} showed it and left in order",
                    self.label(showing.process)
                ));
            }
        }
        let rival = message
            .showings
            .iter()
            .filter(by_own)
            .any(|showing| self.lives[process].started < showing.at);
        match message.outcome {
            Some((Outcome::Delivered, when)) if !rival => {
                again(format!("it was reported received at {when} ms"))
            }
            Some((Outcome::NotPosted, when)) if self.is_sender_remembered(id) => {
                Err(Violation::new(
                    Check::RefusalIsTrue,
                    format!(
                        "{} is shown at {at} ms, but was refused at {when} ms",
                        self.describe(id)
                    ),
                ))
            }
            Some((Outcome::ForeignKey | Outcome::PinsFull, when)) => {
                let what = self.describe(id);
                let detail = format!("{what} is shown, but was told at {when} ms not to be sent");
                Err(Violation::new(Check::RefusalIsTrue, detail))
            }
            _ => Ok(()),
        }
    }

    /// Checks that a message comes after all that its process sent before, and before all of a
    /// later process of the sender.
    fn in_order(
        &mut self,
        process: ProcessId,
        id: MessageId,
        channel: bool,
    ) -> Result<(), Violation> {
        let message = &self.messages[id];
        let sender = self.name_of(message.process);
        let before = self.lives[process].last_shown.insert((sender, channel), id);
        let Some(before) = before else { return Ok(()) };
        let last = &self.messages[before];
        let in_order = if last.process == message.process {
            last.number < message.number
        } else {
            let ended = self.lives[message.process].ended;
            ended.is_none_or(|ended| ended > self.lives[last.process].started)
        };
        if in_order {
            return Ok(());
        }
        let detail = format!(
            "{} shows {} after {}",
            self.label(process),
            self.describe(id),
            self.describe(before)
        );
        Err(Violation::new(Check::ShownInOrder, detail))
    }

    /// Checks a stored message: it was announced, and its time is that of its acceptance by the
    /// server.
    fn kept(
        &mut self,
        process: ProcessId,
        id: MessageId,
        stamp: UnixSeconds,
        at: Millis,
    ) -> Result<(), Violation> {
        let who = self.label(process);
        let what = self.describe(id);
        let life = &mut self.lives[process];
        life.greeted = false;
        if !life.ever_greeted {
            return Err(Violation::new(
                Check::ShownAsSent,
                format!("{who} shows {what} as a stored message without an announcement"),
            ));
        }
        let span = self.messages[id].at..=at;
        if !stamps(span.clone()).contains(&stamp.0) {
            let detail =
                format!("{what} is stamped {stamp:?}, but was accepted between {span:?} ms");
            return Err(Violation::new(Check::ShownAsSent, detail));
        }
        Ok(())
    }

    /// Handles the announcement of stored messages: at least one must follow before the next
    /// announcement.
    pub(super) fn greeted(&mut self, process: ProcessId) -> Result<(), Violation> {
        let who = self.label(process);
        let life = &mut self.lives[process];
        life.ever_greeted = true;
        if std::mem::replace(&mut life.greeted, true) {
            return Err(Violation::new(
                Check::ShownAsSent,
                format!("stored messages were announced to {who} twice"),
            ));
        }
        Ok(())
    }

    /// Handles dropped channel messages, which do not occur when all of them fit. If the store
    /// fails, the count includes entries that were never stored.
    pub(super) fn dropped(&mut self, process: ProcessId, count: u32) -> Result<(), Violation> {
        let life = &mut self.lives[process];
        life.greeted = false;
        life.dropped += count;
        if self.limits.roomy && !self.limits.store_fails || count == 0 {
            let who = self.label(process);
            return Err(Violation::new(
                Check::SavedIsShown,
                format!("{who} misses {count} channel messages"),
            ));
        }
        Ok(())
    }
}
