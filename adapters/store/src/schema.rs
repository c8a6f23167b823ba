//! Schemas of the files: application, version, and migration of older versions.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::folder::{self, Lock};
use crate::{Error, platform, wal};

/// A kind of file.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Identifies the program to which a file belongs, for `file` and for this program.
    pub(crate) application_id: i64,
    /// Oldest version that can be migrated.
    pub(crate) oldest: i64,
    /// SQL that makes each version from the one before; the first, from an empty file. A released
    /// step never changes.
    pub(crate) migrations: &'static [&'static str],
    /// Durability of a transaction that is reported as done.
    pub(crate) synchronous: &'static str,
}

/// Schema of a server's room. Transactions are synced before they are reported.
pub(crate) const ROOM: Schema = Schema {
    application_id: 0x4368_6174,
    // Version 1 had unencrypted texts and names without keys; it was never released.
    oldest: 2,
    migrations: &ROOM_MIGRATIONS,
    synchronous: "FULL",
};

const ROOM_MIGRATIONS: [&str; 4] = [
    "
    -- The life of this room, in which its numbers count.
    CREATE TABLE room (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL,
        serial INTEGER NOT NULL,
        log_next INTEGER NOT NULL
    ) STRICT;

    -- Everybody who has a name, the public key that it belongs to, and how far each has got \
    everything. `left_at`
    -- counts the seconds since 1970.
    CREATE TABLE names (
        name TEXT PRIMARY KEY,
        registered INTEGER NOT NULL,
        left_at INTEGER,
        address TEXT NOT NULL,
        incarnation INTEGER NOT NULL,
        key BLOB NOT NULL,
        opening INTEGER NOT NULL,
        session INTEGER NOT NULL,
        previous BLOB NOT NULL,
        last_request INTEGER NOT NULL,
        outcomes BLOB NOT NULL,
        handed_over INTEGER NOT NULL DEFAULT 0,
        log_next INTEGER NOT NULL
    ) STRICT;

    -- Messages that wait for their recipient, who alone can read them. One whose serial is not \
    above its recipient's `handed_over` has
    -- arrived; it proves for a while that its sender's request was done. `place` is the common \
    order with the channel.
    CREATE TABLE mail (
        serial INTEGER PRIMARY KEY,
        place INTEGER NOT NULL,
        recipient TEXT NOT NULL,
        sender TEXT NOT NULL,
        incarnation INTEGER NOT NULL,
        counter INTEGER NOT NULL,
        request INTEGER NOT NULL,
        stamp INTEGER NOT NULL,
        letter BLOB NOT NULL
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
",
    // Nearly every message was on another page of this index, and each page was a write. `serials`
    // has the same data in memory.
    "DROP INDEX mail_of;",
    "
    -- Orders of the operator that are in force. `kind` is ban or mute, `subject` is name, key or \
    source,
    -- `ends_at` counts the seconds since 1970.
    CREATE TABLE restrictions (
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        value TEXT NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (kind, subject, value)
    ) STRICT;
",
    // The medium-term key that the client of a name has published.
    "ALTER TABLE names ADD COLUMN medium_key BLOB;",
];

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Extension of a database file that a restore has not put in its place yet.
pub(crate) const RESTORED: &str = "restored";

/// Maximum wait for another process, such as `sqlite3`, that locks the file.
const BUSY: Duration = Duration::from_secs(2);

impl Schema {
    /// Returns the version that this program writes.
    pub(crate) const fn version(&self) -> i64 {
        self.oldest + self.migrations.len() as i64 - 1
    }
}

/// Opens a file for reading and writing, creates it if it does not exist, and migrates it. Leaves a
/// file that this program cannot use unchanged, and its log, too.
pub(crate) fn open(
    schema: &Schema,
    file: &Path,
    lock: &Lock,
    vfs: Option<&str>,
) -> Result<Connection, Error> {
    let unfinished = file.with_extension(RESTORED);
    if unfinished.exists() {
        return Err(Error::Unfinished { file: unfinished });
    }
    check_kind(file)?;
    wal::check(file)?;
    if file.exists() {
        // A connection that may write changes the file when it closes, so this one looks first.
        let connection = look_at(schema, file, vfs)?;
        check_content(&connection, file, Depth::Quick)?;
    } else {
        make(schema, file)?;
    }
    let found = wal::mark_of(file)?;
    let mut connection = open_as(file, OpenFlags::SQLITE_OPEN_READ_WRITE, vfs)?;
    prepare(schema, &mut connection).map_err(Error::sql(file))?;
    wal::mark(&connection, file, lock, found)?;
    Ok(connection)
}

/// Opens a file read-only.
pub(crate) fn look(schema: &Schema, file: &Path) -> Result<Connection, Error> {
    // A folder that this user cannot enter is no missing store.
    if !file.try_exists().map_err(Error::file(file))? {
        return Err(Error::Missing {
            file: file.to_owned(),
        });
    }
    wal::check(file)?;
    match look_at(schema, file, None) {
        Err(Error::Sql { error, .. }) if needs_writing(&error) && wal::is_there(file) => {
            Err(Error::LogNeedsOwner {
                log: wal::path_of(file),
            })
        }
        // Without permission to write, SQLite needs to know that no process writes.
        Err(Error::Sql { error, .. }) if needs_writing(&error) => {
            let connection = open_unchanging(file)?;
            check_version(schema, &connection, file)?;
            Ok(connection)
        }
        looked => looked,
    }
}

fn look_at(schema: &Schema, file: &Path, vfs: Option<&str>) -> Result<Connection, Error> {
    check_header(file)?;
    let connection = open_as(file, OpenFlags::SQLITE_OPEN_READ_ONLY, vfs)?;
    if wal::is_there(file) {
        // The log stays, even if SQLite finds nothing valid in it.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(Error::sql(file))?;
    }
    check_version(schema, &connection, file)?;
    Ok(connection)
}

/// Checks that a path leads to a file, if there is anything: a link may lead to a disk that is not
/// there yet, and a pipe would keep its reader waiting.
fn check_kind(file: &Path) -> Result<(), Error> {
    if !folder::is_taken(file) {
        return Ok(());
    }
    let metadata = fs::metadata(file).map_err(Error::file(file))?;
    if metadata.is_file() {
        return Ok(());
    }
    Err(Error::file(file)(std::io::Error::from(
        ErrorKind::InvalidInput,
    )))
}

fn needs_writing(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen)
    )
}

