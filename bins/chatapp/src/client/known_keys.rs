//! The keys that a client knows, and the memory that stores them for later processes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chatapp_core::{Client, ClientRecord, PublicKey, Receipt, Shown};
use chatapp_store::{Error, Memory};

use crate::data::Remembered;

/// What became of a key that the client has pinned.
#[derive(Debug)]
pub(super) enum Noted {
    /// The key counts from now on.
    Pinned,
    /// The store has another key of the server, which counts.
    ServerHasAnother(PublicKey),
    /// The store failed: the next process does not know the key.
    NotStored(Error),
}

/// The keys that a client knows.
pub(super) struct KnownKeys {
    /// Stored state: the messages already shown, and the known keys.
    memory: Option<Arc<Mutex<Memory>>>,
    /// Key that the server has proved to hold.
    server: Option<PublicKey>,
}

impl KnownKeys {
    pub(super) const NONE: Self = Self {
        memory: None,
        server: None,
    };

    /// Uses the stored state of earlier processes, and stores new state for later ones.
    pub(super) fn of(remembered: Remembered) -> Self {
        Self {
            memory: remembered.memory.map(|memory| Arc::new(Mutex::new(memory))),
            server: remembered.server_key,
        }
    }

    /// Returns the key that the server has proved to hold, now or earlier.
    pub(super) fn server(&self) -> Option<PublicKey> {
        self.server
    }

    /// Returns a function that stores the identities of messages that the output has taken; `None`
    /// if nothing is stored.
    pub(super) fn recorder(&self) -> Option<impl FnMut(&[Receipt]) + Send + use<>> {
        let memory = Arc::clone(self.memory.as_ref()?);
        Some(move |receipts: &[Receipt]| record(&memory, receipts))
    }

    /// Stores the next key that the client has pinned. `None` if there is none.
    pub(super) fn note_next(&mut self, client: &mut Client<'_>) -> Option<Noted> {
        let record = client.poll_persist()?;
        if let ClientRecord::ServerKey(key) = record {
            self.server = Some(key);
        }
        let Some(memory) = &self.memory else {
            return Some(Noted::Pinned);
        };
        Some(match (lock(memory).note(record), record) {
            (Ok(Some(key)), ClientRecord::PeerKey { name, .. }) => {
                let name = name.to_owned();
                client.restore(ClientRecord::PeerKey { name: &name, key });
                Noted::Pinned
            }
            (Ok(Some(known)), ClientRecord::ServerKey(found)) => {
                self.server = Some(known);
                Noted::ServerHasAnother(found)
            }
            (Ok(_), _) => Noted::Pinned,
            (Err(error), _) => Noted::NotStored(error),
        })
    }

    /// Asks the store for the keys that another process of this name has pinned since: they count
    /// before anything is believed or sent.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub(super) fn learn(&self, client: &mut Client<'_>) -> Result<(), Error> {
        match &self.memory {
            Some(memory) => lock(memory).restore_news(|record| client.restore(record)),
            None => Ok(()),
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stores the identities of messages that the output has taken.
fn record(memory: &Mutex<Memory>, receipts: &[Receipt]) {
    let shown = receipts
        .iter()
        .filter_map(|receipt| match receipt.record() {
            Some(ClientRecord::Shown(shown)) => Some(shown),
            _ => None,
        });
    let shown: Vec<Shown> = shown.collect();
    // If this fails, the next process may show the messages again. That needs a crash before their
    // acknowledgement.
    let _ = lock(memory).note_shown(&shown);
}
