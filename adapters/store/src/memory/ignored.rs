//! The keys that the user ignores.

use chatapp_core::{ClientRecord, PublicKey};
use rusqlite::{Connection, params};

/// The table, which files before version 3 do not have.
pub(super) const TABLE: &str = "
    -- The keys that the user ignores, with the names that they had then.
    CREATE TABLE ignored (
        number INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        name TEXT NOT NULL
    ) STRICT;
";

pub(super) fn keep(connection: &Connection, name: &str, key: PublicKey) -> rusqlite::Result<()> {
    let keep = "INSERT INTO ignored (name, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.execute(keep, params![name, key.0]).map(drop)
}

pub(super) fn remove(connection: &Connection, key: PublicKey) -> rusqlite::Result<()> {
    let remove = "DELETE FROM ignored WHERE key = ?1";
    connection.execute(remove, [key.0]).map(drop)
}

/// Restores the ignored keys, in the order in which they were stored. Returns how many there was no
/// room for.
pub(super) fn restore(
    connection: &Connection,
    mut take: impl FnMut(ClientRecord<'_>) -> bool,
) -> rusqlite::Result<usize> {
    let mut left_over = 0;
    let mut statement = connection.prepare("SELECT name, key FROM ignored ORDER BY number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str()?;
        let key = PublicKey(row.get(1)?);
        left_over += usize::from(!take(ClientRecord::Ignored { name, key }));
    }
    Ok(left_over)
}
