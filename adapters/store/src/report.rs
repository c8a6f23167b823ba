//! Reports the content of a store, for people and for scripts.

use std::fmt;
use std::path::{Path, PathBuf};

use chatapp_core::PublicKey;
use rusqlite::Connection;

use crate::store::FILE;
use crate::{Error, schema};

/// Content of a store. It can be read while a server uses the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// File of the store.
    pub file: PathBuf,
    /// All names, sorted.
    pub names: Vec<KeptName>,
    /// Number of messages that wait for their recipients.
    pub waiting: u64,
    /// Number of entries of the channel log.
    pub log_entries: u64,
    /// Size in bytes of the stored messages and of the channel log.
    pub content_bytes: u64,
    json: String,
}

/// A name and its stored state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptName {
    /// The registered name.
    pub name: String,
    /// Whether it was registered when the store was last written.
    pub active: bool,
    /// Address at which it receives.
    pub address: String,
    /// Key to which the name belongs.
    pub key: PublicKey,
    /// Number of messages that wait for it.
    pub waiting: u64,
}

const NAMES: &str = "
    SELECT name, registered, address, key, coalesce(messages, 0) AS waiting
    FROM names LEFT JOIN (
        SELECT recipient, count(*) AS messages FROM mail JOIN names ON name = recipient
        WHERE serial > handed_over AND letter <> x'' GROUP BY recipient
    ) ON recipient = name
    ORDER BY name";

const TOTALS: &str = "
    SELECT (SELECT count(*) FROM mail JOIN names ON name = recipient
            WHERE serial > handed_over AND letter <> x''),
        (SELECT count(*) FROM channel WHERE text <> ''),
        (SELECT coalesce(sum(length(letter)), 0) FROM mail) +
            (SELECT coalesce(sum(length(CAST(text AS BLOB))), 0) FROM channel)";

impl Report {
    /// Reads the store in this folder.
    ///
    /// # Errors
    /// Returns an error if there is no store, or it cannot be read.
    pub fn of(folder: &Path) -> Result<Self, Error> {
        let file = folder.join(FILE);
        let connection = schema::look(&schema::ROOM, &file)?;
        Self::read(&connection, &file).map_err(Error::sql(&file))
    }

    fn read(connection: &Connection, file: &Path) -> rusqlite::Result<Self> {
        // The transaction reads one state, whatever a server writes meanwhile.
        let connection = connection.unchecked_transaction()?;
        let mut names = connection.prepare(NAMES)?;
        let names = names.query_map([], |row| {
            Ok(KeptName {
                name: row.get(0)?,
                active: row.get(1)?,
                address: row.get(2)?,
                key: PublicKey(row.get(3)?),
                waiting: row.get::<_, i64>(4)?.cast_unsigned(),
            })
        })?;
        let names = names.collect::<Result<_, _>>()?;
        let totals = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
        let totals: [i64; 3] = connection.query_row(TOTALS, [], totals)?;
        let [waiting, log_entries, content_bytes] = totals.map(i64::cast_unsigned);
        let list = format!(
            "SELECT json_object('file', ?1, 'schema', ?2, 'names', \
            json_group_array(json_object('name', name, 'active',
                json(iif(registered, 'true', 'false')), 'address', address, 'key', \
                lower(hex(key)), 'waiting', waiting)), 'waiting', ?3,
                'log_entries', ?4, 'content_bytes', ?5) FROM ({NAMES})"
        );
        let values = rusqlite::params![
            file.display().to_string(),
            schema::ROOM.version(),
            waiting.cast_signed(),
            log_entries.cast_signed(),
            content_bytes.cast_signed(),
        ];
        let json = connection.query_row(&list, values, |row| row.get(0))?;
        Ok(Self {
            file: file.to_owned(),
            names,
            waiting,
            log_entries,
            content_bytes,
            json,
        })
    }

    /// Returns the last line of the report, with its line end: the file and the totals.
    pub fn summary(&self) -> String {
        format!(
            "{}: {} names, {} waiting messages, {} channel messages, {} bytes in them\n",
            self.file.display(),
            self.names.len(),
            self.waiting,
            self.log_entries,
            self.content_bytes
        )
    }

    /// Returns the report as one line of JSON.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |name: &KeptName| name.name.chars().count();
        let width = self.names.iter().map(width).max().unwrap_or(0);
        for name in &self.names {
            let KeptName {
                name,
                active,
                address,
                waiting,
                key: _,
            } = name;
            let standing = if *active { "active " } else { "offline" };
            writeln!(f, "{name:width$}  {standing}  {waiting} waiting  {address}")?;
        }
        f.write_str(&self.summary())
    }
}
