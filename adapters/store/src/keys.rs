//! Key files with 64 hexadecimal digits each: private keys, which only their owner may read, and
//! room keys.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{PublicKey, RoomKey, StaticKey};
use zeroize::Zeroizing;

use crate::Error;
use crate::store::FILE;
use crate::{folder, platform};

/// Maximum length of a key file: the digits and any line end.
const FILE_LEN_MAX: usize = 128;

/// Returns the file of the private key of a client's name.
pub fn client_key_file(state: &Path, name: &str) -> PathBuf {
    folder(state).join(folder::file_name(name))
}

/// Returns the folder with the private keys of a client's names.
pub(crate) fn folder(state: &Path) -> PathBuf {
    state.join("keys")
}

/// Returns the file of the private key of the server with this folder.
pub fn server_key_file(folder: &Path) -> PathBuf {
    folder.join("key")
}

/// Returns the private key in a file. If the file does not exist, creates it from the 32
/// unpredictable bytes, and syncs it before use. Two processes that do this at once get the same
/// key.
///
/// # Errors
/// Returns an error if the file cannot be read or created, contains no key, belongs to another
/// user, or is open to other users.
pub fn private_key(file: &Path, fresh: &[u8; KEY_LEN]) -> Result<StaticKey, Error> {
    if !file.exists() {
        folder_of(file)
            .map_or(Ok(()), platform::make_private)
            .and_then(|()| create(file, fresh))
            .map_err(Error::file(file))?;
    } else if !file.is_file() {
        // A pipe would keep its reader waiting.
        return Err(Error::NoKey {
            file: file.to_owned(),
        });
    }
    read_private(file).map(|key| StaticKey::new(*key))
}

/// Returns the private key of the server with this folder; creates it, as [`private_key`] does, if
/// there is no room yet. The clients of a room trust only its key, so a room without one needs its
/// operator.
///
/// # Errors
/// Returns the errors of [`private_key`], and an error if there is a room without a key.
pub fn server_key(folder: &Path, fresh: &[u8; KEY_LEN]) -> Result<StaticKey, Error> {
    check_not_lost(folder)?;
    private_key(&server_key_file(folder), fresh)
}

/// Checks that the key of a room is there, if there is a room.
pub(crate) fn check_not_lost(folder: &Path) -> Result<(), Error> {
    let (key, file) = (server_key_file(folder), folder.join(FILE));
    if key.exists() || !folder::is_taken(&file) {
        return Ok(());
    }
    Err(Error::KeyMissing { key, file })
}

/// Copies the key of a server into another folder, in which there is none, and syncs the copy.
pub(crate) fn copy_server_key(from: &Path, to: &Path) -> Result<(), Error> {
    let key = read(&server_key_file(from))?;
    let copy = server_key_file(to);
    if create(&copy, &key).map_err(Error::file(&copy))? {
        return Ok(());
    }
    Err(Error::Exists { file: copy })
}

/// Returns whether two folders have the same key of a server.
pub(crate) fn has_same_server_key(one: &Path, other: &Path) -> Result<bool, Error> {
    Ok(*read(&server_key_file(one))? == *read(&server_key_file(other))?)
}

/// Checks that the key of a server can be read, and by its owner only.
pub(crate) fn check_server_key(folder: &Path) -> Result<(), Error> {
    check_not_lost(folder)?;
    let key = server_key_file(folder);
    read_private(&key).map(drop)
}

/// Reads a room key from a file.
///
/// # Errors
/// Returns an error if the file cannot be read, contains no key, belongs to another user, or is
/// open to other users.
pub fn room_key(file: &Path) -> Result<RoomKey, Error> {
    room_secret(file).map(|key| RoomKey::new(*key))
}

