//! Folders of stores, and the lock that excludes other processes.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Error;
use crate::platform::{hold_lock, state_folder};

/// Returns the default state folder of this platform and user; `None` without a home folder.
pub fn default_folder() -> Option<PathBuf> {
    Some(state_folder()?.join("chatapp"))
}

/// Returns the folder of the server on this port, inside of [`default_folder`].
pub fn server_folder(state: &Path, port: u16) -> PathBuf {
    state.join(format!("server-{port}"))
}

/// Returns the folder of the [`Memory`](crate::Memory) of a name at a server. The server is its
/// address as the user typed it, with its port.
pub(crate) fn memory_folder(state: &Path, server: &str, name: &str) -> PathBuf {
    memories(state).join(format!("{}@{}", file_name(name), file_name(server)))
}

/// Returns the folder of all memories.
pub(crate) fn memories(state: &Path) -> PathBuf {
    state.join("clients")
}

/// Returns whether there is anything at this path. A link that leads nowhere counts: its disk may
/// not be there yet.
pub(crate) fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Returns a file name for a name. It cannot leave its folder, and is unique even on file systems
/// that ignore case.
pub fn file_name(name: &str) -> String {
    let mut file = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => file.push(byte.into()),
            _ => file.push_str(&format!("%{byte:02x}")),
        }
    }
    file
}

/// Returns the name that has this file name; `None` if none has.
pub(crate) fn owner_of(file: &str) -> Option<String> {
    let mut name = Vec::new();
    let mut rest = file.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        name.push(match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => {
                rest = behind;
                let digits = [*high, *low];
                u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => *byte,
        });
    }
    let name = String::from_utf8(name).ok()?;
    (file_name(&name) == file).then_some(name)
}

/// Name of the lock file in its folder.
const LOCK: &str = "lock";

/// Maximum length of the content of a lock file that is read.
const LOCK_LEN_MAX: u64 = 64;

/// Lock that admits one process at a time. The operating system releases it when the process ends.
///
/// The content of its file are the marks of the database in the folder: see [`crate::wal`].
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

/// Returns the marks in the lock file of a folder, without taking the lock; none if they cannot be
/// read.
pub(crate) fn read_marks(folder: &Path) -> Vec<u32> {
    let mut text = String::new();
    let read = File::open(folder.join(LOCK))
        .and_then(|file| file.take(LOCK_LEN_MAX).read_to_string(&mut text));
    let marks: Option<Vec<u32>> = text
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect();
    read.ok().and(marks).unwrap_or_default()
}

impl Lock {
    /// Takes the lock of a folder.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(LOCK);
        match hold_lock(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Error::InUse {
                folder: folder.to_owned(),
            }),
            Err(error) => Err(Error::file(&path)(error)),
        }
    }

    /// Takes the lock of a folder; `None` if another process has it.
    pub(crate) fn take_if_free(folder: &Path) -> Result<Option<Self>, Error> {
        match Self::take(folder) {
            Ok(lock) => Ok(Some(lock)),
            Err(Error::InUse { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the marks of the database, and syncs them.
    pub(crate) fn write_marks(&self, marks: &[u32]) -> Result<(), Error> {
        let words: Vec<String> = marks.iter().map(u32::to_string).collect();
        let text = words.join(" ") + "\n";
        let mut file = &self.file;
        let written = file
            .rewind()
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.set_len(text.len() as u64))
            .and_then(|()| file.sync_data());
        written.map_err(Error::file(&self.path))
    }
}

/// Time between two attempts to take a lock that another process has.
const ATTEMPT_EACH: Duration = Duration::from_secs(1);

/// Attempts to take the lock of a folder while another process may have it.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    latest: Option<Instant>,
}

impl Attempts {
    /// Takes the lock, if it is free, and the latest attempt was a second ago.
    pub(crate) fn take(&mut self, folder: &Path) -> Result<Option<Lock>, Error> {
        let is_early = |latest: Instant| latest.elapsed() < ATTEMPT_EACH;
        if self.latest.is_some_and(is_early) {
            return Ok(None);
        }
        self.latest = Some(Instant::now());
        Lock::take_if_free(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_each_name_to_a_unique_safe_file() {
        for (name, file) in [
            ("alice_2-b", "alice_2-b"),
            ("Alice", "%41lice"),
            ("../x", "%2e%2e%2fx"),
            ("Zo\u{eb}", "%5ao%c3%ab"),
            ("a%41", "a%2541"),
        ] {
            assert_eq!(file_name(name), file);
            assert_eq!(owner_of(file).as_deref(), Some(name));
        }
        for file in [".tmp1", "Alice", "a%", "a%4", "a%zz", "%ff", "%61"] {
            assert_eq!(owner_of(file), None, "{file}");
        }
        let folder = memory_folder(Path::new("state"), "[::1]:1", "Al");
        let folder = folder.to_str().unwrap().replace('\\', "/");
        assert_eq!(folder, "state/clients/%41l@%5b%3a%3a1%5d%3a1");
    }
}
