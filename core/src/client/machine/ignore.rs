//! The keys that the user ignores: what is known of them, and their sessions.

use crate::client::ignored::{IgnoreError, Ignored, IgnoredSlot};
use crate::client::machine::Client;
use crate::crypto::PublicKey;
use crate::name::Name;
use crate::session::connection::Phase;
use crate::time::Instant;

impl<'a> Client<'a> {
    /// Lets the user ignore as many keys as there are slots. Without this call, there is no room
    /// for any.
    pub fn ignore_in(&mut self, slots: &'a mut [IgnoredSlot]) {
        *self.pins.ignored_mut() = Ignored::of(slots);
    }

    /// Ignores the key of a name: no message of this key is shown or reported, under any name.
    /// Returns the key. The caller stores it as
    /// [`ClientRecord::Ignored`](crate::ClientRecord::Ignored) for the next process.
    ///
    /// The sender never gets an acknowledgement of a direct message, so its messages go through the
    /// server. Cost: walks all slots.
    ///
    /// # Errors
    /// [`IgnoreError`]; nothing has changed.
    //= PROTOCOL.md#11.7
    pub fn ignore(&mut self, now: Instant, name: &Name) -> Result<PublicKey, IgnoreError> {
        self.sessions.advance(now);
        if *name == self.name {
            return Err(IgnoreError::OwnName);
        }
        let key = self.key_of(name).ok_or(IgnoreError::NoKey)?;
        if !self.pins.ignored_mut().insert(name, &key) {
            return Err(IgnoreError::Full);
        }
        for peer in self.peers.used() {
            let is_it = *self.peers.at(peer).key().get() == key;
            if is_it && self.sessions.at(peer).phase() != Phase::Closed {
                self.fall_back(peer);
            }
        }
        Ok(key)
    }

    /// Ends ignoring a key that had this name when it was ignored, or has it now. Returns the key,
    /// or `None` if there is none. Messages that came meanwhile are lost.
    pub fn unignore(&mut self, name: &Name) -> Option<PublicKey> {
        let key = self.key_of(name);
        self.pins.ignored_mut().remove(name, key.as_ref())
    }

    /// Returns whether no channel message of a name is shown now: its key is ignored.
    pub fn ignores(&self, name: &str) -> bool {
        self.is_ignored_name(name)
    }

    /// Returns the ignored keys, with the names that they had when they were ignored.
    pub fn ignored(&self) -> impl Iterator<Item = (&str, PublicKey)> {
        self.pins.ignored().iter()
    }
}
