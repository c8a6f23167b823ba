//! The file: which program and version it belongs to, and how an older one becomes a present one.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::Error;
use crate::folder;

/// "Chat": tells `file` and us whose SQLite file it is.
const APPLICATION_ID: i64 = 0x4368_6174;

/// How each version of the schema is made of the one before; the first, of an empty file. A step is never changed
/// once it was released.
const MIGRATIONS: [&str; 1] = ["
    -- The life of this room, in which its numbers count.
    CREATE TABLE room (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL
    ) STRICT;

    -- Everybody who has a name, and how far each has got everything.
    CREATE TABLE names (
        name TEXT PRIMARY KEY,
        registered INTEGER NOT NULL,
        address TEXT NOT NULL,
        incarnation INTEGER NOT NULL,
        resume INTEGER NOT NULL,
        opening INTEGER NOT NULL,
        session INTEGER NOT NULL,
        previous BLOB NOT NULL,
        last_request INTEGER NOT NULL,
        outcomes BLOB NOT NULL,
        handed_over INTEGER NOT NULL DEFAULT 0,
        log_next INTEGER NOT NULL
    ) STRICT;

    -- Messages that wait for their recipient. One whose serial is not above its recipient's `handed_over` has
    -- arrived; it proves for a while that its sender's request was done. `place` is the common order with the channel.
    CREATE TABLE mail (
        serial INTEGER PRIMARY KEY,
        place INTEGER NOT NULL,
        recipient TEXT NOT NULL,
        sender TEXT NOT NULL,
        incarnation INTEGER NOT NULL,
        counter INTEGER NOT NULL,
        request INTEGER NOT NULL,
        stamp INTEGER NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX mail_of ON mail (recipient);

    -- The log of the channel.
    CREATE TABLE channel (
        number INTEGER PRIMARY KEY,
        place INTEGER NOT NULL,
        sender TEXT NOT NULL,
        incarnation INTEGER NOT NULL,
        counter INTEGER NOT NULL,
        request INTEGER NOT NULL,
        stamp INTEGER NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
"];

/// The version that this program writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How long somebody else may hold the file, such as a person with `sqlite3`.
const BUSY: Duration = Duration::from_secs(2);

/// Opens a file for reading and writing, makes it if it is not there, and brings it up to date. A file that this
/// program cannot use is not touched.
pub(crate) fn open(file: &Path, vfs: Option<&str>) -> Result<Connection, Error> {
    if is_empty(file)? {
        folder::open_private(file).map_err(Error::file(file))?;
    } else {
        check_version(&open_as(file, OpenFlags::SQLITE_OPEN_READ_ONLY, vfs)?, file)?;
    }
    let mut connection = open_as(file, OpenFlags::SQLITE_OPEN_READ_WRITE, vfs)?;
    prepare(&mut connection, file).map_err(Error::sql(file))?;
    check_content(&connection, file)?;
    Ok(connection)
}

/// Opens a file to look at it.
pub(crate) fn look(file: &Path) -> Result<Connection, Error> {
    if !file.exists() {
        return Err(Error::Missing {
            file: file.to_owned(),
        });
    }
    if is_empty(file)? {
        return Err(Error::Foreign {
            file: file.to_owned(),
        });
    }
    let connection = open_as(file, OpenFlags::SQLITE_OPEN_READ_ONLY, None)?;
    check_version(&connection, file)?;
    Ok(connection)
}

/// Whether there is nothing yet: no file, or one that was made and never written. Whatever is in it must look like
/// SQLite's.
fn is_empty(file: &Path) -> Result<bool, Error> {
    let mut header = Vec::new();
    match File::open(file) {
        Ok(opened) => opened
            .take(MAGIC.len() as u64)
            .read_to_end(&mut header)
            .map_err(Error::file(file))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(Error::file(file)(error)),
    };
    let damaged = |why: &str| {
        Err(Error::Damaged {
            file: file.to_owned(),
            why: why.to_owned(),
        })
    };
    if header == MAGIC {
        return Ok(false);
    }
    if !header.is_empty() {
        return damaged("its header is not that of an SQLite file");
    }
    let log = file.with_extension("db-wal");
    match log.metadata() {
        Ok(log) if log.len() != 0 => damaged("it is empty, but its write-ahead log is not"),
        _ => Ok(true),
    }
}

fn open_as(file: &Path, flags: OpenFlags, vfs: Option<&str>) -> Result<Connection, Error> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(file, flags, vfs),
        None => Connection::open_with_flags(file, flags),
    };
    let connection = connection.map_err(Error::sql(file))?;
    connection.busy_timeout(BUSY).map_err(Error::sql(file))?;
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// An SQLite file that is ours, and that we understand.
fn check_version(connection: &Connection, file: &Path) -> Result<(), Error> {
    let application = pragma(connection, "application_id").map_err(Error::sql(file))?;
    let found = pragma(connection, "user_version").map_err(Error::sql(file))?;
    let is_fresh = application == 0 && found == 0 && {
        let count = "SELECT count(*) FROM sqlite_schema";
        let objects = connection.query_row(count, [], |row| row.get::<_, i64>(0));
        objects.map_err(Error::sql(file))? == 0
    };
    let file = file.to_owned();
    match () {
        () if is_fresh => Ok(()),
        () if application != APPLICATION_ID => Err(Error::Foreign { file }),
        () if found > VERSION => Err(Error::Newer {
            file,
            found,
            known: VERSION,
        }),
        () => Ok(()),
    }
}

fn prepare(connection: &mut Connection, file: &Path) -> rusqlite::Result<()> {
    // In this order: what is synced depends on how it is written.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let version = pragma(connection, "user_version")?;
    let steps = MIGRATIONS
        .iter()
        .skip(usize::try_from(version).unwrap_or(0));
    if version < VERSION {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        for step in steps {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        // A file whose name is lost in a power cut is lost.
        if let Some(folder) = file.parent() {
            let _ = folder::sync(folder);
        }
    }
    Ok(())
}

fn check_content(connection: &Connection, file: &Path) -> Result<(), Error> {
    let result: String = connection
        .pragma_query_value(None, "quick_check", |row| row.get(0))
        .map_err(Error::sql(file))?;
    if result == "ok" {
        return Ok(());
    }
    Err(Error::Damaged {
        file: file.to_owned(),
        why: result,
    })
}
