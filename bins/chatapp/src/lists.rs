//! The files of a server's operator that name clients: those that may register, and those that are
//! kept out. Both can be read again while the server runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chatapp_console::without_mark;
use chatapp_core::{AllowEntry, DenyEntry, Name, Server, Subject};

use crate::exit::{Exit, Failure};
use crate::keys::{KeyOptions, parse_public_key};
use crate::order::subject;
use crate::spelling;

/// The number of a wrong line, and what is wrong with it.
type Mistake = (usize, String);

/// The lists of a server.
pub(crate) struct Lists {
    allow: Kept<AllowEntry>,
    deny: Kept<DenyEntry>,
}

impl Lists {
    /// Reads the files, if there are any.
    ///
    /// # Errors
    /// Returns a failure that names the file, and the line with a mistake.
    pub(crate) fn read(keys: &KeyOptions) -> Result<Self, Failure> {
        Ok(Self {
            allow: Kept::new(allow_list(keys)?),
            deny: Kept::new(deny_list(keys)?),
        })
    }

    /// Gives the lists to a server that has restored its records.
    pub(crate) fn apply(&self, server: &mut Server<'_>) {
        if let Some(entries) = self.allow.entries {
            server.set_allow_list(entries);
        }
        if let Some(entries) = self.deny.entries {
            server.set_deny_list(entries);
        }
    }

    /// Reads the files again. Clients that may not be in the room any more are put out. A list
    /// whose file has a mistake stays as it was.
    ///
    /// # Errors
    /// Returns the message about all lists, as it does without an error.
    pub(crate) fn reload(
        &mut self,
        keys: &KeyOptions,
        server: &mut Server<'_>,
    ) -> Result<String, String> {
        let allowed = allow_list(keys).and_then(|list| self.allow.replace(list));
        if let Ok(Some(entries)) = allowed {
            server.set_allow_list(entries);
        }
        let denied = deny_list(keys).and_then(|list| self.deny.replace(list));
        if let Ok(Some(entries)) = denied {
            server.set_deny_list(entries);
        }
        let is_done = allowed.is_ok() && denied.is_ok();
        let allowed = report("allow list", ["name", "names"], &allowed);
        let denied = report("deny list", ["entry", "entries"], &denied);
        let reports: Vec<String> = allowed.into_iter().chain(denied).collect();
        let message = if reports.is_empty() {
            "there is no allow or deny list to reload".to_owned()
        } else {
            reports.join("; ")
        };
        if is_done { Ok(message) } else { Err(message) }
    }
}

/// Returns what became of a list; `None` without one.
fn report<T>(
    list: &str,
    [one, many]: [&str; 2],
    entries: &Result<Option<&[T]>, Failure>,
) -> Option<String> {
    Some(match entries {
        Ok(None) => return None,
        Ok(Some(entries)) => {
            let count = entries.len();
            let unit = if count == 1 { one } else { many };
            format!("the {list} is reloaded: {count} {unit}")
        }
        Err(failure) => format!("the {list} stays as it was: {failure}"),
    })
}

/// Maximum number of entries of all lists of one kind in a process. A list stays in memory until
/// the process ends, because the server borrows it.
const ENTRIES_MAX: usize = 1 << 20;

/// A list that the server borrows, and that can be replaced.
#[derive(Debug)]
struct Kept<T: 'static> {
    entries: Option<&'static [T]>,
    /// Entries of all lists so far.
    kept: usize,
}

impl<T: PartialEq> Kept<T> {
    /// Keeps the first list; `None` without a file.
    fn new(entries: Option<Vec<T>>) -> Self {
        let entries: Option<&[T]> = entries.map(|entries| &*entries.leak());
        Self {
            kept: entries.map_or(0, <[_]>::len),
            entries,
        }
    }

    /// Replaces the list, and returns it. A list without changes costs no memory.
    ///
    /// # Errors
    /// Returns an error if the lists of this process have too many entries.
    fn replace(&mut self, entries: Option<Vec<T>>) -> Result<Option<&'static [T]>, Failure> {
        if entries.as_deref() != self.entries {
            let kept = self.kept + entries.as_ref().map_or(0, Vec::len);
            if kept > ENTRIES_MAX && self.kept != 0 {
                let message = "it was reloaded too often: restart the server";
                return Err(Failure::new(Exit::System, message));
            }
            self.entries = entries.map(|entries| &*entries.leak());
            self.kept = kept;
        }
        Ok(self.entries)
    }
}