/// Opens a file that no process changes, without any file beside it.
fn open_unchanging(file: &Path) -> Result<Connection, Error> {
    let mut uri = "file:".to_owned();
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            _ => uri += &format!("%{byte:02x}"),
        }
    }
    uri += "?immutable=1";
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    open_as(Path::new(&uri), flags, None)
}

/// Creates an empty store under another name, and renames it when it is complete: an incomplete
/// store is never found.
fn make(schema: &Schema, file: &Path) -> Result<(), Error> {
    let unfinished = file.with_extension("new");
    remove_unfinished(&unfinished)?;
    if let Err(error) = fill(schema, &unfinished) {
        // The error says what failed first.
        let _ = remove_unfinished(&unfinished);
        return Err(error);
    }
    fs::rename(&unfinished, file).map_err(Error::file(file))?;
    file.parent()
        .map_or(Ok(()), platform::sync)
        .map_err(Error::file(file))
}

/// Removes a file that was not finished, with the files of SQLite beside it.
pub(crate) fn remove_unfinished(file: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let left_over = wal::beside(file, suffix);
        match fs::remove_file(&left_over) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::file(&left_over)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Creates an empty file of this schema, and syncs it. It has no log: a log that is not yet in the
/// file when it is closed, on a full disk, would stay behind.
fn fill(schema: &Schema, file: &Path) -> Result<(), Error> {
    platform::open_private(file).map_err(Error::file(file))?;
    let mut connection = open_as(file, OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
    connection
        .pragma_update(None, "journal_mode", "MEMORY")
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .and_then(|()| migrate(schema, &mut connection))
        .map_err(Error::sql(file))?;
    connection
        .close()
        .map_err(|(_, error)| Error::sql(file)(error))?;
    check_content(&look_at(schema, file, None)?, file, Depth::Quick)?;
    platform::open_private(file)
        .and_then(|opened| opened.sync_all())
        .map_err(Error::file(file))
}

fn check_header(file: &Path) -> Result<(), Error> {
    let mut header = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(MAGIC.len() as u64).read_to_end(&mut header))
        .map_err(Error::file(file))?;
    if header == MAGIC {
        return Ok(());
    }
    Err(Error::Damaged {
        file: file.to_owned(),
        why: "it does not begin as an SQLite file".to_owned(),
    })
}

pub(crate) fn open_as(
    file: &Path,
    flags: OpenFlags,
    vfs: Option<&str>,
) -> Result<Connection, Error> {
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

/// Checks that an SQLite file belongs to this program and has a known version.
fn check_version(schema: &Schema, connection: &Connection, file: &Path) -> Result<(), Error> {
    let application = pragma(connection, "application_id").map_err(Error::sql(file))?;
    let found = version_of(connection).map_err(Error::sql(file))?;
    let file = file.to_owned();
    if application != schema.application_id {
        return Err(Error::Foreign { file });
    }
    if found > schema.version() {
        return Err(Error::Newer {
            file,
            found,
            known: schema.version(),
        });
    }
    if found < schema.oldest {
        return Err(Error::Older {
            file,
            found,
            known: schema.oldest,
        });
    }
    Ok(())
}

fn prepare(schema: &Schema, connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", schema.synchronous)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    migrate(schema, connection)
}

/// Returns the version of a file.
pub(crate) fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    pragma(connection, "user_version")
}

/// Brings a file to the version that this program writes.
pub(crate) fn migrate(schema: &Schema, connection: &mut Connection) -> rusqlite::Result<()> {
    let version = version_of(connection)?;
    if version < schema.version() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        let done = usize::try_from(version + 1 - schema.oldest).unwrap_or(0);
        for step in schema.migrations.iter().skip(done) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        transaction.pragma_update(None, "user_version", schema.version())?;
        transaction.commit()?;
    }
    Ok(())
}

/// How much of a file is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every page of every table.
    Quick,
    /// The indices, too.
    Full,
}

/// Checks that the file is not damaged.
pub(crate) fn check_content(
    connection: &Connection,
    file: &Path,
    depth: Depth,
) -> Result<(), Error> {
    let pragma = match depth {
        Depth::Quick => "quick_check",
        Depth::Full => "integrity_check",
    };
    let result: String = connection
        .pragma_query_value(None, pragma, |row| row.get(0))
        .map_err(Error::sql(file))?;
    if result == "ok" {
        return Ok(());
    }
    Err(Error::Damaged {
        file: file.to_owned(),
        why: result,
    })
}
