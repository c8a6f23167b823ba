//! Backups of a room: copies that are complete, checked, and private to their owner.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::folder::Lock;
use crate::keys::{self, entries};
use crate::schema::{self, Depth, RESTORED};
use crate::store::FILE;
use crate::{Error, Report, platform, server_key_file};

/// Name of a folder with a room that a restore has replaced, before its number.
const ASIDE: &str = "replaced-";

/// Files of a room that a restore moves aside, in this order: a server never finds the database
/// without its log, or the log without its database but unnoticed.
const ROOM_FILES: [&str; 5] = [FILE, "room.db-wal", "room.db-shm", "room.db-journal", "key"];

/// Copies the room in a folder, with its key, into a new folder or an empty one. A server may use
/// the room meanwhile. The new folder appears complete, or not at all.
///
/// # Errors
/// Returns an error if there is no room, or it is damaged, or its key is missing. Returns an error
/// if the new folder is not empty or cannot be written.
pub fn backup(folder: &Path, to: &Path) -> Result<Report, Error> {
    keys::check_not_lost(folder)?;
    let room = schema::look(&schema::ROOM, &folder.join(FILE))?;
    if !entries(to)?.is_empty() {
        return Err(Error::Occupied {
            folder: to.to_owned(),
        });
    }
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    platform::make_private(parent).map_err(Error::file(parent))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".chatapp-backup-");
    platform::private_folder(&mut builder);
    let unfinished = builder.tempdir_in(parent).map_err(Error::file(parent))?;
    copy(&room, &unfinished.path().join(FILE))?;
    keys::copy_server_key(folder, unfinished.path())?;
    platform::sync(unfinished.path()).map_err(Error::file(unfinished.path()))?;
    platform::remove_empty(to).map_err(Error::file(to))?;
    fs::rename(unfinished.path(), to).map_err(Error::file(to))?;
    // The folder has another name now: there is nothing left to remove.
    let _ = unfinished.keep();
    platform::sync(parent).map_err(Error::file(parent))?;
    Report::of(to)
}

/// A room that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Content of the room.
    pub report: Report,
    /// Folder with the files of the room that was there before.
    pub replaced: Option<PathBuf>,
}

/// Restores a room and its key from a backup. The room gets a new store epoch, so clients that ran
/// meanwhile do not take its next messages for old ones. It has no medium-term keys until the
/// clients publish theirs again: they may have deleted the secrets of those in the backup.
///
/// A room that is there is an error, unless `force` is set: then its files are moved into a folder
/// of their own. Nothing is deleted.
///
/// # Errors
/// Returns an error if the backup has no room, or it is damaged, or its key is missing; if a server
/// uses the folder; if there is a room in the folder and `force` is not set; or if the folder
/// cannot be written.
pub fn restore_backup(backup: &Path, folder: &Path, force: bool) -> Result<Restored, Error> {
    keys::check_not_lost(backup)?;
    let source = schema::look(&schema::ROOM, &backup.join(FILE))?;
    platform::make_private(folder).map_err(Error::file(folder))?;
    let lock = Lock::take(folder)?;
    let is_same_key =
        server_key_file(folder).exists() && keys::has_same_server_key(backup, folder)?;
    let in_the_way: Vec<&str> = ROOM_FILES
        .into_iter()
        .filter(|name| folder.join(name).exists() && !(*name == "key" && is_same_key))
        .collect();
    // Without content, the files that SQLite leaves beside a database are not worth a question.
    let has_content = |name: &&&str| {
        folder
            .join(name)
            .metadata()
            .is_ok_and(|file| file.len() > 0)
    };
    let first = in_the_way
        .iter()
        .filter(|name| !name.ends_with("-shm"))
        .find(has_content);
    if let (false, Some(first)) = (force, first) {
        return Err(Error::Replaces {
            file: folder.join(first),
        });
    }
    // From here on, a server refuses the folder until the restore is complete.
    let unfinished = folder.join(FILE).with_extension(RESTORED);
    schema::remove_unfinished(&unfinished)?;
    if let Err(error) = copy(&source, &unfinished).and_then(|()| start_epoch(&unfinished)) {
        // Nothing has changed yet. The error says what failed first.
        let _ = schema::remove_unfinished(&unfinished);
        return Err(error);
    }
    let replaced = move_aside(folder, &in_the_way)?;
    if !is_same_key {
        keys::copy_server_key(backup, folder)?;
    }
    // The marks are those of the room that was there before.
    lock.write_marks(&[])?;
    let file = folder.join(FILE);
    fs::rename(&unfinished, &file).map_err(Error::file(&file))?;
    platform::sync(folder).map_err(Error::file(folder))?;
    let report = Report::of(folder)?;
    Ok(Restored { report, replaced })
}

