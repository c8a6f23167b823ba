//! Gives what the next process of the same name must know, and takes it back.

use super::machine::Client;
use super::record::ClientRecord;
use crate::name::Name;

impl Client<'_> {
    /// What to remember: first of the message in the event that was taken last, if it was one, then
    /// keys. Of what was shown, the latest of each process and kind stands for those before it.
    ///
    /// Whoever keeps it should do so when the message has been shown: before that, a crash would
    /// lose the message, after it, show it again.
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
            name: slot.name.as_str(),
            key: *slot.key.get(),
        })
    }

    /// Takes back what an earlier process of the same name has told, before anything else happens;
    /// what was shown last comes last. A key for which the table has no room is not remembered:
    /// `false`.
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
                self.peers.at_mut(peer).key.restore(key);
                true
            }
        }
    }
}
