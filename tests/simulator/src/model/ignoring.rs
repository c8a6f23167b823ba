//! People ignore keys: nothing of these is shown, and that excuses what is missing.

use chatapp_core::{ClientEvent, PublicKey};

use super::ignored::Owner;
use super::{MessageId, Model, NameId, ProcessId, Target};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

impl Model {
    /// Notes that a process ignores a key from now on.
    pub fn ignores(&mut self, process: ProcessId, key: PublicKey) {
        let owner = self.owner_of(process);
        self.ignored.begins(process, owner, key);
    }

    /// Notes that a process does not ignore a key any more.
    pub fn unignores(&mut self, process: ProcessId, key: &PublicKey, at: Millis) {
        let owner = self.owner_of(process);
        self.ignored.ends(process, owner, key, at);
    }

    fn owner_of(&self, process: ProcessId) -> Owner {
        let life = &self.lives[process];
        Owner {
            name: life.name,
            remembers: life.remembers,
        }
    }

    /// Checks a message that a process gets to show: its key is not ignored.
    ///
    /// # Errors
    /// If it is.
    pub fn got(&self, process: ProcessId, event: &ClientEvent<'_>) -> Result<(), Violation> {
        let ClientEvent::Message { text, channel, .. } = *event else {
            return Ok(());
        };
        let digits: String = text
            .chars()
            .skip(1)
            .take_while(char::is_ascii_digit)
            .collect();
        let number = digits.parse::<MessageId>().ok();
        let Some(message) = number.and_then(|id| self.messages.get(id)) else {
            return Ok(());
        };
        let author = &self.lives[message.process];
        if !self.ignored.has(process, &author.key) || self.server_lies {
            return Ok(());
        }
        // Nobody can tell which key of a name has sent a channel message.
        let tenures = self.tenures.get(&author.name).into_iter().flatten();
        let mut keys = tenures.map(|tenure| tenure.key);
        if channel && keys.any(|key| key != author.key) {
            return Ok(());
        }
        let (who, whose) = (self.label(process), self.label(message.process));
        let detail = format!("{who} shows a message of {whose}, and ignores its key");
        Err(Violation::new(Check::IgnoredIsHidden, detail))
    }

    /// Returns whether a process of this name may have got a message while it ignored its key.
    pub(super) fn may_be_ignored(&self, id: MessageId, name: NameId) -> bool {
        let message = &self.messages[id];
        let author = &self.lives[message.process];
        let may_have = |key| self.ignored.may_have_since(name, key, message.at);
        // A client without the name in its table takes a channel message for one of the key that it
        // knows.
        let is_channel = message.target == Target::Channel;
        let tenures = self.tenures.get(&author.name).into_iter().flatten();
        let mut earlier = tenures.filter(|_| is_channel).map(|tenure| &tenure.key);
        may_have(&author.key) || earlier.any(may_have)
    }
}
