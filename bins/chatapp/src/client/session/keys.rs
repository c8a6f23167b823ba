//! The known keys in a session: storing them, and commands about them.

use std::iter;

use chatapp_core::{Client, Instant, Name, UnixSeconds};
use chatapp_store::Error;
use serde_json::Value;

use super::{Executed, Session};
use crate::client::end::End;
use crate::client::ignoring::IgnoringError;
use crate::client::known_keys::{KeyError, Noted};
use crate::client::stall::Stall;
use crate::spelling;
use crate::typed::KeyRequest;

impl Session<'_> {
    /// Returns whether lines can be taken and shown: there is room for them, and the disk has taken
    /// all keys that came before.
    pub(super) fn has_room(&self) -> bool {
        self.output.display().has_room() && !self.keys.is_storing()
    }

    /// Executes a command about keys.
    pub(super) fn execute_about_keys(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
        request: KeyRequest<'_>,
        tag: Option<&Value>,
    ) -> Executed {
        match request {
            // Before the first table, most keys are not known.
            KeyRequest::Ignore(_) if self.output.is_registering() => return Executed::NoRoom,
            KeyRequest::Verify(name) => self.verify(client, name, false, tag),
            KeyRequest::Verified(name) => self.verify(client, name, true, tag),
            KeyRequest::Ignore(name) => self.ignore(client, now, name, tag),
            KeyRequest::Unignore(name) => self.unignore(client, name, tag),
            KeyRequest::Ignored => self.output.ignored(client, tag),
        }
        Executed::Done
    }

    /// Ignores the key of a name, now and at later starts.
    fn ignore(&mut self, client: &mut Client<'_>, now: Instant, typed: &str, tag: Option<&Value>) {
        let is_known = |name: &str| {
            let is_listed = client.table().any(|entry| entry.name == name);
            is_listed || Name::new(name).is_ok_and(|name| client.pinned_key(&name).is_some())
        };
        let name = spelling::known(typed, is_known);
        let Ok(name) = Name::new(&name) else {
            return self.output.not_ignored(&name, &IgnoringError::NoKey, tag);
        };
        let stored = match client.ignore(now, &name) {
            Ok(key) => self.keys.ignore(&name, key).map_err(IgnoringError::Memory),
            Err(error) => Err(error.into()),
        };
        match stored {
            Ok(()) => self.output.ignores(client, name.as_str(), tag),
            Err(error) => self.output.not_ignored(name.as_str(), &error, tag),
        }
    }

    /// Shows the messages of all keys again that had this name, or have it now.
    fn unignore(&mut self, client: &mut Client<'_>, typed: &str, tag: Option<&Value>) {
        let is_ignored = |name: &str| client.ignored().any(|(ignored, _)| ignored == name);
        let name = spelling::known(typed, is_ignored);
        let keys: Vec<_> = match Name::new(&name) {
            Ok(name) => iter::from_fn(|| client.unignore(&name)).collect(),
            Err(_) => Vec::new(),
        };
        let mut stored = keys.iter().map(|key| self.keys.unignore(*key));
        let result = match stored.next() {
            None => Err(IgnoringError::NotIgnored),
            Some(first) => stored
                .fold(first, Result::and)
                .map_err(IgnoringError::Memory),
        };
        match result {
            Ok(()) => self.output.unignores(client, &name, tag),
            Err(error) => self.output.not_ignored(&name, &error, tag),
        }
    }

    /// Shows the safety code with a name, and remembers that it was compared, if it was.
    fn verify(&mut self, client: &Client<'_>, typed: &str, is_compared: bool, tag: Option<&Value>) {
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
