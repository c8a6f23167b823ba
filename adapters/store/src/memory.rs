//! Stored state of a client for its next process: the messages already shown, and the known and
//! ignored keys.

mod ignored;
mod records;
mod role;
mod shown;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use chatapp_core::{ClientRecord, PublicKey, Shown};
use rusqlite::{Connection, OpenFlags, params};
use zeroize::Zeroizing;

use self::role::Role;
use crate::Error;
use crate::folder::{self, Lock};
use crate::keys::entries;
use crate::platform;
use crate::schema::{self, Schema};

/// Name of the file.
pub(crate) const FILE: &str = "memory.db";

/// Shown messages are written without a sync: they survive the process, but a power cut may lose
/// the latest ones. The client then repeats only messages whose acknowledgement was also lost. Keys
/// are synced.
const MEMORY: Schema = Schema {
    application_id: 0x4368_6173,
    oldest: 1,
    migrations: &[
        "
        -- Whose memory it is, the server as it was typed, and the key that the server has proved \
        to have.
        CREATE TABLE room (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            name TEXT NOT NULL,
            server TEXT NOT NULL,
            server_key BLOB
        ) STRICT;

        -- The keys of those who were talked to.
        CREATE TABLE peers (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            key BLOB NOT NULL
        ) STRICT;

        -- The latest message that was shown from each process, directly and in the channel.
        CREATE TABLE seen (
            incarnation INTEGER PRIMARY KEY,
            direct INTEGER NOT NULL,
            channel INTEGER NOT NULL,
            used INTEGER NOT NULL
        ) STRICT;
    ",
        // Whether the user has compared the key with the one who has that name.
        "ALTER TABLE peers ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;",
        ignored::TABLE,
    ],
    synchronous: "NORMAL",
};

/// Stored state of a client under one name in one room, locked for this process.
#[derive(Debug)]
pub struct Memory {
    // Declared before the lock: the file must close before the lock is released.
    connection: Connection,
    role: Role,
    file: PathBuf,
    used: i64,
    /// SQLite's number for the latest change by another process that was read.
    changes: i64,
    /// The latest key that another process stored.
    latest_peer: i64,
}

/// Keys that one name knows in one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKeys {
    /// The client's own name.
    pub name: String,
    /// The server's address as the user typed it, with its port.
    pub server: String,
    /// Public key of the server, once it is known.
    pub server_key: Option<PublicKey>,
    /// The known peers, sorted by name.
    pub peers: Vec<KnownPeer>,
}

/// The key of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    /// The name of the peer.
    pub name: String,
    /// Its public key.
    pub key: PublicKey,
    /// Whether the user has compared it with the peer.
    pub is_verified: bool,
}

impl Memory {
    /// Opens the stored state of this name at this server, and creates it if it does not exist.
    /// `server` is the address as typed, with its port.
    ///
    /// # Errors
    /// Returns an error if the state is in use, too new, damaged, of another program, or cannot be
    /// written.
    pub fn open(state: &Path, server: &str, name: &str) -> Result<Self, Error> {
        let folder = folder::memory_folder(state, server, name);
        platform::make_private(&folder).map_err(Error::file(&folder))?;
        let lock = Lock::take(&folder)?;
        let file = folder.join(FILE);
        let connection = schema::open(&MEMORY, &file, &lock, None)?;
        let used = prepare(&connection, server, name).map_err(Error::sql(&file))?;
        Ok(Self {
            connection,
            role: Role::Owner { _lock: lock },
            file,
            used,
            changes: 0,
            latest_peer: 0,
        })
    }

    /// Opens the stored state while another process has locked it. This process stores keys there.
    /// It keeps the marks of shown messages in memory until the other process has ended, or this
    /// value is dropped. `None` if the other process is just creating it.
    ///
    /// # Errors
    /// Returns an error if the state cannot be used.
    pub fn open_beside(state: &Path, server: &str, name: &str) -> Result<Option<Self>, Error> {
        let file = folder::memory_folder(state, server, name).join(FILE);
        if !file.exists() {
            return Ok(None);
        }
        let connection = open_unlocked(&file)?;
        Ok(Some(Self {
            connection,
            role: Role::beside(),
            file,
            used: 0,
            changes: 0,
            latest_peer: 0,
        }))
    }

