//! Key options: the identity of this program, and the allow list.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chatapp_console::without_mark;
use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{AllowEntry, Identity, Name, PublicKey, StaticKey};
use chatapp_mio::fill_random;
use chatapp_store as store;
use clap::Args;
use zeroize::Zeroizing;

use crate::data::unusable;
use crate::exit::{Exit, Failure};
use crate::secret::Secret;
use crate::spelling;

/// Options about keys.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Access")]
pub(crate) struct KeyOptions {
    /// Only clients with the same key file can see that there is a room; `ChatApp keys new-room`
    /// makes it
    #[arg(long, value_name = "FILE")]
    room_key: Option<PathBuf>,

    /// The secret of the room in an invitation.
    #[arg(skip)]
    invited_to: Option<Secret>,

    /// The server's public key, as `ChatApp keys server` prints it: no other one is trusted
    #[arg(
        long, value_name = "KEY", value_parser = parse_public_key, requires = "client",
        conflicts_with = "server"
    )]
    server_key: Option<PublicKey>,

    /// Only these names may register: each line of this file is `name` or `name key`, as `ChatApp
    /// keys show` prints it
    #[arg(
        long,
        value_name = "FILE",
        requires = "server",
        conflicts_with = "client"
    )]
    allow_file: Option<PathBuf>,
}

impl KeyOptions {
    /// Returns the identity of a client. Loads its key from the file, or creates the file. Without
    /// a file, the key exists only in this process.
    pub(crate) fn identity(&self, file: Option<&Path>) -> Result<Identity, Failure> {
        self.identity_of(file, store::private_key)
    }

    /// Returns the identity of a server with this folder, as [`identity`](Self::identity) does.
    pub(crate) fn server_identity(&self, folder: Option<&Path>) -> Result<Identity, Failure> {
        self.identity_of(folder, store::server_key)
    }

    fn identity_of(
        &self,
        place: Option<&Path>,
        load: impl FnOnce(&Path, &[u8; KEY_LEN]) -> Result<StaticKey, store::Error>,
    ) -> Result<Identity, Failure> {
        let fresh = random()?;
        let key = match place {
            Some(place) => load(place, &fresh).map_err(unusable)?,
            None => StaticKey::new(*fresh),
        };
        let room = self.room_key.as_deref().map(store::room_key).transpose();
        let invited_to = || self.invited_to.as_ref().map(Secret::key);
        Ok(Identity::new(
            key,
            room.map_err(unusable)?.or_else(invited_to),
        ))
    }

    /// Uses the secret of an invitation, unless there is a file with the key of the room.
    pub(crate) fn invite_to(&mut self, room: Option<Secret>) {
        self.invited_to = room;
    }

    /// Returns the key that the server must have.
    pub(crate) fn server_key(&self) -> Option<PublicKey> {
        self.server_key
    }

    /// Returns the allow list, sorted by name; `None` admits all names.
    pub(crate) fn allow_list(&self) -> Result<Option<Vec<AllowEntry>>, Failure> {
        let Some(file) = &self.allow_file else {
            return Ok(None);
        };
        let wrong = |what: String| Failure::new(Exit::Usage, format!("{}{what}", file.display()));
        let text = fs::read_to_string(file)
            .map_err(|error| wrong(format!(" cannot be read as an allow list: {error}")))?;
        read_list(&text)
            .map(Some)
            .map_err(|(line, what)| wrong(format!(", line {line}: {what}")))
    }
}

fn parse_public_key(digits: &str) -> Result<PublicKey, String> {
    let key = store::parse_key(digits).map(PublicKey);
    key.ok_or_else(|| "a key has 64 hexadecimal digits".to_owned())
}

/// Maximum number of entries of all allow lists of a process. A list stays in memory until the
/// process ends, because the server borrows it.
const ALLOW_ENTRIES_MAX: usize = 1 << 20;

/// The present allow list of a server, which can be replaced.
#[derive(Debug)]
pub(crate) struct AllowList {
    entries: Option<&'static [AllowEntry]>,
    /// Entries of all lists so far.
    kept: usize,
}

