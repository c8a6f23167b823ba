//! The known keys in a session: storing them, and commands about them.

use chatapp_core::{Client, Instant, Name, UnixSeconds};
use chatapp_store::Error;
use serde_json::Value;

use super::Session;
use crate::client::end::End;
use crate::client::known_keys::{KeyError, Noted};
use crate::client::stall::Stall;
use crate::spelling;

impl Session<'_> {
    /// Returns whether lines can be taken and shown: there is room for them, and the disk has taken
    /// all keys that came before.
    pub(super) fn has_room(&self) -> bool {
        self.output.display().has_room() && !self.keys.is_storing()
    }

    /// Shows the safety code with a name, and remembers that it was compared, if it was.
    pub(super) fn verify(
        &mut self,
        client: &Client<'_>,
        typed: &str,
        is_compared: bool,
        tag: Option<&Value>,
    ) {
        let is_pinned =
            |name: &str| Name::new(name).is_ok_and(|name| client.pinned_key(&name).is_some());
        let name = spelling::known(typed, is_pinned);
        let verification = match Name::new(&name) {
            Err(_) => Err(KeyError::NoKey),
            Ok(name) if is_compared => self.keys.verify(client, &name),
            Ok(name) => self.keys.verification(client, &name),
        };
        match verification {
            Ok(verification) => self.output.verification(&name, &verification, tag),
            Err(error) => self.output.no_verification(&name, &error, tag),
        }
    }

    /// Stores keys, until the disk does not answer.
    pub(super) fn note_keys(&mut self, client: &mut Client<'_>, now: Instant) {
        if let Err(error) = self.keys.settle_medium_keys(client, now) {
            self.not_remembered(&error);
        }
        while let Some(noted) = self.keys.note_next(client) {
            match noted {
                Noted::Pinned(name, key) => {
                    if name.is_none()
                        && let Err(error) = self.keys.meet_server(client)
                    {
                        self.not_remembered(&error);
                    }
                    self.output.first_contact(name.as_deref(), key);
                }
                Noted::NameHasAnother => {}
                Noted::ServerHasAnother(found) => self.end_with(End::ServerKeyChanged(found)),
                Noted::NotStored(error) => self.not_remembered(&error),
            }
        }
    }

    /// Shows, once, that a key waits for the disk, and everything else for the key.
    pub(super) fn watch_disk(&mut self, now: Instant) {
        self.stall = match self.stall {
            _ if !self.keys.is_storing() => Stall::None,
            Stall::None => Stall::from(now),
            Stall::Until(due) if due <= now => {
                self.output.disk_stalls();
                Stall::Shown
            }
            stall => stall,
        };
    }

    /// Makes a new client use medium-term keys for stored messages, at this time of day.
    pub(in crate::client) fn using_medium_keys(
        &mut self,
        client: &mut Client<'_>,
        wall: UnixSeconds,
    ) -> &mut Self {
        client.handle_wall_clock(wall);
        if let Err(error) = self.keys.use_medium_keys(client) {
            self.not_remembered(&error);
        }
        self
    }

    pub(super) fn not_remembered(&mut self, error: &Error) {
        self.output
            .show_error(format_args!("[A key is not remembered: {error}]"));
    }

    pub(super) fn learn_pins(&mut self, client: &mut Client<'_>) {
        if let Err(error) = self.keys.learn(client) {
            self.output
                .show_error(format_args!("[Known keys cannot be read: {error}]"));
        }
    }
}