/// Reads the secret bytes of a room key from a file, to pass them on to a member.
///
/// # Errors
/// Those of [`room_key`].
pub fn room_secret(file: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, Error> {
    read_private(file)
}

/// Creates a new file with a room key from these 32 bytes.
///
/// # Errors
/// Returns an error if the file exists already, or cannot be created.
pub fn make_room_key(file: &Path, fresh: &[u8; KEY_LEN]) -> Result<(), Error> {
    if create(file, fresh).map_err(Error::file(file))? {
        return Ok(());
    }
    Err(Error::Exists {
        file: file.to_owned(),
    })
}

/// Returns the names with a key in this folder, sorted, with their public keys.
///
/// # Errors
/// Returns an error if one of the files cannot be read.
pub fn own_names(state: &Path) -> Result<Vec<(String, PublicKey)>, Error> {
    let folder = folder(state);
    let mut names = Vec::new();
    for entry in entries(&folder)? {
        if let Some(name) = entry.to_str().and_then(folder::owner_of) {
            names.push((name, public_key(&folder.join(entry))?));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Returns the server folders here, this folder or those in it, with their public keys.
///
/// # Errors
/// Returns an error if one of the files cannot be read.
pub fn own_servers(state: &Path) -> Result<Vec<(PathBuf, PublicKey)>, Error> {
    let mut folders = vec![state.to_owned()];
    folders.extend(entries(state)?.iter().map(|entry| state.join(entry)));
    folders.sort_unstable();
    folders.retain(|folder| server_key_file(folder).is_file());
    folders
        .into_iter()
        .map(|folder| public_key(&server_key_file(&folder)).map(|key| (folder, key)))
        .collect()
}

/// Parses 32 bytes from 64 hexadecimal digits.
pub fn parse_key(digits: &str) -> Option<[u8; KEY_LEN]> {
    let mut key = [0; KEY_LEN];
    let len = base16ct::mixed::decode(digits, &mut key).ok()?.len();
    (len == KEY_LEN).then_some(key)
}

fn public_key(file: &Path) -> Result<PublicKey, Error> {
    read(file).map(|key| StaticKey::new(*key).public())
}

/// Returns the names of all files in a folder; none if the folder does not exist.
pub(crate) fn entries(folder: &Path) -> Result<Vec<std::ffi::OsString>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()
            .map_err(Error::file(folder)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file(folder)(error)),
    }
}

/// Reads a file that nobody else may know.
///
/// # Errors
/// Returns an error if the file cannot be read, belongs to another user, or is open to other users.
pub fn read_private_file(file: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut opened = File::open(file).map_err(Error::file(file))?;
    platform::check_private(&opened, file)?;
    let len = opened.metadata().map_or(0, |metadata| metadata.len());
    // With room for all of it, the vector does not grow, and leaves no copy behind.
    let room = usize::try_from(len).unwrap_or(0) + 32;
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    opened
        .read_to_end(&mut content)
        .map_err(Error::file(file))?;
    Ok(content)
}

/// Reads a key that nobody else may know.
fn read_private(file: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, Error> {
    let opened = File::open(file).map_err(Error::file(file))?;
    platform::check_private(&opened, file)?;
    read_from(opened, file)
}

fn read(file: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, Error> {
    let opened = File::open(file).map_err(Error::file(file))?;
    read_from(opened, file)
}

/// Reads a key without any buffer that would hold a copy of it.
fn read_from(mut opened: File, file: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, Error> {
    let mut text = Zeroizing::new([0; FILE_LEN_MAX]);
    let mut len = 0;
    loop {
        match opened.read(&mut text[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::file(file)(error)),
        }
    }
    let text = str::from_utf8(&text[..len]);
    // An editor may have put a byte order mark in front.
    let digits = text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text).trim());
    let key = digits.ok().and_then(parse_key).map(Zeroizing::new);
    key.ok_or_else(|| Error::NoKey {
        file: file.to_owned(),
    })
}

/// Creates a file with a key, as [`create_file`] does.
fn create(file: &Path, key: &[u8; KEY_LEN]) -> io::Result<bool> {
    let mut text = Zeroizing::new([b'\n'; 2 * KEY_LEN + 1]);
    base16ct::lower::encode(key, text.as_mut_slice()).map_err(io::Error::other)?;
    create_file(file, text.as_slice())
}

/// Creates a file for this user alone. It appears only once it is complete and synced. Returns
/// false if it exists already.
///
/// # Errors
/// Returns the error of the operating system.
pub fn create_file(file: &Path, content: &[u8]) -> io::Result<bool> {
    let folder = folder_of(file).unwrap_or(Path::new("."));
    // Temporary files are private to this user.
    let mut unfinished = tempfile::Builder::new().prefix(".").tempfile_in(folder)?;
    unfinished.write_all(content)?;
    unfinished.as_file().sync_all()?;
    match unfinished.persist_noclobber(file) {
        Ok(_) => platform::sync(folder).map(|()| true),
        Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(failed) => Err(failed.error),
    }
}

fn folder_of(file: &Path) -> Option<&Path> {
    file.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
}
