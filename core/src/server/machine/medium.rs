//! Medium-term keys: published by their clients, and handed to those that write to them.

use super::Server;
use crate::crypto::{MediumKeyId, PublicKey};
use crate::limits::PUBLICATION_LEN;
use crate::server::in_flight::SentFrame;
use crate::server::listing::Listed;
use crate::server::published::Publication;
use crate::wire::{Frame, Outcome};

impl Server<'_> {
    /// Takes the medium-term key that a client publishes, or the message that it has none.
    //= PROTOCOL.md#11.6
    pub(super) fn publish_key(&mut self, slot: u32, request: u32, content: &[u8]) {
        let name = self.roster.at_mut(slot);
        // Also if the request is repeated: a server that has started again does not know it.
        name.published_mut().note_support();
        let (key, _) = PublicKey::in_front_of(content);
        let is_usable = key.is_none() || !MediumKeyId::of(&key).is_none();
        let fits = content.len() == PUBLICATION_LEN && is_usable;
        if !self.is_new_request(slot, request, fits) {
            return;
        }
        let now = self.sessions.now();
        let name = self.roster.at_mut(slot);
        if let Some(earlier) = name.published_mut().take_request() {
            name.results_mut().decide(earlier, Outcome::NotStored);
        }
        match name.published_mut().publish(&key, request, now) {
            Publication::Known => name.results_mut().decide(request, Outcome::Exists),
            Publication::TooSoon => name.results_mut().decide(request, Outcome::Full),
            Publication::New => self.change_name(slot),
        }
    }

    /// Returns whether a message waits until its sender has encrypted it for the present
    /// medium-term key of its recipient. Nothing behind it overtakes it meanwhile. The sender gets
    /// the key.
    ///
    /// So no message is stored for a key that its recipient has deleted.
    //= PROTOCOL.md#11.6
    pub(super) fn awaits_other_key(&mut self, slot: u32, frame: &Frame<'_>) -> bool {
        let Frame::Store {
            request,
            tried,
            bounce,
            to,
            ciphertext,
            ..
        } = *frame
        else {
            return false;
        };
        let sender = self.roster.at(slot);
        let is_supported = sender.published().is_supported();
        let is_plain = !is_supported && MediumKeyId::of_message(ciphertext).is_none();
        if is_plain || !sender.results().is_new(request) || !sender.membership().is_here() {
            return false;
        }
        let Some(to) = self.roster.find(to) else {
            return false;
        };
        let recipient = self.roster.at(to);
        let is_other = recipient
            .published()
            .is_other_than_of(ciphertext, is_supported);
        let current = recipient.listing().incarnation();
        let is_stored = !bounce || tried == current || !self.is_reachable(to, slot);
        if !is_other || !is_stored || !recipient.membership().is_known() {
            return false;
        }
        let outstanding = self.sessions.at(slot).outstanding();
        if self.in_flight.has_room(outstanding) {
            self.send(slot, key_of(to));
        }
        true
    }

    /// Hands the medium-term key of a name to a client that looks it up, if there is one, and the
    /// client knows such keys. Returns false if there is no room for it and the answer.
    //= PROTOCOL.md#11.6
    pub(super) fn hand_out_key(&mut self, slot: u32, found: u32) -> bool {
        let is_supported = self.roster.at(slot).published().is_supported();
        if !is_supported || self.roster.at(found).published().key().is_none() {
            return true;
        }
        let outstanding = self.sessions.at(slot).outstanding();
        let has_room = self.in_flight.has_room(outstanding + 1);
        if has_room {
            self.send(slot, key_of(found));
        }
        has_room
    }
}

/// The answer with the medium-term key of the name in a slot. No client asks with the query 0.
fn key_of(slot: u32) -> SentFrame {
    SentFrame::Found { query: 0, slot }
}
