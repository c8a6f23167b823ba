//! The records that a client stores for the next process of the same name.

use crate::client::machine::Client;
#[cfg(feature = "medium-keys")]
use crate::client::medium_keys::OwnMediumKeys;
use crate::client::record::ClientRecord;
use crate::crypto::PublicKey;
use crate::name::Name;
use crate::session::connection::Phase;

impl Client<'_> {
    /// Returns the next record to store at once: a key. The record of a message comes with its
    /// [receipt](crate::Receipt::record).
    pub fn poll_persist(&mut self) -> Option<ClientRecord<'_>> {
        if let Some(key) = self.server.take_unsaved_key() {
            return Some(ClientRecord::ServerKey(key));
        }
        #[cfg(feature = "medium-keys")]
        if self.message_keys.medium().has_record() {
            let secrets = self.message_keys.medium_mut().take_record();
            return secrets.map(ClientRecord::MediumKeys);
        }
        let (name, key) = self.pins.take()?;
        Some(ClientRecord::PeerKey { name, key })
    }

    /// Restores a record of an earlier process of the same name, before any other input. The record
    /// of the latest message comes last. False if there is no room for a pinned or an ignored key.
    ///
    /// The key of a peer may come later, too: another process that shares the store may have stored
    /// it. It replaces a key that this client has pinned. A direct message that was not sent yet
    /// ends with [`MessageStatus::ForeignKey`](crate::MessageStatus::ForeignKey) then.
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
                Name::new(name).is_ok_and(|name| self.restore_pin(&name, &key))
            }
            #[cfg(feature = "ignore")]
            ClientRecord::Ignored { name, key } => {
                Name::new(name).is_ok_and(|name| self.pins.ignored_mut().insert(&name, &key))
            }
            #[cfg(feature = "medium-keys")]
            ClientRecord::MediumKeys(secrets) => {
                self.use_medium_keys(OwnMediumKeys::Stored(secrets));
                true
            }
        }
    }

    /// Returns the pinned key of a name: the only one that messages go to and are shown from.
    pub fn pinned_key(&self, name: &Name) -> Option<PublicKey> {
        self.pins.get(name).copied()
    }

    fn restore_pin(&mut self, name: &Name, key: &PublicKey) -> bool {
        if !self.pins.restore(name, key) {
            return false;
        }
        if let Some(peer) = self.peers.find(name.as_bytes())
            && self.peers.at_mut(peer).key_mut().restore(key)
        {
            self.peers.at_mut(peer).message_keys_mut().wipe();
            if self.sessions.at(peer).phase() != Phase::Closed {
                self.fall_back(peer);
            }
        }
        true
    }
}
