//! The records that a client stores for the next process of the same name.

use crate::client::machine::Client;
use crate::client::record::ClientRecord;
use crate::name::Name;

impl Client<'_> {
    /// Returns the next record to store: first that of the message in the latest event, then keys.
    /// The latest message of each process and kind replaces those before it.
    ///
    /// A caller stores the record of a message after it has shown the message. A crash in between
    /// shows the message again; the other order would lose it.
    pub fn poll_persist(&mut self) -> Option<ClientRecord<'_>> {
        if let Some(shown) = self.dedup.take_shown() {
            return Some(ClientRecord::Shown(shown));
        }
        if let Some(key) = self.server.take_unsaved_key() {
            return Some(ClientRecord::ServerKey(key));
        }
        let peer = self.pins.take(self.peers.slots())?;
        let slot = self.peers.at(peer);
        Some(ClientRecord::PeerKey {
            name: slot.name().as_str(),
            key: *slot.key().get(),
        })
    }

    /// Restores a record of an earlier process of the same name, before any other input. The record
    /// of the latest message comes last. False if the roster has no room for a key.
    pub fn restore(&mut self, record: ClientRecord<'_>) -> bool {
        match record {
            ClientRecord::Shown(shown) => {
                self.dedup.restore(shown);
                true
            }
            ClientRecord::ServerKey(key) => {
                self.server.restore_key(key);
                true
            }
            ClientRecord::PeerKey { name, key } => {
                // A key that was restored before must not make room for this one.
                let known = self.peers.find(name.as_bytes()).is_some();
                let Ok(name) = Name::new(name) else {
                    return false;
                };
                let room = known || self.peers.has_room();
                let Some(peer) = room.then(|| self.peer_for_command(&name)).flatten() else {
                    return false;
                };
                self.peers.at_mut(peer).key_mut().restore(key);
                true
            }
        }
    }
}
