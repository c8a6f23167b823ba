//! The marks of shown messages: the latest one from each sender process.

use chatapp_core::Shown;
use rusqlite::{Connection, params};

/// Number of sender processes to remember: those seen last. It counts processes with private
/// messages, and apart from them, those with channel messages only.
const PROCESSES: i64 = 1_024;

/// Deletes the marks of processes that were seen long ago. A server can invent any number of
/// writers in the channel, so their marks never replace those of private messages.
pub(super) fn prune(connection: &Connection) -> rusqlite::Result<()> {
    for kind in ["direct > 0", "direct = 0"] {
        let prune = format!(
            "DELETE FROM seen WHERE {kind} AND incarnation NOT IN
                (SELECT incarnation FROM seen WHERE {kind} ORDER BY used DESC LIMIT ?1)"
        );
        connection.execute(&prune, [PROCESSES])?;
    }
    Ok(())
}

/// Returns the number of the latest use of a mark.
pub(super) fn latest_use(connection: &Connection) -> rusqlite::Result<i64> {
    let latest = "SELECT coalesce(max(used), 0) FROM seen";
    connection.query_row(latest, [], |row| row.get(0))
}

/// Stores marks, in the order of their use. `used` is the number of the latest use.
pub(super) fn write(
    connection: &mut Connection,
    shown: &[Shown],
    used: &mut i64,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO seen (incarnation, direct, channel, used) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET direct = max(direct, excluded.direct),
                channel = max(channel, excluded.channel), used = excluded.used",
        )?;
        for one in shown {
            let (direct, channel) = if one.channel {
                (0, one.counter)
            } else {
                (one.counter, 0)
            };
            *used += 1;
            let process = one.process.cast_signed();
            statement.execute(params![process, direct, channel, *used])?;
        }
    }
    transaction.commit()
}
