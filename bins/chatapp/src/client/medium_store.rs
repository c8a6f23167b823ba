//! The store of the client's medium-term keys.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chatapp_core::{Client, Instant, MediumSecrets, OwnMediumKeys, PublicKey};
use chatapp_store::{Error, MediumFile};

use super::key_writer::{Answer, KeyWriter};

/// The file with the secrets, and what the disk has not answered yet.
pub(super) struct MediumStore {
    file: State,
    pending: VecDeque<Answer<Result<(), Error>>>,
    /// A thread of its own: nothing but their keys waits for secrets.
    writer: KeyWriter,
}

/// The file with the secrets.
enum State {
    /// The room is not known yet, or the file cannot be used.
    Closed,
    Opening(Answer<Result<MediumFile, Error>>),
    /// This process writes it. Its lock is held while the disk does not answer.
    Own(Arc<Mutex<MediumFile>>),
    /// Another process of the same name writes it.
    Shared(MediumFile),
}

impl MediumStore {
    /// Starts without a file. Calls `wake` when the disk has answered.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(super) fn start(wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        Ok(Self {
            file: State::Closed,
            pending: VecDeque::new(),
            writer: KeyWriter::start("secrets", wake)?,
        })
    }

    /// Opens the file of the client's name in the room of the server with this key. The client
    /// uses its secrets from now on. Waits for the disk.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used. The client has no medium-term key then.
    pub(super) fn open(
        &mut self,
        state: &Path,
        server: &PublicKey,
        client: &mut Client<'_>,
    ) -> Result<(), Error> {
        let opened = MediumFile::open(state, client.name().as_str(), server);
        self.adopt(opened, client)
    }

    /// Opens the file as [`open`](Self::open) does, and waits for the disk a moment only. If that
    /// does not answer, no message must be taken before it does ([`is_opening`](Self::is_opening)).
    ///
    /// # Errors
    /// Returns an error as [`open`](Self::open) does.
    pub(super) fn open_later(
        &mut self,
        state: &Path,
        server: &PublicKey,
        client: &mut Client<'_>,
    ) -> Result<(), Error> {
        let (state, name, server) = (state.to_owned(), client.name().clone(), *server);
        let open = move || MediumFile::open(&state, name.as_str(), &server);
        let answer = self.writer.run(open);
        match answer.wait() {
            Some(opened) => self.adopt(opened, client),
            None => {
                self.file = State::Opening(answer);
                Ok(())
            }
        }
    }

    /// Returns whether the disk has not answered yet that the file is open.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.file, State::Opening(_))
    }

    /// Lets the client use the secrets of the file.
    fn adopt(
        &mut self,
        opened: Result<MediumFile, Error>,
        client: &mut Client<'_>,
    ) -> Result<(), Error> {
        self.file = State::Closed;
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => {
                client.use_medium_keys(OwnMediumKeys::NotStored);
                return Err(error);
            }
        };
        self.file = if file.is_shared() {
            client.use_medium_keys(OwnMediumKeys::Shared(file.read()?));
            State::Shared(file)
        } else {
            client.use_medium_keys(OwnMediumKeys::Stored(file.read()?));
            State::Own(Arc::new(Mutex::new(file)))
        };
        Ok(())
    }

    /// Stores the secrets, once the disk answers.
    pub(super) fn store(&mut self, secrets: &MediumSecrets) {
        let State::Own(file) = &self.file else {
            return;
        };
        let (file, secrets) = (Arc::clone(file), secrets.clone());
        let answer = self.writer.run(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write(&secrets)
        });
        self.pending.push_back(answer);
    }

    /// Tells the client what the disk has done.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used, or the disk did not take a secret: its key is
    /// not published.
    pub(super) fn settle(&mut self, client: &mut Client<'_>, now: Instant) -> Result<(), Error> {
        if let State::Opening(answer) = &self.file
            && let Some(opened) = answer.take()
        {
            self.adopt(opened, client)?;
        }
        while let Some(stored) = self.pending.front().and_then(Answer::take) {
            self.pending.pop_front();
            stored?;
            client.handle_medium_keys_stored(now);
        }
        Ok(())
    }

    /// Reads the secrets again if another process writes them. Once that has ended, this process
    /// writes them.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(super) fn learn(&mut self, client: &mut Client<'_>) -> Result<(), Error> {
        let State::Shared(file) = &mut self.file else {
            return Ok(());
        };
        if !file.take_over()? {
            client.use_medium_keys(OwnMediumKeys::Shared(file.read()?));
            return Ok(());
        }
        match mem::replace(&mut self.file, State::Closed) {
            State::Shared(file) => self.adopt(Ok(file), client),
            State::Closed | State::Opening(_) | State::Own(_) => Ok(()),
        }
    }
}
