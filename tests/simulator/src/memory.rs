//! The memory of a name's processes for the next one, like the state folder of a person: shown
//! messages and known keys.

use std::collections::BTreeMap;

use chatapp_core::{Client, ClientRecord, PublicKey, Shown};

/// A state folder.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The latest shown message of each sender, the most recent last.
    shown: Vec<Shown>,
    /// The key of the server.
    pub server: Option<PublicKey>,
    /// The keys of peers that the client talked to.
    pub peers: BTreeMap<String, PublicKey>,
}

impl Memory {
    /// Stores a record of a client.
    pub fn notes(&mut self, record: ClientRecord<'_>) {
        match record {
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
        for shown in &self.shown {
            client.restore(ClientRecord::Shown(*shown));
        }
    }
}
