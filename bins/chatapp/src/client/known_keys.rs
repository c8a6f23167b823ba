//! The keys that a client knows, and the memory that stores them for later processes.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chatapp_core::{
    self as core, Client, ClientRecord, Name, OwnMediumKeys, PublicKey, Receipt, Shown,
};
use chatapp_store::{Error, Memory};

use super::key_writer::{Answer, KeyWriter, lock};
use super::medium_store::MediumStore;
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
    /// The disk does not answer; it is stored when it does.
    NotYet,
}

impl KeyError {
    /// Returns the word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::OwnName => "own_name",
            Self::NothingStored | Self::Store(_) | Self::NotYet => "not_stored",
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
            Self::NotYet => f.write_str("the disk does not answer; it is stored when it does"),
        }
    }
}

/// A pinned key: that of a name, or of the server without one.
#[derive(Clone, Debug)]
struct Pin {
    name: Option<String>,
    key: PublicKey,
}

impl Pin {
    fn record(&self) -> ClientRecord<'_> {
        match &self.name {
            Some(name) => ClientRecord::PeerKey {
                name,
                key: self.key,
            },
            None => ClientRecord::ServerKey(self.key),
        }
    }
}

/// Another key that the store has, which counts; `None` if the new one is stored.
type Stored = Result<Option<PublicKey>, Error>;

/// Time between two attempts to become the process that stores what was shown.
const ATTEMPT_EACH: Duration = Duration::from_secs(1);

/// Whether this process stores the identities of shown messages.
enum Ownership {
    Own,
    /// Another process of the same name did at the latest attempt. The next one is due then.
    Shared(Instant),
    /// The disk has not answered yet.
    Asked(Answer<Result<bool, Error>>),
}

/// The stored state: the messages already shown, and the known keys.
struct Store {
    memory: Arc<Mutex<Memory>>,
    ownership: Ownership,
    /// Answers also while the disk does not take what is written.
    reader: Memory,
    writer: KeyWriter,
    state: PathBuf,
    medium: MediumStore,
}

impl Store {
    /// Changes the memory, when the disk has taken all earlier changes.
    fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Answer<T> {
        let memory = Arc::clone(&self.memory);
        self.writer.run(move || change(&mut lock(&memory)))
    }

    /// Makes this process store what was shown, once the other process has ended. If that fails,
    /// the next attempt may not.
    fn take_over(&mut self) {
        self.ownership = match &self.ownership {
            Ownership::Shared(due) if Instant::now() >= *due => {
                Ownership::Asked(self.write(Memory::take_over))
            }
            Ownership::Asked(answer) => match answer.take() {
                Some(Ok(true)) => Ownership::Own,
                Some(Ok(false) | Err(_)) => Ownership::Shared(Instant::now() + ATTEMPT_EACH),
                None => return,
            },
            Ownership::Own | Ownership::Shared(_) => return,
        };
    }
}

/// The keys that a client knows.
#[derive(Default)]
pub(super) struct KnownKeys {
    /// `None` if nothing is stored.
    store: Option<Store>,
    /// A key that the disk has not taken yet.
    pending: Option<(Pin, Answer<Stored>)>,
    /// Key that the server has proved to hold, or that the user has given.
    server: Option<PublicKey>,
    /// The key that the user has given, until the server has proved it.
    given: Option<PublicKey>,
}