/// Returns the allow list, sorted by name; `None` admits all names.
fn allow_list(keys: &KeyOptions) -> Result<Option<Vec<AllowEntry>>, Failure> {
    let file = keys.allow_file();
    let read = file.map(|file| read_file(file, "an allow list", read_list));
    read.transpose()
}

/// Returns the deny list, sorted; `None` keeps nobody out.
fn deny_list(keys: &KeyOptions) -> Result<Option<Vec<DenyEntry>>, Failure> {
    let file = keys.deny_file();
    let read = file.map(|file| read_file(file, "a deny list", read_deny_list));
    read.transpose()
}

fn read_file<T>(
    file: &Path,
    list: &str,
    read: impl FnOnce(&str) -> Result<T, Mistake>,
) -> Result<T, Failure> {
    let wrong = |what: String| Failure::new(Exit::Usage, format!("{}{what}", file.display()));
    let text = fs::read_to_string(file)
        .map_err(|error| wrong(format!(" cannot be read as {list}: {error}")))?;
    read(&text).map_err(|(line, what)| wrong(format!(", line {line}: {what}")))
}

/// Returns the words of each line, with its number; a word that begins with `#` starts a comment. A
/// line may begin with a byte order mark.
fn lines(text: &str) -> impl Iterator<Item = (Vec<&str>, usize)> {
    let words = |line| {
        let words = without_mark(line).split_whitespace();
        words.take_while(|word| !word.starts_with('#')).collect()
    };
    text.lines().map(words).zip(1..)
}

/// Parses `name` or `name key` on each line.
///
/// # Errors
/// Returns the number of the wrong line and the problem.
fn read_list(text: &str) -> Result<Vec<AllowEntry>, Mistake> {
    let mut allow_list = BTreeMap::new();
    for (words, number) in lines(text) {
        let (name, key) = match *words {
            [] => continue,
            [name] => (name, None),
            [name, key] => (name, Some(key)),
            [_, _, more, ..] => return Err((number, format!("unexpected {more:?} after the key"))),
        };
        let key = key.map(|digits| parse_public_key(digits).map_err(|error| (number, error)));
        let key = key.transpose()?;
        for name in spellings(name) {
            let name = Name::new(&name).map_err(|error| (number, error.to_string()))?;
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

/// Parses the clients of an order on each line: `name`, `key <key>` or `address <ip>`.
///
/// # Errors
/// Returns the number of the wrong line and the problem.
fn read_deny_list(text: &str) -> Result<Vec<DenyEntry>, Mistake> {
    let mut deny_list = Vec::new();
    for (words, number) in lines(text).filter(|(words, _)| !words.is_empty()) {
        let denied = match subject(&words).map_err(|what| (number, what))? {
            (denied, []) => denied,
            _ => return Err((number, "There are too many words.".to_owned())),
        };
        if let Subject::Name(name) = &denied {
            let usual = spellings(name.as_str())
                .next()
                .and_then(|usual| Name::new(&usual).ok());
            deny_list.extend(usual.map(|usual| DenyEntry::new(Subject::Name(usual))));
        }
        deny_list.push(DenyEntry::new(denied));
    }
    deny_list.sort();
    deny_list.dedup();
    Ok(deny_list)
}

/// Returns the usual spelling of a name, and that in the file: a name that is in the room may be
/// older than the rules.
fn spellings(name: &str) -> impl Iterator<Item = String> {
    let usual = spelling::of(name).into_owned();
    let old = (usual != name).then(|| name.to_owned());
    std::iter::once(usual).chain(old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatapp_core::PublicKey;

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

    #[test]
    fn reads_a_deny_list() {
        let key = "ab".repeat(32);
        let text = format!(
            "\u{feff}# put out\nzoe # spam\nname key\n\nkey {key}\naddress 192.0.2.7\n\
             address 2001:db8::1\n"
        );
        let read = read_deny_list(&text).unwrap();
        let wanted = [
            Subject::Name(Name::new("zoe").unwrap()),
            Subject::Name(Name::new("key").unwrap()),
            Subject::Key(PublicKey([0xab; 32])),
            Subject::Source("192.0.2.7".parse().unwrap()),
            Subject::Source("2001:db8::9".parse().unwrap()),
        ];
        let mut wanted = wanted.map(DenyEntry::new);
        wanted.sort();
        assert_eq!(read, wanted);
        for (text, line, words) in [
            ("bob\nkey 12", 2, "A key has 64 hexadecimal digits."),
            ("\n\naddress bob", 3, "An address is one such as"),
            ("bob ann", 1, "There are too many words."),
        ] {
            let (at, what) = read_deny_list(text).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(what.starts_with(words), "{what}");
        }
    }
}
