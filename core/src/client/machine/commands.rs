//! Commands of the user: each is sent, waits for the roster, or is rejected.

use crate::client::command::{Command, CommandError, CommandId};
use crate::client::machine::Client;
use crate::client::outbox_slot::Form;
use crate::client::peers::SERVER;
use crate::limits::TEXT_LEN_MAX;
use crate::name::Name;
use crate::time::Instant;

impl Client<'_> {
    /// Accepts a command. [`poll_event`](Self::poll_event) reports its progress and its end.
    /// Exactly one event settles each command but `Register`
    /// ([`ClientEvent::settles`](crate::ClientEvent::settles)). `Register` ends in `TableUpdated`,
    /// `ServerNotResponding` or `Refused`.
    ///
    /// # Errors
    /// [`CommandError`]; nothing was sent. After [`CommandError::Busy`], the caller may give the
    /// same command again later.
    pub fn command(
        &mut self,
        now: Instant,
        command: Command<'_>,
    ) -> Result<CommandId, CommandError> {
        self.sessions.advance(now);
        if self.registration.has_ended() {
            return Err(CommandError::Ended);
        }
        match command {
            Command::Register { name } | Command::Deregister { name }
                if name != self.name.as_str() =>
            {
                Err(CommandError::NotYourName)
            }
            _ if self.registration.leaving().is_some() => Err(CommandError::Busy),
            Command::Register { .. } => self.register(),
            _ if !self.registration.is_in_room() => Err(CommandError::Offline),
            Command::Deregister { .. } => self.leave(),
            Command::Send { to, text } => {
                self.check_message(text)?;
                if self.outbox.is_full() {
                    return Err(CommandError::Busy);
                }
                let to = match self.peers.find(to.as_bytes()) {
                    Some(peer) => {
                        self.peers.touch(peer);
                        peer
                    }
                    None => {
                        let name = Name::new(to).map_err(CommandError::BadName)?;
                        self.insert_recipient(name).ok_or(CommandError::TableFull)?
                    }
                };
                self.enter(Form::Direct, to, text)
            }
            Command::SendAll { text } => {
                self.check_message(text)?;
                self.enter(Form::Post, SERVER, text)
            }
        }
    }

    /// Checks the text of a message, and that there is a number for it.
    fn check_message(&self, text: &str) -> Result<(), CommandError> {
        match text.len() {
            0 => Err(CommandError::EmptyText),
            len if len > TEXT_LEN_MAX => Err(CommandError::TextTooLong(len)),
            _ if !self.outbox.has_numbers() => Err(CommandError::NumbersUsedUp),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, form: Form, to: u32, text: &str) -> Result<CommandId, CommandError> {
        let slot = self.allocate(form, to, text).ok_or(CommandError::Busy)?;
        let id = self.outbox.at(slot).id();
        if self.registration.is_active() {
            self.dispatch(slot);
        } else {
            self.registration.enqueue(self.outbox.slots(), slot);
        }
        Ok(id)
    }

    fn leave(&mut self) -> Result<CommandId, CommandError> {
        let slot = self.allocate(Form::Leave, SERVER, "");
        let slot = slot.ok_or(if self.outbox.is_full() {
            CommandError::Busy
        } else {
            CommandError::NumbersUsedUp
        })?;
        self.registration.set_leaving(slot);
        self.leave_when_settled();
        Ok(self.outbox.at(slot).id())
    }

    /// Sends the deregistration once it is the only command left.
    pub(super) fn leave_when_settled(&mut self) {
        if let Some(slot) = self.registration.leaving()
            && self.outbox.used() == 1
            && self.registration.is_active()
            && self.outbox.at(slot).request() == 0
            && !self.outbox.at(slot).is_settled()
        {
            self.dispatch(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientConfig, ClientMemory};
    use crate::crypto::{Identity, Seed, StaticKey};

    #[test]
    fn asks_for_a_restart_before_numbers_repeat() {
        let mut memory = ClientMemory::<2, 2, 1, 1>::new();
        let config = ClientConfig::new(Name::new("ann").unwrap(), ([10, 0, 0, 1], 5_000).into());
        let identity = Identity::new(StaticKey::new([1; 32]), None);
        let mut seed = [2; 32];
        let seed = Seed::new(&mut seed);
        let mut client = Client::new(config, memory.storage(), identity, seed).unwrap();
        let now = Instant::ZERO;
        client.outbox.skip_to(u32::MAX - (1 << 16) - 2);
        let register = Command::Register { name: "ann" };
        assert!(client.command(now, register).is_ok());
        let message = Command::SendAll { text: "hi" };
        assert!(client.command(now, message).is_ok(), "the last one");
        let direct = Command::Send {
            to: "ann",
            text: "hi",
        };
        for refused in [message, direct] {
            let result = client.command(now, refused);
            assert_eq!(result, Err(CommandError::NumbersUsedUp));
        }
        let leave = Command::Deregister { name: "ann" };
        assert!(client.command(now, leave).is_ok());
    }
}
