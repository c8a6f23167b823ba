//! Why a store cannot be used, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use chatapp_core::RestoreError;
use rusqlite::ErrorCode;

/// The reason why a store cannot be used. The files are unchanged in each case.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the store open.
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// It was written by a later version of this program.
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// It was written by an earlier version of this program than this one can read.
    Older {
        /// The file.
        file: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The earliest version that this program can read.
        known: i64,
    },
    /// The file belongs to another program.
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file is damaged.
    Damaged {
        /// The file.
        file: PathBuf,
        /// The damage that was found.
        why: String,
    },
    /// The file is no key.
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// The file is a private key that others may read.
    Exposed {
        /// The file.
        file: PathBuf,
    },
    /// There is a file in the place of a new key.
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// There is no store.
    Missing {
        /// The file that would be it.
        file: PathBuf,
    },
    /// The operating system does not permit it.
    File {
        /// The file or folder.
        path: PathBuf,
        /// Its error.
        error: io::Error,
    },
    /// SQLite does not permit it.
    Sql {
        /// The file.
        file: PathBuf,
        /// Its error.
        error: rusqlite::Error,
    },
    /// The server does not take back what was stored.
    Restore {
        /// The file.
        file: PathBuf,
        /// Its error.
        error: RestoreError,
    },
}

impl Error {
    /// For `map_err`: sorts what SQLite says about a file.
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

    /// For `map_err`: what the operating system says about a file or folder.
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
                "another server uses {}: end it, or choose another folder with --data-dir",
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
                "other users can read the private key {0}: run `chmod 600 {0}`",
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
        }
    }
}

impl std::error::Error for Error {}
