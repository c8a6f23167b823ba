//! All that makes a person on one machine, as one block of bytes to carry to another: private keys,
//! and what is remembered under each name.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Error;
use crate::folder::{self, Lock};
use crate::keys::{self, entries};
use crate::{medium, memory, platform};

/// Kinds of files, in the order in which they are put in their places: a key comes last. Without
/// it, nothing uses the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    /// The secrets of medium-term keys.
    Medium,
    /// The known keys, and which messages were shown.
    Memory,
    /// A private key.
    Key,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Medium, Self::Memory, Self::Key];

    /// Returns the folder that has the files of this kind, or a folder for each of them.
    fn folder(self, state: &Path) -> PathBuf {
        match self {
            Self::Medium => medium::folder(state),
            Self::Memory => folder::memories(state),
            Self::Key => keys::folder(state),
        }
    }

    /// Returns the file with this entry of the folder.
    fn file(self, state: &Path, entry: &str) -> PathBuf {
        let place = self.folder(state).join(entry);
        match self {
            Self::Medium => place.join(medium::FILE),
            Self::Memory => place.join(memory::FILE),
            Self::Key => place,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Part {
    kind: Kind,
    entry: String,
    content: Zeroizing<Vec<u8>>,
}

/// The names of a person with their private keys, known keys and medium-term keys. It does not have
/// the chat log, the history of lines or the configuration file.
pub struct PersonExport {
    parts: Vec<Part>,
}

impl std::fmt::Debug for PersonExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PersonExport").field(&self.names()).finish()
    }
}

impl PersonExport {
    /// Collects all names with a key in a state folder, and nothing of other names.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, or if a client uses one: it would change what is
    /// collected.
    pub fn collect(state: &Path) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let keys = entries(&Kind::Key.folder(state))?;
        for kind in Kind::ALL {
            for entry in entries(&kind.folder(state))? {
                // Other files are those of unfinished writes.
                let Some(entry) = entry.to_str().filter(|entry| is_entry(entry)) else {
                    continue;
                };
                let file = kind.file(state, entry);
                let has_key = || keys.iter().any(|key| key == owner_entry(entry));
                if !file.exists() || !has_key() {
                    continue;
                }
                parts.push(Part {
                    kind,
                    entry: entry.to_owned(),
                    content: read(kind, &file)?,
                });
            }
        }
        Ok(Self { parts })
    }

    /// Returns the names, sorted.
    pub fn names(&self) -> Vec<String> {
        let keys = self.parts.iter().filter(|part| part.kind == Kind::Key);
        let mut names: Vec<_> = keys
            .filter_map(|part| folder::owner_of(&part.entry))
            .collect();
        names.sort_unstable();
        names
    }

    /// Returns all of it as bytes. They are secret.
    ///
    /// # Errors
    /// Returns an error if there is too much for the memory.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let failed = |error: postcard::Error| Error::NoExport(error.to_string());
        // No copies of secrets stay behind, as they would in a vector that grows.
        let len = postcard::experimental::serialized_size(&self.parts).map_err(failed)?;
        let mut bytes = Zeroizing::new(vec![0; len]);
        postcard::to_slice(&self.parts, &mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has returned.
    ///
    /// # Errors
    /// Returns an error if the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let read = postcard::from_bytes::<Vec<Part>>(bytes);
        let mut parts = read.map_err(|error| Error::NoExport(error.to_string()))?;
        if let Some(part) = parts.iter().find(|part| !is_entry(&part.entry)) {
            return Err(Error::NoExport(format!("{:?} is no entry", part.entry)));
        }
        // The memory of a name decides which keys its client trusts. Only a file that has the name
        // may have a memory of it.
        let keys = parts.iter().filter(|part| part.kind == Kind::Key);
        let keys: Vec<_> = keys.map(|part| &*part.entry).collect();
        let foreign = |part: &&Part| !keys.contains(&owner_entry(&part.entry));
        if let Some(part) = parts.iter().find(foreign) {
            let what = format!("it has {:?}, but no key of that name", part.entry);
            return Err(Error::NoExport(what));
        }
        parts.sort_by(|one, other| (one.kind, &one.entry).cmp(&(other.kind, &other.entry)));
        Ok(Self { parts })
    }

    /// Puts everything in its place in a state folder, and syncs it. No file is replaced: a name
    /// that has another key or memory there already is an error, and nothing is changed then. After
    /// an import that was interrupted, the same one completes it.
    ///
    /// # Errors
    /// Returns an error if a file is in the way, or cannot be written.
    pub fn place(&self, state: &Path) -> Result<(), Error> {
        let mut missing = Vec::new();
        for part in &self.parts {
            let file = part.kind.file(state, &part.entry);
            match fs::read(&file).map(Zeroizing::new) {
                Ok(content) if content == part.content => {}
                Ok(_) => return Err(Error::Imported { file }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    missing.push((file, part));
                }
                Err(error) => return Err(Error::file(&file)(error)),
            }
        }
        for (file, part) in missing {
            let folder = file.parent().unwrap_or(state);
            platform::make_private(folder).map_err(Error::file(folder))?;
            if !keys::create_file(&file, &part.content).map_err(Error::file(&file))? {
                return Err(Error::Imported { file });
            }
        }
        Ok(())
    }
}