impl KnownKeys {
    /// Uses the stored state of earlier processes, and stores new state for later ones. Calls
    /// `wake` when the disk has answered.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(super) fn of(
        remembered: Remembered,
        wake: impl Fn() + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let store = match (remembered.memory, remembered.reader, remembered.state) {
            (Some(memory), Some(reader), Some(state)) => {
                let ownership = match memory.is_shared() {
                    true => Ownership::Shared(Instant::now()),
                    false => Ownership::Own,
                };
                let memory = Arc::new(Mutex::new(memory));
                let medium = MediumStore::start(wake.clone())?;
                Some(Store {
                    memory,
                    ownership,
                    reader,
                    writer: KeyWriter::start("keys", wake)?,
                    state,
                    medium,
                })
            }
            _ => None,
        };
        Ok(Self {
            store,
            pending: None,
            server: remembered.server_key,
            given: remembered.given_key,
        })
    }

    /// Returns the key that the server has proved to hold, now or earlier.
    pub(super) fn server(&self) -> Option<PublicKey> {
        self.server
    }

    /// Returns whether something waits for the disk before which no message may be taken: a key is
    /// not stored yet, or the secrets for messages are not there.
    pub(super) fn is_storing(&self) -> bool {
        let is_opening = |store: &Store| store.medium.is_opening();
        self.pending.is_some() || self.store.as_ref().is_some_and(is_opening)
    }

    /// Returns a function that stores the identities of messages that the output has taken; `None`
    /// if nothing is stored.
    pub(super) fn recorder(&self) -> Option<impl FnMut(&[Receipt]) + Send + use<>> {
        let memory = Arc::clone(&self.store.as_ref()?.memory);
        Some(move |receipts: &[Receipt]| record(&memory, receipts))
    }

    /// Makes a new client use medium-term keys, and stores its own if anything is stored. Until the
    /// key of the server is known, the client has none: they belong to one room.
    ///
    /// # Errors
    /// Returns an error if their file cannot be used.
    pub(super) fn use_medium_keys(&mut self, client: &mut Client<'_>) -> Result<(), Error> {
        match (&mut self.store, &self.server) {
            (Some(store), Some(server)) => store.medium.open(&store.state, server, client),
            (Some(_), None) => Ok(()),
            (None, _) => {
                client.use_medium_keys(OwnMediumKeys::NotStored);
                Ok(())
            }
        }
    }

    /// Makes the client use medium-term keys: the key of the server is known now.
    ///
    /// # Errors
    /// Returns an error if their file cannot be used.
    pub(super) fn meet_server(&mut self, client: &mut Client<'_>) -> Result<(), Error> {
        let (Some(store), Some(server)) = (&mut self.store, &self.server) else {
            return Ok(());
        };
        store.medium.open_later(&store.state, server, client)
    }

    /// Tells the client what the disk has done for its medium-term keys.
    ///
    /// # Errors
    /// Returns an error if the disk did not take one.
    pub(super) fn settle_medium_keys(
        &mut self,
        client: &mut Client<'_>,
        now: core::Instant,
    ) -> Result<(), Error> {
        let store = self.store.as_mut();
        store.map_or(Ok(()), |store| store.medium.settle(client, now))
    }

    /// Stores the next key that the client has pinned. `None` if there is none, or the disk does
    /// not answer: then [`is_storing`](Self::is_storing), and nothing that came with the key may
    /// be shown.
    pub(super) fn note_next(&mut self, client: &mut Client<'_>) -> Option<Noted> {
        if let Some((pin, answer)) = self.pending.take() {
            return match answer.take() {
                Some(stored) => Some(self.settle(client, pin, stored)),
                None => {
                    self.pending = Some((pin, answer));
                    None
                }
            };
        }
        let pin = loop {
            match client.poll_persist()? {
                ClientRecord::PeerKey { name, key } => {
                    let name = Some(name.to_owned());
                    break Pin { name, key };
                }
                ClientRecord::ServerKey(key) => {
                    self.server = Some(key);
                    break Pin { name: None, key };
                }
                ClientRecord::MediumKeys(secrets) => {
                    if let Some(store) = &mut self.store {
                        store.medium.store(secrets);
                    }
                }
                ClientRecord::Shown(_) | ClientRecord::Ignored { .. } => {}
            }
        };
        let Some(store) = &self.store else {
            return Some(Noted::Pinned(pin.name, pin.key));
        };
        let copy = pin.clone();
        let answer = store.write(move |memory| memory.note(copy.record()));
        match answer.wait() {
            Some(stored) => Some(self.settle(client, pin, stored)),
            None => {
                self.pending = Some((pin, answer));
                None
            }
        }
    }

    /// Applies the answer of the store.
    fn settle(&mut self, client: &mut Client<'_>, pin: Pin, stored: Stored) -> Noted {
        match (stored, pin.name) {
            (Ok(Some(key)), Some(name)) => {
                client.restore(ClientRecord::PeerKey { name: &name, key });
                Noted::NameHasAnother
            }
            (Ok(Some(known)), None) => {
                self.server = Some(known);
                Noted::ServerHasAnother(pin.key)
            }
            (Ok(None), name) => Noted::Pinned(name, pin.key),
            (Err(error), _) => Noted::NotStored(error),
        }
    }

    /// Stores the key that the user has given, once the server has proved it.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub(super) fn store_given(&mut self) -> Result<(), Error> {
        let (Some(key), Some(store)) = (self.given.take(), &self.store) else {
            return Ok(());
        };
        let answer = store.write(move |memory| memory.note(ClientRecord::ServerKey(key)));
        // A slow disk takes it later.
        answer.wait().map_or(Ok(()), |stored| stored.map(drop))
    }

    /// Returns the names whose keys were compared.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub(super) fn verified(&self) -> Result<HashSet<String>, Error> {
        match &self.store {
            Some(store) => store.reader.verified(),
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
        let store = self.store.as_ref().ok_or(KeyError::NothingStored)?;
        let key = client.pinned_key(name).ok_or(KeyError::NoKey)?;
        let name = name.clone();
        let answer = store.write(move |memory| memory.verify(name.as_str(), key));
        let stored = answer.wait().ok_or(KeyError::NotYet)?;
        if !stored.map_err(KeyError::Store)? {
            return Err(KeyError::NoKey);
        }
        Ok(Verification {
            is_verified: true,
            ..verification
        })
    }

    /// Remembers that the user ignores a key, if anything is stored.
    ///
    /// # Errors
    /// Returns an error if the store does not take it.
    pub(super) fn ignore(&self, name: &Name, key: PublicKey) -> Result<(), KeyError> {
        let name = name.clone();
        self.change(move |memory| {
            let name = name.as_str();
            memory.note(ClientRecord::Ignored { name, key }).map(drop)
        })
    }

    /// Forgets that the user ignores a key.
    ///
    /// # Errors
    /// Returns an error if the store does not take it.
    pub(super) fn unignore(&self, key: PublicKey) -> Result<(), KeyError> {
        self.change(move |memory| memory.unignore(key))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Memory) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), KeyError> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let answer = store.write(change).wait();
        answer.ok_or(KeyError::NotYet)?.map_err(KeyError::Store)
    }

    /// Asks the store for the keys that another process of this name has pinned since: they count
    /// before anything is believed or sent. Once that process has ended, this one does its work.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub(super) fn learn(&mut self, client: &mut Client<'_>) -> Result<(), Error> {
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        store.take_over();
        store.medium.learn(client)?;
        store.reader.restore_news(|record| client.restore(record))
    }
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
