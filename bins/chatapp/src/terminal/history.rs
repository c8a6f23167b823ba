//! The history of typed lines.

use std::io;
use std::path::{Path, PathBuf};

use chatapp_store::{default_folder, file_name};
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History as _};

use crate::platform::files::create_private_folder;

/// Typed lines of one name, in a file that only its owner can read.
#[derive(Clone, Debug)]
pub(crate) struct History {
    path: PathBuf,
}

impl History {
    /// Returns the history of a name in the default state folder. `None` if there is no such
    /// folder.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(Self {
            path: default_folder()?.join("history").join(file_name(name)),
        })
    }

    /// Loads the stored lines; none if there is no file yet.
    pub(super) fn load(&self, lines: &mut FileHistory) -> Result<(), ReadlineError> {
        match lines.load(&self.path) {
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Appends the new lines; other processes may have appended theirs.
    pub(super) fn save(&self, lines: &mut FileHistory) -> Result<(), ReadlineError> {
        if let Some(folder) = self.path.parent() {
            create_private_folder(folder)?;
        }
        lines.append(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
