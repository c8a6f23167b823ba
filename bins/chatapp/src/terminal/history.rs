//! Where typed lines are remembered.

use std::fmt::Write;
use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History as _};

/// The lines that one name has typed, in a file that only its owner can read.
#[derive(Clone, Debug)]
pub(crate) struct History {
    path: PathBuf,
}

impl History {
    /// The history of a name in the folder that the system has for such things. `None`: it has none.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let folders = etcetera::choose_base_strategy().ok()?;
        let state = folders.state_dir().unwrap_or_else(|| folders.data_dir());
        Some(Self {
            path: state.join("chatapp").join("history").join(file_name(name)),
        })
    }

    /// Reads what was saved; nothing if there is no file yet.
    pub(super) fn load(&self, lines: &mut FileHistory) -> Result<(), ReadlineError> {
        match lines.load(&self.path) {
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Saves what came since the last time; other processes may have added lines of their own.
    pub(super) fn save(&self, lines: &mut FileHistory) -> Result<(), ReadlineError> {
        if let Some(folder) = self.path.parent() {
            create_private(folder)?;
        }
        lines.append(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// A file name that is a different one for each name, on systems that do not tell upper from lower case too.
fn file_name(name: &str) -> String {
    let mut file_name = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_') {
            file_name.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(file_name, "%{byte:02x}");
        }
    }
    file_name
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_name_stays_in_its_folder() {
        for (name, file) in [
            ("alice_2-b", "alice_2-b"),
            ("Alice", "%41lice"),
            ("../x", "%2e%2e%2fx"),
            ("Zoë", "%5ao%c3%ab"),
            ("a%41", "a%2541"),
        ] {
            assert_eq!(file_name(name), file);
        }
    }
}
