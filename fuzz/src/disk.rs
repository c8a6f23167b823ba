//! The store of a client: its records outlive a process.

use std::collections::VecDeque;

use chatapp_core::crypto::{KEY_LEN, MEDIUM_SECRET_LEN};
use chatapp_core::{Client, ClientRecord, MediumSecrets, OwnMediumKeys, PublicKey, Shown};

use crate::medium::MediumHabit;
use crate::people::ephemeral_public;

/// The records of a client. All but the secrets of medium-term keys are stored at once.
pub(crate) struct Disk {
    /// Whether secrets are synced at once.
    pub(crate) at_once: bool,
    server_key: Option<PublicKey>,
    peers: Vec<(String, PublicKey)>,
    shown: Vec<Shown>,
    medium: MediumSecrets,
    unsynced: VecDeque<MediumSecrets>,
    /// All medium-term keys whose secrets were on the disk once.
    synced: Vec<PublicKey>,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            at_once: true,
            server_key: None,
            peers: Vec::new(),
            shown: Vec::new(),
            medium: MediumSecrets::NONE,
            unsynced: VecDeque::new(),
            synced: Vec::new(),
        }
    }
}

impl Disk {
    /// Takes a record of the client.
    pub(crate) fn takes(&mut self, record: ClientRecord<'_>) {
        match record {
            ClientRecord::Shown(shown) => self.shown.push(shown),
            ClientRecord::ServerKey(key) => self.server_key = Some(key),
            ClientRecord::PeerKey { name, key } => self.peers.push((name.to_owned(), key)),
            ClientRecord::MediumKeys(secrets) => self.unsynced.push_back(secrets.clone()),
            // No input ignores a key.
            ClientRecord::Ignored { .. } => {}
        }
    }

    /// Syncs the oldest secrets that wait; returns `false` if there are none.
    pub(crate) fn syncs(&mut self) -> bool {
        let Some(secrets) = self.unsynced.pop_front() else {
            return false;
        };
        let is_used = |place: &&[u8; MEDIUM_SECRET_LEN]| **place != [0; MEDIUM_SECRET_LEN];
        for place in secrets.places().iter().filter(is_used) {
            let private: &[u8; KEY_LEN] = place.last_chunk().expect("a place ends with a key");
            self.synced.push(ephemeral_public(*private));
        }
        self.medium = secrets;
        true
    }

    /// Loses the oldest secrets that wait: the disk has failed.
    pub(crate) fn fails(&mut self) {
        self.unsynced.pop_front();
    }

    /// Ends a process: only so many of the secrets that wait have reached the disk.
    pub(crate) fn crashes(&mut self, written: u8) {
        for _ in 0..written {
            self.syncs();
        }
        self.unsynced.clear();
    }

    /// Returns whether a client may publish this medium-term key: none, or one that was synced.
    pub(crate) fn may_publish(&self, key: &PublicKey) -> bool {
        key.is_none() || self.synced.contains(key)
    }

    /// Returns the number of shown messages, and of synced secrets that are not deleted.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> (usize, usize) {
        let places = self.medium.places().iter();
        let secrets = places.filter(|place| **place != [0; MEDIUM_SECRET_LEN]);
        (self.shown.len(), secrets.count())
    }

    /// Gives the records to a new process.
    pub(crate) fn restores(&self, client: &mut Client<'_>) {
        if let Some(key) = self.server_key {
            client.restore(ClientRecord::ServerKey(key));
        }
        for (name, key) in &self.peers {
            client.restore(ClientRecord::PeerKey { name, key: *key });
        }
        for shown in &self.shown {
            client.restore(ClientRecord::Shown(*shown));
        }
    }

    /// Lets a client use medium-term keys.
    pub(crate) fn gives_secrets(&self, habit: MediumHabit, client: &mut Client<'_>) {
        client.use_medium_keys(match habit {
            MediumHabit::NotStored => OwnMediumKeys::NotStored,
            MediumHabit::Stored => OwnMediumKeys::Stored(&self.medium),
            MediumHabit::Shared => OwnMediumKeys::Shared(&self.medium),
        });
    }
}
