//! What a client has shown, for the next process of the same person.

use std::path::{Path, PathBuf};

use chatapp_core::Shown;
use rusqlite::{Connection, params};

use crate::Error;
use crate::folder::{self, Lock};
use crate::schema::{self, Schema};

/// Processes whose messages are remembered: those seen last.
const PROCESSES: i64 = 1_024;

/// Nothing is synced: it outlasts the process, which is what it is for. A power cut may take the last moments, and only
/// messages whose acknowledgement was lost in these moments would be seen twice.
const SEEN: Schema = Schema {
    application_id: 0x4368_6173,
    migrations: &["
        -- The latest message that was shown from each process, directly and in the channel.
        CREATE TABLE seen (
            incarnation INTEGER PRIMARY KEY,
            direct INTEGER NOT NULL,
            channel INTEGER NOT NULL,
            used INTEGER NOT NULL
        ) STRICT;
    "],
    synchronous: "OFF",
};

/// The memory of a client in a folder, in use by this process alone.
#[derive(Debug)]
pub struct Memory {
    // In this order: the lock goes when the file is closed.
    connection: Connection,
    _lock: Lock,
    file: PathBuf,
    used: i64,
}

impl Memory {
    /// Opens the memory in this folder, and makes both if they are not there.
    ///
    /// # Errors
    /// It is in use, not ours, too new, damaged, or cannot be written.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        folder::make_private(folder).map_err(Error::file(folder))?;
        let lock = Lock::take(folder)?;
        let file = folder.join("seen.db");
        let connection = schema::open(&SEEN, &file, None)?;
        let forget = "DELETE FROM seen WHERE incarnation NOT IN
            (SELECT incarnation FROM seen ORDER BY used DESC LIMIT ?1)";
        connection
            .execute(forget, [PROCESSES])
            .map_err(Error::sql(&file))?;
        let latest = "SELECT coalesce(max(used), 0) FROM seen";
        let used = connection.query_row(latest, [], |row| row.get(0));
        let used = used.map_err(Error::sql(&file))?;
        Ok(Self {
            connection,
            _lock: lock,
            file,
            used,
        })
    }

    /// Gives everything to a client that was just made.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn restore(&self, mut take: impl FnMut(Shown)) -> Result<(), Error> {
        let mut read = || {
            let order = "SELECT incarnation, direct, channel FROM seen ORDER BY used";
            let mut statement = self.connection.prepare(order)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                for (column, channel) in [(1, false), (2, true)] {
                    take(Shown {
                        incarnation: row.get::<_, i64>(0)?.cast_unsigned(),
                        channel,
                        counter: row.get(column)?,
                    });
                }
            }
            Ok(())
        };
        read().map_err(Error::sql(&self.file))
    }

    /// Remembers messages that were shown.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&mut self, shown: &[Shown]) -> Result<(), Error> {
        self.write(shown).map_err(Error::sql(&self.file))
    }

    fn write(&mut self, shown: &[Shown]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
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
                self.used += 1;
                statement.execute(params![
                    one.incarnation.cast_signed(),
                    direct,
                    channel,
                    self.used
                ])?;
            }
        }
        transaction.commit()
    }
}