/// Returns whether this is the name of a file or folder as this program gives them. It cannot leave
/// its folder.
fn is_entry(entry: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !entry.is_empty()
        && entry.len() <= 255
        && entry
            .bytes()
            .all(|byte| is_plain(byte) || b"-_%@".contains(&byte))
}

/// Returns the entry of the key of a name, of any entry of the name.
fn owner_entry(entry: &str) -> &str {
    entry.split_once('@').map_or(entry, |(owner, _)| owner)
}

fn read(kind: Kind, file: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let folder = file.parent().unwrap_or(file);
    // A client that runs has the lock, and would replace its keys.
    let _lock = match kind {
        Kind::Key => None,
        Kind::Medium | Kind::Memory => Some(Lock::take(folder)?),
    };
    match kind {
        Kind::Memory => memory::copy(file),
        Kind::Medium | Kind::Key => keys::read_private_file(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, private_key};
    use chatapp_core::{ClientRecord, PublicKey};

    const SERVER: &str = "localhost:4119";

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Creates a state folder of alice, who knows a server.
    fn alice() -> tempfile::TempDir {
        let state = folder();
        private_key(&keys::client_key_file(state.path(), "alice"), &[7; 32]).unwrap();
        let mut memory = Memory::open(state.path(), SERVER, "alice").unwrap();
        let known = ClientRecord::ServerKey(PublicKey([9; 32]));
        memory.note(known).unwrap();
        let (name, key) = ("mallory", PublicKey([8; 32]));
        memory.note(ClientRecord::Ignored { name, key }).unwrap();
        state
    }

    #[test]
    fn carries_keys_and_memory_to_another_folder() {
        let (here, there) = (alice(), folder());
        let export = PersonExport::collect(here.path()).unwrap();
        assert_eq!(export.names(), ["alice"]);
        let bytes = export.to_bytes().unwrap();
        let read = PersonExport::from_bytes(&bytes).unwrap();
        read.place(there.path()).unwrap();
        read.place(there.path()).expect("an import can be repeated");
        for read in [crate::own_names, |state: &Path| {
            crate::known_keys(state).map(|known| {
                let known = known.into_iter();
                known
                    .map(|one| (one.server, one.server_key.unwrap()))
                    .collect()
            })
        }] {
            assert_eq!(read(here.path()).unwrap(), read(there.path()).unwrap());
        }
        assert_eq!(crate::known_keys(there.path()).unwrap().len(), 1);
        let memory = Memory::open(there.path(), SERVER, "alice").unwrap();
        let is_ignored = |record: ClientRecord<'_>| matches!(record, ClientRecord::Ignored { .. });
        let missing = memory.restore(|record| !is_ignored(record)).unwrap();
        assert_eq!(missing, 1, "the ignored key");
    }

    #[test]
    fn refuses_entries_of_names_without_key() {
        for kind in [Kind::Memory, Kind::Medium] {
            let entry = |kind, entry: &str| Part {
                kind,
                entry: entry.to_owned(),
                content: Zeroizing::new(vec![1]),
            };
            let parts = vec![
                entry(kind, "alice@here%3a1"),
                entry(Kind::Key, "mallory"),
                entry(kind, "mallory@here%3a1"),
            ];
            let bytes = PersonExport { parts }.to_bytes().unwrap();
            let error = PersonExport::from_bytes(&bytes).unwrap_err().to_string();
            let line = r#"it has "alice@here%3a1", but no key of that name"#;
            assert!(error.ends_with(line), "{error}");
        }
    }

    #[test]
    fn leaves_out_names_without_key() {
        let here = alice();
        drop(Memory::open(here.path(), SERVER, "bob").unwrap());
        let export = PersonExport::collect(here.path()).unwrap();
        let read = PersonExport::from_bytes(&export.to_bytes().unwrap()).unwrap();
        let entries: Vec<_> = read.parts.iter().map(|part| &*part.entry).collect();
        assert_eq!(entries, ["alice@localhost%3a4119", "alice"]);
    }

    #[test]
    fn replaces_nothing() {
        let (here, there) = (alice(), folder());
        let other = keys::client_key_file(there.path(), "alice");
        private_key(&other, &[8; 32]).unwrap();
        let export = PersonExport::collect(here.path()).unwrap();
        let failed = export.place(there.path());
        assert!(matches!(failed, Err(Error::Imported { file }) if file == other));
        assert!(!folder::memories(there.path()).exists(), "all or nothing");
    }

    #[test]
    fn waits_for_clients_to_end() {
        let here = alice();
        let _running = Memory::open(here.path(), SERVER, "alice").unwrap();
        let failed = PersonExport::collect(here.path());
        assert!(matches!(failed, Err(Error::InUse { .. })));
    }

    #[test]
    fn leaves_the_folder_for_no_entry() {
        for entry in ["", "..", "../keys/alice", "a/b", "a\\b", "A", "c:"] {
            let parts = [Part {
                kind: Kind::Key,
                entry: entry.to_owned(),
                content: Zeroizing::new(vec![1]),
            }];
            let mut bytes = [0; 64];
            let bytes = postcard::to_slice(&parts[..], &mut bytes).unwrap();
            let read = PersonExport::from_bytes(bytes);
            assert!(matches!(read, Err(Error::NoExport(_))), "{entry:?}");
        }
        assert!(PersonExport::from_bytes(b"\x05 no export").is_err());
    }
}
