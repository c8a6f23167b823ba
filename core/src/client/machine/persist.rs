//! Gives the records for the next process of the same name, and takes them back.

use crate::client::machine::Client;
use crate::client::record::ClientRecord;
use crate::name::Name;

impl Client<'_> {
    /// Returns the next record to keep: first that of the message in the event that was taken last,
    /// then keys. The latest message of each process and kind stands for those before it.
    ///
    /// A record is best kept when its message has been shown. A crash before that shows the message
    /// again; a record that is kept earlier would lose it.
    pub fn poll_persist(&mut self) -> Option<ClientRecord<'_>> {
        if let Some(shown) = self.dedup.take_shown() {
            return Some(ClientRecord::Shown(shown));
        }
        if let Some(key) = self.server.take_untold_key() {
            return Some(ClientRecord::ServerKey(key));
        }
        let peer = self.pins.take(self.peers.slots())?;
        let slot = self.peers.at(peer);
        Some(ClientRecord::PeerKey {
            name: slot.name().as_str(),
            key: *slot.key().get(),
        })
    }

    /// Takes back a record of an earlier process of the same name, before any other input; the
    /// message that was shown last comes last. False if the roster has no room for a key.
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
                // No key that was given back before makes room for this one.
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
