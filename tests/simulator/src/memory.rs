//! The memory of a name's processes for the next one, like the state folder of a person: shown
//! messages, known keys and ignored keys.

use std::collections::{BTreeMap, VecDeque};

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{Client, ClientRecord, MediumSecrets, OwnMediumKeys, PublicKey, Shown};

use crate::numbers::NameId;
use crate::queue::Millis;

/// Secrets of medium-term keys that a slow disk takes later.
#[derive(Clone, Debug)]
struct Unsynced {
    secrets: MediumSecrets,
    at: Millis,
}

/// A state folder.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The latest shown message of each sender, the most recent last.
    shown: Vec<Shown>,
    /// The key of the server.
    pub server: Option<PublicKey>,
    /// The keys of peers that the client talked to.
    pub peers: BTreeMap<String, PublicKey>,
    /// The ignored keys, with their names.
    ignored: Vec<(String, PublicKey)>,
    /// The secrets of medium-term keys that survive a crash.
    medium: MediumSecrets,
    unsynced: VecDeque<Unsynced>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            shown: Vec::new(),
            server: None,
            peers: BTreeMap::new(),
            ignored: Vec::new(),
            medium: MediumSecrets::NONE,
            unsynced: VecDeque::new(),
        }
    }
}

impl Memory {
    /// Stores a record of a client. The disk takes secrets of medium-term keys at this time.
    pub fn notes(&mut self, record: ClientRecord<'_>, synced_at: Millis) {
        match record {
            ClientRecord::MediumKeys(secrets) => self.unsynced.push_back(Unsynced {
                secrets: secrets.clone(),
                at: synced_at,
            }),
            ClientRecord::Shown(shown) => {
                self.shown.retain(|before| {
                    (before.process, before.channel) != (shown.process, shown.channel)
                });
                self.shown.push(shown);
            }
            ClientRecord::ServerKey(key) => self.server = Some(key),
            ClientRecord::PeerKey { name, key } => {
                self.peers.entry(name.to_owned()).or_insert(key);
            }
            ClientRecord::Ignored { name, key } => {
                if self.ignored.iter().all(|(_, ignored)| *ignored != key) {
                    self.ignored.push((name.to_owned(), key));
                }
            }
        }
    }

    /// Forgets that a key is ignored.
    pub fn unignores(&mut self, key: &PublicKey) {
        self.ignored.retain(|(_, ignored)| ignored != key);
    }

    /// Returns whether the disk has taken secrets of a medium-term key, since the last call.
    pub fn syncs(&mut self, now: Millis) -> bool {
        let is_due = self.unsynced.front().is_some_and(|next| next.at <= now);
        if is_due && let Some(next) = self.unsynced.pop_front() {
            self.medium = next.secrets;
        }
        is_due
    }

    /// Returns the secrets of medium-term keys that are on the disk.
    pub fn medium_secrets(&self) -> Vec<[u8; KEY_LEN]> {
        let places = self.medium.places().iter();
        let used = places.filter(|place| place.iter().any(|byte| *byte != 0));
        let private = used.filter_map(|place| place.last_chunk().copied());
        private.collect()
    }

    /// Loses what the disk has not taken: the process has ended.
    pub fn crashes(&mut self) {
        self.unsynced.clear();
    }

    /// Lets another process of the name use the secrets of medium-term keys.
    pub fn share(&self, client: &mut Client<'_>) {
        client.use_medium_keys(OwnMediumKeys::Shared(&self.medium));
    }

    /// Lets a new process of a name use medium-term keys, by the habit of the name.
    pub fn use_medium_keys(&self, habit: MediumHabit, client: &mut Client<'_>) {
        match habit {
            MediumHabit::None => {}
            MediumHabit::Seals => client.use_medium_keys(OwnMediumKeys::NotStored),
            MediumHabit::Keeps => client.use_medium_keys(OwnMediumKeys::Stored(&self.medium)),
        }
    }

    /// Gives everything to a new process.
    pub fn restore(&self, client: &mut Client<'_>) {
        if let Some(key) = self.server {
            client.restore(ClientRecord::ServerKey(key));
        }
        for (name, key) in &self.peers {
            client.restore(ClientRecord::PeerKey { name, key: *key });
        }
        for (name, key) in &self.ignored {
            client.restore(ClientRecord::Ignored { name, key: *key });
        }
        for shown in &self.shown {
            client.restore(ClientRecord::Shown(*shown));
        }
    }
}

/// The use of medium-term keys by the processes of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumHabit {
    /// A program that does not know them.
    None,
    /// A program without a store: it has no such key, and encrypts for those of others.
    Seals,
    /// A program with a store.
    Keeps,
}

impl MediumHabit {
    /// Returns the habit of a name.
    pub fn of(name: NameId) -> Self {
        match name % 5 {
            3 => Self::Seals,
            4 => Self::None,
            _ => Self::Keeps,
        }
    }
}