impl AllowList {
    /// Keeps the first list; `None` admits all names.
    pub(crate) fn new(entries: Option<Vec<AllowEntry>>) -> Self {
        let entries: Option<&[AllowEntry]> = entries.map(|entries| &*entries.leak());
        Self {
            kept: entries.map_or(0, <[_]>::len),
            entries,
        }
    }

    /// Returns the present list.
    pub(crate) fn entries(&self) -> Option<&'static [AllowEntry]> {
        self.entries
    }

    /// Replaces the list, and returns it. A list without changes costs no memory.
    ///
    /// # Errors
    /// Returns an error if the lists of this process have too many entries.
    pub(crate) fn replace(
        &mut self,
        entries: Option<Vec<AllowEntry>>,
    ) -> Result<Option<&'static [AllowEntry]>, Failure> {
        if entries.as_deref() != self.entries {
            let kept = self.kept + entries.as_ref().map_or(0, Vec::len);
            if kept > ALLOW_ENTRIES_MAX && self.kept != 0 {
                let message = "it was reloaded too often: restart the server";
                return Err(Failure::new(Exit::System, message));
            }
            self.entries = entries.map(|entries| &*entries.leak());
            self.kept = kept;
        }
        Ok(self.entries)
    }
}

/// Returns 32 unpredictable bytes from the operating system.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill_random(&mut bytes).map_err(Failure::system("cannot get random numbers"))?;
    Ok(bytes)
}

/// Parses `name` or `name key` on each line; a word that begins with `#` starts a comment. A line
/// may begin with a byte order mark.
///
/// # Errors
/// Returns the number of the wrong line and the problem.
fn read_list(text: &str) -> Result<Vec<AllowEntry>, (usize, String)> {
    let mut allow_list = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let mut words = without_mark(line).split_whitespace();
        let mut words = words.by_ref().take_while(|word| !word.starts_with('#'));
        let (name, key, more) = (words.next(), words.next(), words.next());
        let Some(name) = name else { continue };
        if let Some(more) = more {
            return Err((number, format!("unexpected {more:?} after the key")));
        }
        let usual = spelling::of(name);
        let key = key.map(|digits| parse_public_key(digits).map_err(|error| (number, error)));
        let key = key.transpose()?;
        // A name that is in the room may be older than the rules.
        let old = (usual != name).then_some(name);
        for name in [&*usual].into_iter().chain(old) {
            let name = Name::new(name).map_err(|error| (number, error.to_string()))?;
            let entry = AllowEntry {
                name: name.clone(),
                key,
            };
            if allow_list.insert(name.as_str().to_owned(), entry).is_some() {
                return Err((number, format!("{name} is listed twice")));
            }
        }
    }
    Ok(allow_list.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_an_allow_list() {
        let key = "ab".repeat(32);
        let text = format!("# members\n\nzoe\n  bob\t{key} # one laptop\nalice # any key\n");
        let read = read_list(&text).unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|one| (one.name.as_str(), one.key))
            .collect();
        let bob = Some(PublicKey([0xab; 32]));
        assert_eq!(read, [("alice", None), ("bob", bob), ("zoe", None)]);
        assert_eq!(read_list("# nobody"), Ok(vec![]));
        let old = read_list("Zoe\u{308}").unwrap();
        let old: Vec<_> = old.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(old, ["Zoe\u{308}", "Zo\u{eb}"], "it is in the room, or new");
        let marked = read_list("\u{feff}# members\nbob\n\u{feff}zoe\n").unwrap();
        assert_eq!(marked.len(), 2, "a byte order mark is part of a name");
    }

    #[test]
    fn reports_mistakes_with_their_line() {
        let long = format!("alice\n{}", "n".repeat(33));
        for (text, line, words) in [
            ("alice ab", 1, "64 hexadecimal digits"),
            ("\nalice\nalice", 3, "alice is listed twice"),
            (&*long, 2, "32 bytes"),
        ] {
            let (at, what) = read_list(text).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(what.contains(words), "{what}");
        }
        let more = format!("bob {} too", "ab".repeat(32));
        assert!(read_list(&more).unwrap_err().1.contains("\"too\""));
    }
}