    /// Opens the same state again, to read it while this one is busy with a slow disk. It stores
    /// nothing.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub fn reader(&self) -> Result<Self, Error> {
        // Nothing may look at the file with other means while it is open: see `wal::mark`.
        let connection = schema::open_as(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY, None)?;
        Ok(Self {
            connection,
            role: Role::Reader,
            file: self.file.clone(),
            used: 0,
            changes: 0,
            latest_peer: 0,
        })
    }

    /// Restores a new client. Returns how many records the client has no room for.
    ///
    /// # Errors
    /// Returns an error if the state cannot be read.
    pub fn restore(&self, take: impl FnMut(ClientRecord<'_>) -> bool) -> Result<usize, Error> {
        records::restore(&self.connection, take).map_err(Error::sql(&self.file))
    }

    /// Restores the keys of peers that other processes stored since the latest call. Cheap if there
    /// are none: call it before the client acts.
    ///
    /// # Errors
    /// Returns an error if the state cannot be read.
    pub fn restore_news(
        &mut self,
        take: impl FnMut(ClientRecord<'_>) -> bool,
    ) -> Result<(), Error> {
        self.read_news(take).map_err(Error::sql(&self.file))
    }

    fn read_news(
        &mut self,
        mut take: impl FnMut(ClientRecord<'_>) -> bool,
    ) -> rusqlite::Result<()> {
        // The same for as long as no other process writes.
        let changes = self
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if self.changes == changes {
            return Ok(());
        }
        let news = "SELECT number, name, key FROM peers WHERE number > ?1 ORDER BY number";
        let mut statement = self.connection.prepare_cached(news)?;
        let mut rows = statement.query([self.latest_peer])?;
        while let Some(row) = rows.next()? {
            self.latest_peer = row.get(0)?;
            let name = row.get_ref(1)?.as_str()?;
            let key = PublicKey(row.get(2)?);
            take(ClientRecord::PeerKey { name, key });
        }
        self.changes = changes;
        Ok(())
    }

    /// Stores the identities of shown messages. Keeps them in memory while another process has
    /// locked the state.
    ///
    /// # Errors
    /// Returns an error if the state cannot be written.
    pub fn note_shown(&mut self, shown: &[Shown]) -> Result<(), Error> {
        match &mut self.role {
            Role::Owner { .. } => shown::write(&mut self.connection, shown, &mut self.used)
                .map_err(Error::sql(&self.file)),
            Role::Beside { unwritten, .. } => {
                unwritten.add(shown);
                self.take_over().map(drop)
            }
            Role::Reader => Ok(()),
        }
    }

    /// Returns whether another process has locked the state.
    pub fn is_shared(&self) -> bool {
        matches!(self.role, Role::Beside { .. })
    }

    /// Locks the state once the other process that had locked it has ended, and stores what was
    /// shown since. Returns whether this process has the lock. It tries once a second at most: call
    /// it regularly.
    ///
    /// # Errors
    /// Returns an error if the state cannot be written.
    pub fn take_over(&mut self) -> Result<bool, Error> {
        let Role::Beside { attempts, .. } = &mut self.role else {
            return Ok(!matches!(self.role, Role::Reader));
        };
        let folder = self.file.parent().unwrap_or(&self.file);
        let Some(lock) = attempts.take(folder)? else {
            return Ok(false);
        };
        self.write_unwritten()?;
        self.role = Role::Owner { _lock: lock };
        Ok(true)
    }

    /// Stores the marks that were kept in memory.
    fn write_unwritten(&mut self) -> Result<(), Error> {
        let Role::Beside { unwritten, .. } = &self.role else {
            return Ok(());
        };
        let written = shown::latest_use(&self.connection).and_then(|used| {
            // The other process has used marks, too.
            self.used = used;
            shown::write(&mut self.connection, unwritten.marks(), &mut self.used)
        });
        written.map_err(Error::sql(&self.file))
    }

    /// Stores a key, or the identity of a shown message. Keys are synced before it returns.
    ///
    /// A known key that is stored stays until it is forgotten ([`forget_peer`], [`forget_server`]).
    /// Returns it if it is another one than that of the record, which is not stored then. Secrets
    /// of medium-term keys are not stored here, but in a [`MediumFile`](crate::MediumFile).
    ///
    /// # Errors
    /// Returns an error if the state cannot be written.
    pub fn note(&mut self, record: ClientRecord<'_>) -> Result<Option<PublicKey>, Error> {
        let connection = &self.connection;
        let (key, stored) = match record {
            ClientRecord::Shown(shown) => return self.note_shown(&[shown]).map(|()| None),
            // They have a file of their own: [`MediumFile`](crate::MediumFile).
            ClientRecord::MediumKeys(_) => return Ok(None),
            ClientRecord::ServerKey(key) => (key, synced(connection, |it| keep_server(it, key))),
            ClientRecord::Ignored { name, key } => {
                let kept = synced(connection, |it| ignored::keep(it, name, key));
                (key, kept.map(|()| key))
            }
            ClientRecord::PeerKey { name, key } => {
                (key, synced(connection, |it| keep_peer(it, name, key)))
            }
        };
        let stored = stored.map_err(Error::sql(&self.file))?;
        Ok((stored != key).then_some(stored))
    }

    /// Forgets that the user ignores a key.
    ///
    /// # Errors
    /// Returns an error if the state cannot be written.
    pub fn unignore(&mut self, key: PublicKey) -> Result<(), Error> {
        synced(&self.connection, |it| ignored::remove(it, key)).map_err(Error::sql(&self.file))
    }

    /// Remembers that the user has compared the key of a name. Returns false if another key is
    /// stored, or none.
    ///
    /// # Errors
    /// Returns an error if the state cannot be written.
    pub fn verify(&mut self, name: &str, key: PublicKey) -> Result<bool, Error> {
        verify(&self.connection, name, key).map_err(Error::sql(&self.file))
    }

    /// Returns the names whose keys were compared.
    ///
    /// # Errors
    /// Returns an error if the state cannot be read.
    pub fn verified(&self) -> Result<HashSet<String>, Error> {
        let verified = || {
            let names = "SELECT name FROM peers WHERE verified";
            let mut statement = self.connection.prepare_cached(names)?;
            let names = statement.query_map([], |row| row.get(0))?;
            names.collect::<rusqlite::Result<_>>()
        };
        verified().map_err(Error::sql(&self.file))
    }
}

impl Drop for Memory {
    /// Stores what was shown, also if the other process has not ended: it may have been stopped.
    fn drop(&mut self) {
        // Without these marks, the next process may show messages again.
        let _ = self.write_unwritten();
    }
}

/// Returns the keys that all names in this folder know, sorted by name and server.
///
/// # Errors
/// Returns an error if one of the files cannot be read.
pub fn known_keys(state: &Path) -> Result<Vec<KnownKeys>, Error> {
    let mut known = Vec::new();
    for file in files(state)? {
        let connection = schema::look(&MEMORY, &file)?;
        known.extend(read_keys(&connection).map_err(Error::sql(&file))?);
    }
    known.sort_unstable_by(|a, b| (&a.name, &a.server).cmp(&(&b.name, &b.server)));
    Ok(known)
}

/// Returns the content of a file as that of a new one, without what was deleted in it.
pub(crate) fn copy(file: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let connection = schema::look(&MEMORY, file)?;
    let folder = file.parent().unwrap_or(file);
    let copies = tempfile::tempdir_in(folder).map_err(Error::file(folder))?;
    let copy = copies.path().join(FILE);
    let target = copy.to_string_lossy();
    connection
        .execute("VACUUM INTO ?1", params![target])
        .map_err(Error::sql(&copy))?;
    fs::read(&copy)
        .map(Zeroizing::new)
        .map_err(Error::file(&copy))
}

/// Deletes the key of a server, given by its address as typed, with its port, for all names.
/// Returns how many names knew it.
///
/// # Errors
/// Returns an error if one of the files cannot be written.
pub fn forget_server(state: &Path, server: &str) -> Result<usize, Error> {
    let forget = "UPDATE room SET server_key = NULL WHERE server = ?1 AND server_key IS NOT NULL";
    forget_key(state, forget, server)
}

/// Deletes the keys of peers of this name, in all rooms and for all own names. Returns how many
/// were known.
///
/// # Errors
/// Returns an error if one of the files cannot be written.
pub fn forget_peer(state: &Path, name: &str) -> Result<usize, Error> {
    forget_key(state, "DELETE FROM peers WHERE name = ?1", name)
}

/// Remembers that the user has compared the key of a peer, which is one of these known keys.
/// Returns false if it is not stored any more.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn verify_peer(state: &Path, known: &KnownKeys, peer: &KnownPeer) -> Result<bool, Error> {
    let file = folder::memory_folder(state, &known.server, &known.name).join(FILE);
    verify(&open_unlocked(&file)?, &peer.name, peer.key).map_err(Error::sql(&file))
}

/// Runs the statement in all files. A running process does not notice; the next one does.
fn forget_key(state: &Path, forget: &str, what: &str) -> Result<usize, Error> {
    let mut forgotten = 0;
    for file in files(state)? {
        let connection = open_unlocked(&file)?;
        forgotten += synced(&connection, |connection| connection.execute(forget, [what]))
            .map_err(Error::sql(&file))?;
    }
    Ok(forgotten)
}

/// Opens a file that exists, whether another process has locked it or not.
fn open_unlocked(file: &Path) -> Result<Connection, Error> {
    schema::look(&MEMORY, file)?;
    let mut connection = schema::open_as(file, OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
    schema::migrate(&MEMORY, &mut connection).map_err(Error::sql(file))?;
    Ok(connection)
}

fn files(state: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = folder::memories(state);
    let files = entries(&folder)?;
    let files = files.iter().map(|entry| folder.join(entry).join(FILE));
    Ok(files.filter(|file| file.exists()).collect())
}

fn prepare(connection: &Connection, server: &str, name: &str) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT OR IGNORE INTO room (one, name, server) VALUES (1, ?1, ?2)",
        [name, server],
    )?;
    shown::prune(connection)?;
    shown::latest_use(connection)
}

