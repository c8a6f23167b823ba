//! The marks of shown messages: the latest one from each sender process.

use chatapp_core::Shown;
use rusqlite::{Connection, params};

/// Number of sender processes to remember: those seen last. It counts processes with private
/// messages, and apart from them, those with channel messages only.
const PROCESSES: usize = 1_024;

/// The marks of shown messages that wait for the lock of another process: the latest one from each
/// process, in the order of their use, and as many of each kind as are stored.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    channel: Vec<Shown>,
    private: Vec<Shown>,
}

impl Unwritten {
    /// Adds marks. Those of the processes that were seen long ago are lost.
    pub(super) fn add(&mut self, shown: &[Shown]) {
        for one in shown {
            let kind = match one.channel {
                true => &mut self.channel,
                false => &mut self.private,
            };
            let known = kind.iter().position(|mark| mark.process == one.process);
            let before = known.map(|at| kind.remove(at));
            if kind.len() == PROCESSES {
                kind.remove(0);
            }
            let counter = before.map_or(0, |mark| mark.counter).max(one.counter);
            kind.push(Shown { counter, ..*one });
        }
    }

    /// Returns all marks.
    pub(super) fn marks(&self) -> impl Iterator<Item = &Shown> {
        self.channel.iter().chain(&self.private)
    }
}

/// Deletes the marks of processes that were seen long ago. A server can invent any number of
/// writers in the channel, so their marks never replace those of private messages.
pub(super) fn prune(connection: &Connection) -> rusqlite::Result<()> {
    for kind in ["direct > 0", "direct = 0"] {
        let prune = format!(
            "DELETE FROM seen WHERE {kind} AND incarnation NOT IN
                (SELECT incarnation FROM seen WHERE {kind} ORDER BY used DESC LIMIT ?1)"
        );
        connection.execute(&prune, [PROCESSES as i64])?;
    }
    Ok(())
}

/// Returns the number of the latest use of a mark.
pub(super) fn latest_use(connection: &Connection) -> rusqlite::Result<i64> {
    let latest = "SELECT coalesce(max(used), 0) FROM seen";
    connection.query_row(latest, [], |row| row.get(0))
}

/// Stores marks, in the order of their use. `used` is the number of the latest use.
pub(super) fn write<'a>(
    connection: &mut Connection,
    shown: impl IntoIterator<Item = &'a Shown>,
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
