//! One folder with everything of one server.

use std::io;
use std::path::{Path, PathBuf};

use chatapp_core::{Record, RestoreError, UnixSeconds};
use rusqlite::Connection;

use crate::folder::{self, Lock};
use crate::restore::{self, Failed};
use crate::write::Writer;
use crate::{Error, StoreJournal, schema};

/// The name of the file in the folder.
pub(crate) const FILE: &str = "room.db";

/// Entries of the channel log that are kept by default.
const LOG_ENTRIES: usize = 65_536;

/// How a store is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Entries of the channel log that are kept: as many as the server has room for.
    pub log_entries: usize,
    /// The name under which a "virtual file system" is registered with SQLite; `None`: the
    /// operating system's.
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

/// An open store, in use by this process alone.
#[derive(Debug)]
pub struct Store {
    // In this order: the lock goes when the file is closed.
    connection: Connection,
    lock: Lock,
    file: PathBuf,
    log_entries: usize,
}

impl Store {
    /// Opens the store in this folder, and makes both if they are not there.
    ///
    /// # Errors
    /// The store is in use, of another program, too new, damaged, or cannot be written. Nothing was
    /// changed.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, Error> {
        folder::make_private(folder).map_err(Error::file(folder))?;
        let lock = Lock::take(folder)?;
        let file = folder.join(FILE);
        let connection = schema::open(&schema::ROOM, &file, options.vfs.as_deref())?;
        Ok(Self {
            connection,
            lock,
            file,
            log_entries: options.log_entries,
        })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Gives everything that is stored to a server that was just made. The time of day tells how
    /// long names have been away.
    ///
    /// # Errors
    /// The store cannot be read, or the server does not take what is in it: it must not be used
    /// then.
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

    /// Starts to store records; `wake` is called, on another thread, when the fate of some is
    /// known.
    ///
    /// # Errors
    /// The store cannot be read, or the operating system gives no thread.
    pub fn into_journal(self, wake: impl Fn() + Send + 'static) -> Result<StoreJournal, Error> {
        let writer =
            Writer::new(self.connection, self.log_entries).map_err(Error::sql(&self.file))?;
        let started: io::Result<_> = StoreJournal::start(writer, self.lock, wake);
        started.map_err(Error::file(&self.file))
    }
}
