//! Medium-term keys: those of this client, and those of the recipients of stored messages.

use crate::client::machine::Client;
use crate::client::medium_keys::OwnMediumKeys;
use crate::client::message_keys::{MediumId, NO_MEDIUM_KEY};
use crate::client::outbox_slot::Form;
use crate::client::peers::SERVER;
use crate::crypto::PublicKey;
use crate::time::Instant;
use crate::wire::Outcome;

impl Client<'_> {
    /// Uses medium-term keys from now on. A thief of this client's static key then cannot read
    /// stored messages that the client has fetched before.
    ///
    /// A new secret comes as [`ClientRecord::MediumKeys`](crate::ClientRecord::MediumKeys). If the
    /// client knows the time of day, one more comes each day, and the deletion of the one before.
    /// The secrets belong to this client's key in one room: give none to a client before the key of
    /// its server is known. Messages of an earlier process may wait there, so call it before the
    /// client takes any.
    pub fn use_medium_keys(&mut self, own: OwnMediumKeys<'_>) {
        let suite = self.sessions.identity().suite();
        self.message_keys.medium_mut().start(own, suite);
        self.rotate_medium_key();
    }

    /// Records that the latest [`ClientRecord::MediumKeys`](crate::ClientRecord::MediumKeys) is
    /// stored, and survives a power cut. A key is published only then.
    pub fn handle_medium_keys_stored(&mut self, now: Instant) {
        self.sessions.advance(now);
        self.message_keys.medium_mut().on_stored();
        self.advance_medium_keys();
    }

    // ---- the keys of this client ----

    /// Makes a new key if one is due.
    fn rotate_medium_key(&mut self) {
        let now = self.outbox.wall();
        if self.message_keys.medium().is_rotation_due(now) {
            let suite = self.sessions.identity().suite();
            let secret = self.sessions.handshakes().draw_secret();
            self.message_keys.medium_mut().rotate(&secret, now, suite);
        }
    }

    /// Publishes the key again: the server has started again.
    pub(super) fn publish_medium_key_again(&mut self) {
        self.message_keys.medium_mut().publish_again();
    }

    /// Returns whether the deletion of a key waits until all messages are written.
    pub(super) fn awaits_receipts_for_medium_keys(&self) -> bool {
        self.message_keys.medium().awaits_receipts()
    }

    /// Makes, publishes or deletes a key, as is due. If the outbox has no room, that waits.
    pub(super) fn advance_medium_keys(&mut self) {
        if !self.registration.is_active() || self.registration.leaving().is_some() {
            return;
        }
        self.rotate_medium_key();
        if self.message_keys.medium().is_publication_due() {
            let key = self.message_keys.medium().public();
            if let Some(slot) = self.allocate_own(Form::Publication) {
                let entry = self.outbox.at_mut(slot);
                entry.text_mut().publish(&key);
                self.message_keys.medium_mut().on_published(entry.counter());
                self.request(slot);
            }
        }
        if !self.receipts.is_empty() {
            // After a crash, the server gives messages again that are not written yet.
            return;
        }
        if self.message_keys.medium().is_clearing_due()
            && let Some(slot) = self.allocate_own(Form::Clearing)
        {
            let number = self.outbox.at(slot).counter();
            self.message_keys.medium_mut().on_clearing(number);
            self.request(slot);
        }
        if self.message_keys.medium().is_deletion_due() {
            let suite = self.sessions.identity().suite();
            self.message_keys.medium_mut().delete_previous(suite);
            for peer in self.peers.used() {
                self.peers
                    .at_mut(peer)
                    .message_keys_mut()
                    .wipe_from_medium();
            }
        }
    }

    /// Allocates a slot for a request to the server that is no command.
    fn allocate_own(&mut self, form: Form) -> Option<u32> {
        let slot = self.outbox.allocate_own(form, SERVER)?;
        self.peers.at_mut(SERVER).add_reference();
        Some(slot)
    }

    /// Handles the server's answer to a publication; `None` if it is silent.
    pub(super) fn publication_answered(&mut self, slot: u32, outcome: Option<Outcome>) {
        let number = self.outbox.at(slot).counter();
        self.message_keys
            .medium_mut()
            .on_publication(number, outcome);
        self.outbox.end_own();
        self.release(slot);
        if outcome == Some(Outcome::Exists) {
            self.advance_medium_keys();
        }
    }

    /// Handles the end of the messages for the previous key, or the silence of the server.
    pub(super) fn clearing_answered(&mut self, slot: u32, is_answered: bool) {
        let number = self.outbox.at(slot).counter();
        self.message_keys
            .medium_mut()
            .on_cleared(number, is_answered);
        self.outbox.end_own();
        self.release(slot);
        if is_answered {
            self.advance_medium_keys();
        }
    }

    // ---- the keys of recipients ----

    /// Returns whether this client uses medium-term keys, and the server may know them.
    pub(super) fn uses_medium_keys(&self) -> bool {
        self.message_keys.medium().are_used()
    }

    /// Returns whether to ask for the medium-term key of a peer before a message to it is
    /// encrypted.
    pub(super) fn awaits_medium_key(&self, peer: u32) -> bool {
        let medium = self.peers.at(peer).message_keys().medium();
        self.uses_medium_keys() && !medium.is_known()
    }

    /// Asks the server for the medium-term key of a recipient. The message goes to the server, as
    /// the user hears.
    pub(super) fn look_up_key(&mut self, slot: u32) {
        let entry = self.outbox.at_mut(slot);
        let is_told = entry.form() == Form::KeyLookup;
        entry.set_form(Form::KeyLookup);
        let to = entry.to();
        if !is_told {
            self.outbox.notice(slot).sent_to_server();
        }
        self.peers.at_mut(to).route_mut().start_probe();
        self.request(slot);
    }

    /// Returns whether the user has heard that a message goes to the server.
    pub(super) fn is_told_of_server(&self, slot: u32) -> bool {
        self.outbox.at(slot).form() == Form::KeyLookup
    }

    /// Tells the user that a message that was to go to the server goes directly: its recipient is
    /// online.
    pub(super) fn note_direct_after_all(&mut self, slot: u32) {
        if self.is_told_of_server(slot) {
            self.outbox.notice(slot).exists();
        }
    }

    /// Records that the server has answered a lookup of a peer.
    pub(super) fn note_medium_key_asked(&mut self, peer: u32) {
        self.peers
            .at_mut(peer)
            .message_keys_mut()
            .medium_mut()
            .note_asked();
    }

    /// Returns the ephemeral key that goes with messages to a peer, and the id of the medium-term
    /// key that they are encrypted for.
    pub(super) fn label_to(&self, peer: u32) -> (PublicKey, MediumId) {
        let public = *self.message_keys.public();
        match self.peers.at(peer).message_keys().medium().id() {
            NO_MEDIUM_KEY => (public, NO_MEDIUM_KEY),
            id => (public.marked(), id),
        }
    }

    /// Takes the medium-term key of a name from the server. Messages that are encrypted for another
    /// one, or for none, are encrypted again: the server does not accept them.
    //= PROTOCOL.md#11.6
    pub(super) fn take_medium_key(&mut self, name: &str, key: &PublicKey) {
        let Some(peer) = self.peers.find(name.as_bytes()) else {
            return;
        };
        let medium = self.peers.at(peer).message_keys().medium();
        if medium.is(key) {
            return;
        }
        let is_encrypted = |client: &Self, slot| {
            let entry = client.outbox.at(slot);
            entry.to() == peer && entry.text().is_encrypted()
        };
        let slots = 0..self.outbox.capacity();
        for slot in slots.clone() {
            if is_encrypted(self, slot) {
                self.decrypt_message(slot);
            }
        }
        let keys = self.peers.at_mut(peer).message_keys_mut();
        keys.medium_mut().set(key);
        keys.expire_to();
        let (ephemeral, medium) = self.label_to(peer);
        for slot in slots {
            // One that could not be decrypted was for an earlier static key of the name.
            let is_lost = is_encrypted(self, slot);
            let entry = self.outbox.at(slot);
            let is_at_server = matches!(entry.form(), Form::Store | Form::Probe);
            let is_due = entry.to() == peer && is_at_server;
            if is_lost || (is_due && self.seal_message(slot).is_none()) {
                let text = self.outbox.at_mut(slot).text_mut();
                text.destroy(&ephemeral, medium);
            }
        }
    }
}