/// Stores the key of the server, if there is none. Returns the key that is stored then.
fn keep_server(connection: &Connection, key: PublicKey) -> rusqlite::Result<PublicKey> {
    let keep = "UPDATE room SET server_key = ?1 WHERE server_key IS NULL";
    connection.execute(keep, [key.0])?;
    let stored = "SELECT coalesce((SELECT server_key FROM room), ?1)";
    connection.query_row(stored, [key.0], |row| row.get(0).map(PublicKey))
}

/// Stores the key of a name, if there is none. Returns the key that is stored then.
fn keep_peer(connection: &Connection, name: &str, key: PublicKey) -> rusqlite::Result<PublicKey> {
    let keep = "INSERT INTO peers (name, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.execute(keep, params![name, key.0])?;
    let stored = "SELECT key FROM peers WHERE name = ?1";
    connection.query_row(stored, [name], |row| row.get(0).map(PublicKey))
}

fn verify(connection: &Connection, name: &str, key: PublicKey) -> rusqlite::Result<bool> {
    let verify = "UPDATE peers SET verified = 1 WHERE name = ?1 AND key = ?2";
    let changed = synced(connection, |it| it.execute(verify, params![name, key.0]))?;
    Ok(changed == 1)
}

fn synced<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let written = write(connection);
    connection.pragma_update(None, "synchronous", MEMORY.synchronous)?;
    written
}

fn read_keys(connection: &Connection) -> rusqlite::Result<Option<KnownKeys>> {
    let connection = connection.unchecked_transaction()?;
    let mut statement = connection.prepare("SELECT name, server, server_key FROM room")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    // A file that was opened only for reading may be of the version before.
    let is_old = schema::version_of(&connection)? == MEMORY.oldest;
    let mut peers = connection.prepare(if is_old {
        "SELECT name, key, 0 FROM peers ORDER BY name"
    } else {
        "SELECT name, key, verified FROM peers ORDER BY name"
    })?;
    let peers = peers.query_map([], |row| {
        Ok(KnownPeer {
            name: row.get(0)?,
            key: PublicKey(row.get(1)?),
            is_verified: row.get(2)?,
        })
    })?;
    Ok(Some(KnownKeys {
        name: row.get(0)?,
        server: row.get(1)?,
        server_key: row.get::<_, Option<_>>(2)?.map(PublicKey),
        peers: peers.collect::<Result<_, _>>()?,
    }))
}
