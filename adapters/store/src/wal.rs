//! Recognises a write-ahead log that belongs to another database file.
//!
//! SQLite applies a log to any database file beside it: a copy that is put back over the database
//! of a killed process silently becomes a mixture of both. So each process that opens a database
//! for writing draws a mark. It writes the mark into the database file, as SQLite's schema cookie,
//! and into the lock file beside it. The backup interface of SQLite and `VACUUM INTO` change the
//! cookie in the copy, and a copy from an earlier time has an earlier mark. With a log beside it,
//! the database must have the mark of the lock file.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::Error;
use crate::folder::{self, Lock};

/// Length of the header of a log: without more bytes it has no effect.
const WAL_HEADER_LEN: u64 = 32;

/// Place of the schema cookie in a database file (<https://www.sqlite.org/fileformat.html>).
const COOKIE_AT: usize = 40;
const COOKIE_END: usize = 44;

/// Returns the path of the log of a database file.
pub(crate) fn path_of(file: &Path) -> PathBuf {
    beside(file, "-wal")
}

/// Returns the path of a file whose name continues that of the database file.
pub(crate) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns whether the database file has a log with content.
pub(crate) fn is_there(file: &Path) -> bool {
    fs::metadata(path_of(file)).is_ok_and(|log| log.len() > WAL_HEADER_LEN)
}

/// Checks that the log beside a database file, if there is one, belongs to it.
pub(crate) fn check(file: &Path) -> Result<(), Error> {
    if !is_there(file) {
        return Ok(());
    }
    let marks = file.parent().map(folder::read_marks).unwrap_or_default();
    let found = mark_of(file)?;
    // Earlier versions of this program wrote no marks.
    if found.is_some_and(|found| marks.is_empty() || marks.contains(&found)) {
        return Ok(());
    }
    Err(Error::ForeignLog {
        log: path_of(file),
        file: file.to_owned(),
    })
}

/// Marks a database that this process has opened for writing, and that had the mark `found` before.
///
/// This must not open the file. When a process closes a file, it loses its locks on the file, those
/// of SQLite, too. Another program would then take the log for one that is not used, and remove it.
pub(crate) fn mark(
    connection: &Connection,
    file: &Path,
    lock: &Lock,
    found: Option<u32>,
) -> Result<(), Error> {
    // Until the new mark is in the file, a log beside it may belong to either.
    let fresh: u32 = connection
        .query_row("SELECT 1 + abs(random() % 2147483646)", [], |row| {
            row.get(0)
        })
        .map_err(Error::sql(file))?;
    let marks: Vec<u32> = found.into_iter().chain([fresh]).collect();
    lock.write_marks(&marks)?;
    connection
        .pragma_update(None, "schema_version", fresh)
        .map_err(Error::sql(file))?;
    let is_busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(Error::sql(file))?;
    if is_busy {
        // A reader holds the checkpoint up. A later one writes the mark into the file.
        return Ok(());
    }
    lock.write_marks(&[fresh])
}

/// Returns the mark in a database file, whatever its log has; `None` if there is no such file. No
/// connection of this process may be open: see [`mark`].
pub(crate) fn mark_of(file: &Path) -> Result<Option<u32>, Error> {
    let mut header = [0; COOKIE_END];
    let opened = match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened,
    };
    let mut opened = opened.map_err(Error::file(file))?;
    opened.read_exact(&mut header).map_err(Error::file(file))?;
    let cookie = header
        .get(COOKIE_AT..)
        .and_then(|cookie| cookie.try_into().ok());
    Ok(cookie.map(u32::from_be_bytes))
}
