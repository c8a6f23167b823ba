//! The secrets of a client's medium-term keys, in a file that is overwritten in place: what is
//! deleted is in no page, log or copy of a database.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chatapp_core::crypto::MEDIUM_SECRET_LEN;
use chatapp_core::{MediumSecrets, PublicKey};
use zeroize::Zeroizing;

use crate::Error;
use crate::folder::{self, Attempts, Lock};
use crate::platform;

/// Name of the file.
pub(crate) const FILE: &str = "secrets";

/// Returns the folder that has a folder with such a file for each name and room.
pub(crate) fn folder(state: &Path) -> PathBuf {
    state.join("medium")
}

/// The file with the secrets of one name in one room. A room is known by the key of its server:
/// two addresses of one server have one mailbox.
#[derive(Debug)]
pub struct MediumFile {
    file: File,
    path: PathBuf,
    access: Access,
    /// The content of the file.
    secrets: MediumSecrets,
}

/// The use that a process makes of the file.
#[derive(Debug)]
enum Access {
    /// It has the lock, and writes the file.
    Owner { _lock: Lock },
    /// Another process writes the file.
    Reader(Attempts),
}

impl MediumFile {
    /// Opens the file of this name in the room of the server with this key, and creates it if it
    /// does not exist. One process at a time writes it; others read it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or created, belongs to another user, or is open
    /// to other users.
    pub fn open(state: &Path, name: &str, server: &PublicKey) -> Result<Self, Error> {
        let entry = format!("{}@{server}", folder::file_name(name));
        let folder = folder(state).join(entry);
        platform::make_private(&folder).map_err(Error::file(&folder))?;
        let lock = Lock::take_if_free(&folder)?;
        let path = folder.join(FILE);
        let is_new = !path.exists();
        let file = platform::open_private(&path).map_err(Error::file(&path))?;
        platform::check_private(&file, &path)?;
        if is_new {
            // The file, and the folders that may be new.
            for folder in path.ancestors().skip(1).take(3) {
                platform::sync(folder).map_err(Error::file(folder))?;
            }
        }
        let mut opened = Self {
            file,
            path,
            access: match lock {
                Some(lock) => Access::Owner { _lock: lock },
                None => Access::Reader(Attempts::default()),
            },
            secrets: MediumSecrets::NONE,
        };
        opened.read()?;
        Ok(opened)
    }

    /// Returns whether another process writes the file.
    pub fn is_shared(&self) -> bool {
        matches!(self.access, Access::Reader(_))
    }

    /// Locks the file once the other process that wrote it has ended. Returns whether this process
    /// has the lock; [`read`](Self::read) then returns the latest secrets. It tries once a second
    /// at most: call it regularly.
    ///
    /// # Errors
    /// Returns an error if the lock or the file cannot be read.
    pub fn take_over(&mut self) -> Result<bool, Error> {
        let Access::Reader(attempts) = &mut self.access else {
            return Ok(true);
        };
        let folder = self.path.parent().unwrap_or(&self.path);
        let Some(lock) = attempts.take(folder)? else {
            return Ok(false);
        };
        // A write replaces what differs from these.
        self.read()?;
        self.access = Access::Owner { _lock: lock };
        Ok(true)
    }

    /// Reads the secrets. Another process may have changed them.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn read(&mut self) -> Result<&MediumSecrets, Error> {
        let places = self.read_places().map_err(Error::file(&self.path))?;
        self.secrets = MediumSecrets::from_places(*places);
        Ok(&self.secrets)
    }

    /// A file that is shorter lacks secrets that were never stored.
    fn read_places(&mut self) -> io::Result<Zeroizing<[[u8; MEDIUM_SECRET_LEN]; 2]>> {
        let mut places = Zeroizing::new([[0; MEDIUM_SECRET_LEN]; 2]);
        self.file.rewind()?;
        for place in places.iter_mut() {
            match self.file.read_exact(place) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    place.fill(0);
                    break;
                }
                read => read?,
            }
        }
        Ok(places)
    }

    /// Writes the secrets that have changed, each to its place, and syncs them. A secret that is
    /// deleted is overwritten.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&mut self, secrets: &MediumSecrets) -> Result<(), Error> {
        if self.is_shared() {
            return Ok(());
        }
        self.write_places(secrets)
            .map_err(Error::file(&self.path))?;
        self.secrets = secrets.clone();
        Ok(())
    }

    fn write_places(&mut self, secrets: &MediumSecrets) -> io::Result<()> {
        let places = secrets.places().iter().zip(self.secrets.places());
        for (at, (place, before)) in (0..).zip(places) {
            if place != before {
                let offset = at * MEDIUM_SECRET_LEN as u64;
                self.file.seek(SeekFrom::Start(offset))?;
                self.file.write_all(place)?;
            }
        }
        self.file.sync_all()
    }
}
