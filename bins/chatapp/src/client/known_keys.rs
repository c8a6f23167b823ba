//! The keys that a client knows, and the memory that stores them for later processes.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chatapp_core::{Client, ClientRecord, Name, PublicKey, Receipt, Shown};
use chatapp_store::{Error, Memory};

use crate::data::Remembered;
use crate::fingerprint::{Person, SafetyCode};

/// The result of storing a key that the client has pinned.
#[derive(Debug)]
pub(super) enum Noted {
    /// The key of this name, or of the server without one, counts from now on.
    Pinned(Option<String>, PublicKey),
    /// The store has another key of the name, which counts.
    NameHasAnother,
    /// The store has another key of the server, which counts.
    ServerHasAnother(PublicKey),
    /// The store failed: the next process does not know the key.
    NotStored(Error),
}

/// The code that two people compare, and whether they have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verification {
    pub(super) code: SafetyCode,
    pub(super) is_verified: bool,
}

/// Why there is no safety code, or why it is not remembered.
#[derive(Debug)]
pub(super) enum KeyError {
    /// No key of the name is pinned, or none of the server.
    NoKey,
    /// The name is the client's own.
    OwnName,
    /// The client stores nothing.
    NothingStored,
    /// The store failed.
    Store(Error),
}

impl KeyError {
    /// Returns the word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::OwnName => "own_name",
            Self::NothingStored | Self::Store(_) => "not_stored",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("no key of this name is known"),
            Self::OwnName => f.write_str("that is your own name"),
            Self::NothingStored => f.write_str("nothing is remembered with --ephemeral"),
            Self::Store(error) => write!(f, "the store failed: {error}"),
        }
    }
}

/// The keys that a client knows.
pub(super) struct KnownKeys {
    /// Stored state: the messages already shown, and the known keys.
    memory: Option<Arc<Mutex<Memory>>>,
    /// Key that the server has proved to hold, or that the user has given.
    server: Option<PublicKey>,
    /// The key that the user has given, until the server has proved it.
    given: Option<PublicKey>,
}

impl KnownKeys {
    pub(super) const NONE: Self = Self {
        memory: None,
        server: None,
        given: None,
    };

    /// Uses the stored state of earlier processes, and stores new state for later ones.
    pub(super) fn of(remembered: Remembered) -> Self {
        Self {
            memory: remembered.memory.map(|memory| Arc::new(Mutex::new(memory))),
            server: remembered.server_key,
            given: remembered.given_key,
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
        let pinned = match record {
            ClientRecord::PeerKey { name, key } => Noted::Pinned(Some(name.to_owned()), key),
            ClientRecord::ServerKey(key) => {
                self.server = Some(key);
                Noted::Pinned(None, key)
            }
            ClientRecord::Shown(_) => return None,
        };
        let Some(memory) = &self.memory else {
            return Some(pinned);
        };
        Some(match (lock(memory).note(record), record) {
            (Ok(Some(key)), ClientRecord::PeerKey { name, .. }) => {
                let name = name.to_owned();
                client.restore(ClientRecord::PeerKey { name: &name, key });
                Noted::NameHasAnother
            }
            (Ok(Some(known)), ClientRecord::ServerKey(found)) => {
                self.server = Some(known);
                Noted::ServerHasAnother(found)
            }
            (Ok(_), _) => pinned,
            (Err(error), _) => Noted::NotStored(error),
        })
    }

    /// Stores the key that the user has given, once the server has proved it.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub(super) fn store_given(&mut self) -> Result<(), Error> {
        match (self.given.take(), &self.memory) {
            (Some(key), Some(memory)) => lock(memory).note(ClientRecord::ServerKey(key)).map(drop),
            _ => Ok(()),
        }
    }

    /// Returns the names whose keys were compared.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub(super) fn verified(&self) -> Result<HashSet<String>, Error> {
        match &self.memory {
            Some(memory) => lock(memory).verified(),
            None => Ok(HashSet::new()),
        }
    }

    /// Returns the safety code of this client and a name.
    ///
    /// # Errors
    /// Returns an error if a key is not known, or the store cannot be read.
    pub(super) fn verification(
        &self,
        client: &Client<'_>,
        name: &Name,
    ) -> Result<Verification, KeyError> {
        if name == client.name() {
            return Err(KeyError::OwnName);
        }
        let (Some(server), Some(key)) = (self.server, client.pinned_key(name)) else {
            return Err(KeyError::NoKey);
        };
        let own = Person {
            name: client.name().as_str(),
            key: client.key(),
        };
        let other = Person {
            name: name.as_str(),
            key,
        };
        Ok(Verification {
            code: SafetyCode::of(&server, own, other),
            is_verified: self
                .verified()
                .map_err(KeyError::Store)?
                .contains(name.as_str()),
        })
    }

    /// Remembers that the safety code with a name was compared, and returns it.
    ///
    /// # Errors
    /// Returns an error if a key is not known, or nothing is stored.
    pub(super) fn verify(
        &mut self,
        client: &Client<'_>,
        name: &Name,
    ) -> Result<Verification, KeyError> {
        let verification = self.verification(client, name)?;
        let memory = self.memory.as_ref().ok_or(KeyError::NothingStored)?;
        let key = client.pinned_key(name).ok_or(KeyError::NoKey)?;
        let stored = lock(memory).verify(name.as_str(), key);
        if !stored.map_err(KeyError::Store)? {
            return Err(KeyError::NoKey);
        }
        Ok(Verification {
            is_verified: true,
            ..verification
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
