//! Errors of a store, each with advice.

use std::fmt;
use std::io;
use std::path::PathBuf;

use chatapp_core::RestoreError;
use rusqlite::ErrorCode;

/// Reason why a store cannot be used. The files are unchanged in each case.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the store open.
    InUse {
        /// Folder of the store.
        folder: PathBuf,
    },
    /// It was written by a later version of this program.
    Newer {
        /// File with the newer schema.
        file: PathBuf,
        /// Version of its schema.
        found: i64,
        /// Latest version that this program knows.
        known: i64,
    },
    /// It was written by an earlier version of this program than this one can read.
    Older {
        /// File with the older schema.
        file: PathBuf,
        /// Version of its schema.
        found: i64,
        /// Earliest version that this program can read.
        known: i64,
    },
    /// The file belongs to another program.
    Foreign {
        /// File of the other program.
        file: PathBuf,
    },
    /// The file is damaged.
    Damaged {
        /// File with the damage.
        file: PathBuf,
        /// Description of the damage.
        why: String,
    },
    /// The log beside a database has content, which only a user who may write can read.
    LogNeedsOwner {
        /// The log.
        log: PathBuf,
    },
    /// The write-ahead log beside a database file belongs to another one.
    ForeignLog {
        /// The write-ahead log.
        log: PathBuf,
        /// The database file, which may be missing.
        file: PathBuf,
    },
    /// A restore did not finish.
    Unfinished {
        /// File that the restore did not put in its place.
        file: PathBuf,
    },
    /// A folder with something in it stands where something new belongs.
    Occupied {
        /// The folder.
        folder: PathBuf,
    },
    /// There is a room in the folder that a restore would replace.
    Replaces {
        /// A file of that room.
        file: PathBuf,
    },
    /// There is a room without the key that its clients know.
    KeyMissing {
        /// The missing key file.
        key: PathBuf,
        /// The file of the room.
        file: PathBuf,
    },
    /// The store has no such name.
    NoName {
        /// The name.
        name: String,
        /// File of the store.
        file: PathBuf,
    },
    /// The file does not contain a key.
    NoKey {
        /// File without a valid key.
        file: PathBuf,
    },
    /// Other users can read or change the file, which contains a secret.
    Exposed {
        /// The file.
        file: PathBuf,
    },
    /// The file contains a secret and belongs to another user.
    NotOwned {
        /// The file.
        file: PathBuf,
    },
    /// A file exists in the place of a new key.
    Exists {
        /// File in that place.
        file: PathBuf,
    },
    /// A file is in the place of one of an import.
    Imported {
        /// The file.
        file: PathBuf,
    },
    /// The bytes are no export of a person, or damaged.
    NoExport(
        /// Description of the mistake.
        String,
    ),
    /// There is no store.
    Missing {
        /// File that is missing.
        file: PathBuf,
    },
    /// The operating system returned an error.
    File {
        /// File or folder of the operation.
        path: PathBuf,
        /// Error of the operating system.
        error: io::Error,
    },
    /// SQLite returned an error.
    Sql {
        /// File of the operation.
        file: PathBuf,
        /// Error of SQLite.
        error: rusqlite::Error,
    },
    /// The server rejected the stored state.
    Restore {
        /// File with the stored state.
        file: PathBuf,
        /// Error of the server.
        error: RestoreError,
    },
}

impl Error {
    /// Returns a closure for `map_err` that classifies an SQLite error about a file.
    pub(crate) fn sql(file: &std::path::Path) -> impl Fn(rusqlite::Error) -> Self {
        let file = file.to_owned();
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged {
                file: file.clone(),
                why: error.to_string(),
            },
            _ => Self::Sql {
                file: file.clone(),
                error,
            },
        }
    }

    /// Returns a closure for `map_err` that wraps a system error about a file or folder.
    pub(crate) fn file(path: &std::path::Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File {
            path: path.clone(),
            error,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { folder } => write!(
                f,
                "a server uses {}: end it first; a second server needs a --data-dir of its own",
                folder.display()
            ),
            Self::Newer { file, found, known } => write!(
                f,
                "{} was written by a newer ChatApp (schema {found}, this one knows {known}): use \
                the newer one, \
                 or choose another folder with --data-dir",
                file.display()
            ),
            Self::Older { file, found, known } => write!(
                f,
                "{} was written by an older ChatApp (schema {found}, this one reads {known} and \
                later): move it away \
                 to begin empty, or choose another folder with --data-dir",
                file.display()
            ),
            Self::Foreign { file } => write!(
                f,
                "{} belongs to another program: choose another folder with --data-dir",
                file.display()
            ),
            Self::Damaged { file, why } => write!(
                f,
                "{} is damaged ({why}); it was not changed. Restore a backup, or move it away to \
                 begin empty",
                file.display()
            ),
            Self::NoKey { file } => write!(
                f,
                "{} is not a key of 64 hexadecimal digits; it was not changed. Restore a copy, or \
                 move it away to get a new one",
                file.display()
            ),
            Self::Exposed { file } => write!(
                f,
                "other users can access the secret in {0}: run `chmod 600 {0}`",
                file.display()
            ),
            Self::NotOwned { file } => write!(
                f,
                "the secret in {} belongs to another user: use a copy that belongs to you, with \
                 mode 0600",
                file.display()
            ),
            Self::Exists { file } => write!(
                f,
                "{} exists, and a key is never overwritten: choose another file, or move this one \
                 away if it is not needed any more",
                file.display()
            ),
            Self::Missing { file } => write!(f, "there is no store: {} is missing", file.display()),
            Self::File { path, error } => write!(f, "cannot use {}: {error}", path.display()),
            Self::Sql { file, error } => write!(f, "cannot use {}: {error}", file.display()),
            Self::Restore { file, error } => {
                write!(f, "cannot restore {}: {error}", file.display())
            }
            _ => self.fmt_of_copy(f),
        }
    }
}

impl Error {
    /// Writes the errors that have to do with copies.
    fn fmt_of_copy(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignLog { log, file } => write!(
                f,
                "{0} was not written for this {1}; both were not changed. If you put a copy back, \
                 move {0} away and start again (`ChatApp store restore` does that). If not, put \
                 the {1} back that it belongs to",
                log.display(),
                file.display()
            ),
            Self::LogNeedsOwner { log } => write!(
                f,
                "the latest content is in {}, which only the owner of the store can read: run \
                 this as that user, or stop the server first",
                log.display()
            ),
            Self::Unfinished { file } => write!(
                f,
                "a restore did not finish, {} is left: run `ChatApp store restore` again",
                file.display()
            ),
            Self::Occupied { folder } => write!(
                f,
                "{} is not an empty folder: choose a new one",
                folder.display()
            ),
            Self::Replaces { file } => write!(
                f,
                "{} is there, and nothing was changed: with --force, the room there is moved \
                 aside first",
                file.display()
            ),
            Self::Imported { file } => write!(
                f,
                "{} is there with other content, and nothing was changed: an import replaces no \
                 key. Move it away, or import into an empty folder with --data-dir",
                file.display()
            ),
            Self::NoExport(why) => write!(f, "this is no export of keys: {why}"),
            Self::KeyMissing { key, file } => write!(
                f,
                "{0} is missing, and the clients of this room trust no other key: put it back \
                 from a backup, or move {1} away to begin an empty room with a new key",
                key.display(),
                file.display()
            ),
            Self::NoName { name, file } => {
                write!(f, "{} has no name {}", file.display(), name.escape_debug())
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