/// Moves these files into a new folder; returns it, if there are any.
fn move_aside(folder: &Path, names: &[&str]) -> Result<Option<PathBuf>, Error> {
    if names.is_empty() {
        return Ok(None);
    }
    let aside = (1_u32..)
        .map(|number| folder.join(format!("{ASIDE}{number}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| folder.join(ASIDE));
    platform::make_private(&aside).map_err(Error::file(&aside))?;
    for name in names {
        let file = folder.join(name);
        fs::rename(&file, aside.join(name)).map_err(Error::file(&file))?;
    }
    platform::sync(&aside)
        .and_then(|()| platform::sync(folder))
        .map_err(Error::file(&aside))?;
    Ok(Some(aside))
}

/// Checks the room in a folder and its key. Changes nothing; a server may use the room meanwhile.
///
/// # Errors
/// Returns an error if there is no room, or it is damaged, or the server would refuse it. Returns
/// an error if its key is missing, no key, or readable by other users.
pub fn check(folder: &Path) -> Result<Report, Error> {
    let unfinished = folder.join(FILE).with_extension(RESTORED);
    if unfinished.exists() {
        return Err(Error::Unfinished { file: unfinished });
    }
    let file = folder.join(FILE);
    let connection = schema::look(&schema::ROOM, &file)?;
    schema::check_content(&connection, &file, Depth::Full)?;
    drop(connection);
    keys::check_server_key(folder)?;
    Report::of(folder)
}

/// Removes a name from the room in a folder that no server uses, with the messages that wait for
/// it. The name is then free, also for other keys. Returns how many messages waited.
///
/// # Errors
/// Returns an error if there is no room, or a server uses it, or the name is not in it.
pub fn forget_name(folder: &Path, name: &str) -> Result<u32, Error> {
    let file = folder.join(FILE);
    drop(schema::look(&schema::ROOM, &file)?);
    let lock = Lock::take(folder)?;
    let mut room = schema::open(&schema::ROOM, &file, &lock, None)?;
    let waited = remove(&mut room, name).map_err(Error::sql(&file))?;
    waited.ok_or_else(|| Error::NoName {
        name: name.to_owned(),
        file,
    })
}

fn remove(room: &mut Connection, name: &str) -> rusqlite::Result<Option<u32>> {
    let transaction = room.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // No later message gets the number of one that is gone.
    transaction.execute(
        "UPDATE room SET
            serial = max(serial, (SELECT coalesce(max(serial), 0) FROM mail),
                (SELECT coalesce(max(handed_over), 0) FROM names)),
            log_next = max(log_next, (SELECT coalesce(max(log_next), 0) FROM names),
                (SELECT coalesce(max(number), 0) + 1 FROM channel))",
        [],
    )?;
    let waited = transaction.query_row(
        "SELECT count(*) FROM mail JOIN names ON name = recipient
         WHERE recipient = ?1 AND serial > handed_over",
        [name],
        |row| row.get(0),
    )?;
    transaction.execute("DELETE FROM mail WHERE recipient = ?1", [name])?;
    let removed = transaction.execute("DELETE FROM names WHERE name = ?1", [name])?;
    transaction.commit()?;
    Ok((removed != 0).then_some(waited))
}

/// Copies a room into a new file that only this user can read, checks and syncs it. SQLite reads
/// one state, whatever a server writes meanwhile.
fn copy(room: &Connection, to: &Path) -> Result<(), Error> {
    platform::open_private(to).map_err(Error::file(to))?;
    // A file name that is no text would need more care than it is worth.
    let target = to.to_str().ok_or_else(|| {
        let error = std::io::Error::from(ErrorKind::InvalidFilename);
        Error::file(to)(error)
    })?;
    room.execute("VACUUM INTO ?1", params![target])
        .map_err(Error::sql(to))?;
    let copied = schema::look(&schema::ROOM, to)?;
    schema::check_content(&copied, to, Depth::Full)?;
    drop(copied);
    platform::open_private(to)
        .and_then(|file| file.sync_all())
        .map_err(Error::file(to))
}

/// Gives a restored room a new store epoch: its numbers repeat those that clients saw since the
/// backup.
fn start_epoch(file: &Path) -> Result<(), Error> {
    let room = schema::open_as(file, OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
    room.pragma_update(None, "journal_mode", "MEMORY")
        .and_then(|()| room.pragma_update(None, "synchronous", "FULL"))
        .and_then(|()| room.execute("UPDATE room SET epoch = random()", []))
        // Clients may have deleted the secrets of these keys since.
        .and_then(|_| room.execute("UPDATE names SET medium_key = NULL", []))
        .map_err(Error::sql(file))?;
    room.close().map_err(|(_, error)| Error::sql(file)(error))?;
    platform::open_private(file)
        .and_then(|file| file.sync_all())
        .map_err(Error::file(file))
}
