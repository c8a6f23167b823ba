//! The store of the client's medium-term keys.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chatapp_core::{Client, Instant, MediumSecrets, OwnMediumKeys, PublicKey};
use chatapp_store::{Error, MediumFile};

use super::key_writer::{Answer, KeyWriter};

/// The file with the secrets, and what the disk has not answered yet.
pub(super) struct MediumStore {
    file: Arc<Mutex<MediumFile>>,
    pending: VecDeque<Answer<Result<(), Error>>>,
}

impl MediumStore {
    /// Opens the file of the client's name in the room of the server with this key. The client
    /// uses its secrets from now on.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used. The client has no medium-term key then.
    pub(super) fn open(
        state: &Path,
        server: &PublicKey,
        client: &mut Client<'_>,
    ) -> Result<Self, Error> {
        let name = client.name().clone();
        let mut file = match MediumFile::open(state, name.as_str(), server) {
            Ok(file) => file,
            Err(error) => {
                client.use_medium_keys(OwnMediumKeys::NotStored);
                return Err(error);
            }
        };
        use_secrets(&mut file, client)?;
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
            pending: VecDeque::new(),
        })
    }

    /// Stores the secrets, once the disk answers.
    pub(super) fn store(&mut self, secrets: &MediumSecrets, writer: &KeyWriter) {
        let (file, secrets) = (Arc::clone(&self.file), secrets.clone());
        let answer = writer.run(move |_| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write(&secrets)
        });
        self.pending.push_back(answer);
    }

    /// Tells the client of secrets that the disk has taken.
    ///
    /// # Errors
    /// Returns an error if the disk did not take one: its key is not published.
    pub(super) fn settle(&mut self, client: &mut Client<'_>, now: Instant) -> Result<(), Error> {
        while let Some(stored) = self.pending.front().and_then(Answer::take) {
            self.pending.pop_front();
            stored?;
            client.handle_medium_keys_stored(now);
        }
        Ok(())
    }

    /// Reads the secrets again if another process writes them.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(super) fn learn(&mut self, client: &mut Client<'_>) -> Result<(), Error> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_shared() {
            use_secrets(&mut file, client)?;
        }
        Ok(())
    }
}

fn use_secrets(file: &mut MediumFile, client: &mut Client<'_>) -> Result<(), Error> {
    let is_shared = file.is_shared();
    let secrets = file.read()?;
    client.use_medium_keys(if is_shared {
        OwnMediumKeys::Shared(secrets)
    } else {
        OwnMediumKeys::Stored(secrets)
    });
    Ok(())
}
