//! The folder with all stored state of one server.

use std::io;
use std::path::{Path, PathBuf};

use chatapp_core::{Record, RestoreError, UnixSeconds};
use rusqlite::Connection;

use crate::folder::Lock;
use crate::restore::{self, Failed};
use crate::write::Writer;
use crate::{Error, StoreJournal, platform, schema};

/// Name of the file in the folder.
pub(crate) const FILE: &str = "room.db";

/// Default number of channel log entries to store.
const LOG_ENTRIES: usize = 65_536;

/// Options of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Number of channel log entries to store: at most as many as the server has room for.
    pub log_entries: usize,
    /// Name of the SQLite VFS to use; `None` for the default one.
    pub vfs: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log_entries: LOG_ENTRIES,
            vfs: None,
        }
    }
}

/// Open store, locked for this process.
#[derive(Debug)]
pub struct Store {
    // Declared before the lock: the file must close before the lock is released.
    connection: Connection,
    lock: Lock,
    file: PathBuf,
    log_entries: usize,
}

impl Store {
    /// Opens the store in this folder, and creates both if they do not exist.
    ///
    /// # Errors
    /// Returns an error if the store is in use, too new, damaged, of another program, or cannot be
    /// written. The files are then unchanged.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, Error> {
        platform::make_private(folder).map_err(Error::file(folder))?;
        let lock = Lock::take(folder)?;
        let file = folder.join(FILE);
        let connection = schema::open(&schema::ROOM, &file, &lock, options.vfs.as_deref())?;
        Ok(Self {
            connection,
            lock,
            file,
            log_entries: options.log_entries,
        })
    }

    /// Returns the path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Restores a new server from the store. The time of day determines how long names have been
    /// offline.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read, or the server rejects its content. The caller
    /// must not use the server then.
    pub fn restore(
        &mut self,
        now: UnixSeconds,
        take: impl FnMut(Record<'_>) -> Result<(), RestoreError>,
    ) -> Result<(), Error> {
        restore::restore(&self.connection, now, take).map_err(|failed| match failed {
            Failed::Sql(error) => Error::sql(&self.file)(error),
            Failed::Server(error) => Error::Restore {
                file: self.file.clone(),
                error,
            },
        })
    }

    /// Starts the thread that stores records. It calls `wake` when results are known.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read, or the operating system cannot start a thread.
    pub fn into_journal(self, wake: impl Fn() + Send + 'static) -> Result<StoreJournal, Error> {
        let writer =
            Writer::new(self.connection, self.log_entries).map_err(Error::sql(&self.file))?;
        let started: io::Result<_> = StoreJournal::start(writer, self.lock, wake);
        started.map_err(Error::file(&self.file))
    }
}
