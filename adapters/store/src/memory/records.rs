//! Reads all that is stored of a client, as records for its next process.

use chatapp_core::{ClientRecord, PublicKey, Shown};
use rusqlite::Connection;

use super::ignored;

/// Restores keys first; if there is no room for all, the latest ones.
pub(super) fn restore(
    connection: &Connection,
    mut take: impl FnMut(ClientRecord<'_>) -> bool,
) -> rusqlite::Result<usize> {
    // The transaction reads one state, whatever another process writes meanwhile.
    let connection = connection.unchecked_transaction()?;
    let mut left_over = 0;
    let server_key = "SELECT server_key FROM room WHERE server_key IS NOT NULL";
    let mut statement = connection.prepare(server_key)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key = PublicKey(row.get(0)?);
        left_over += usize::from(!take(ClientRecord::ServerKey(key)));
    }
    let mut statement = connection.prepare("SELECT name, key FROM peers ORDER BY number DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str()?;
        let key = PublicKey(row.get(1)?);
        left_over += usize::from(!take(ClientRecord::PeerKey { name, key }));
    }
    left_over += ignored::restore(&connection, &mut take)?;
    let mut statement =
        connection.prepare("SELECT incarnation, direct, channel FROM seen ORDER BY used")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for (column, channel) in [(1, false), (2, true)] {
            let shown = Shown {
                process: row.get::<_, i64>(0)?.cast_unsigned(),
                channel,
                counter: row.get(column)?,
            };
            // No message of this kind was shown. A client would take the mark for one that may
            // replace those of private messages.
            if shown.counter == 0 {
                continue;
            }
            left_over += usize::from(!take(ClientRecord::Shown(shown)));
        }
    }
    Ok(left_over)
}
