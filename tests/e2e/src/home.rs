//! The home folder of a process, for its state, unless arguments name another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chatapp_store::{client_key_file, private_key, server_folder, server_key_file};
use tempfile::TempDir;

/// The folder that processes take for the home of their user; removed with the last of them.
#[derive(Clone, Debug)]
pub struct Home(Arc<TempDir>);

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// An empty one, as on a new machine.
    ///
    /// # Panics
    /// If no folder can be made.
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        Self(Arc::new(folder))
    }

    /// One with the key of this name, the same each time, as if it had been copied; nothing else is
    /// remembered.
    ///
    /// # Panics
    /// If the key cannot be kept.
    pub fn of(name: &str) -> Self {
        let home = Self::new();
        home.keep_key(&client_key_file(&home.state(), name), name);
        home
    }

    /// One with the key of the server on this port, the same each time; nothing else is remembered.
    ///
    /// # Panics
    /// If the key cannot be kept.
    pub fn of_server(port: u16) -> Self {
        let home = Self::new();
        let folder = server_folder(&home.state(), port);
        home.keep_key(&server_key_file(&folder), &format!("port {port}"));
        home
    }

    fn keep_key(&self, file: &Path, whose: &str) {
        let mut key = [7; 32];
        for (byte, of_name) in key.iter_mut().zip(whose.bytes()) {
            *byte = of_name;
        }
        private_key(file, &key).expect("an empty home has room");
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the state folder of `ChatApp` in it.
    pub fn state(&self) -> PathBuf {
        self.path().join("chatapp")
    }

    /// The variables that make it the home of a process.
    pub(super) fn variables(&self) -> [(&str, &Path); 4] {
        ["HOME", "XDG_STATE_HOME", "APPDATA", "LOCALAPPDATA"].map(|name| (name, self.path()))
    }
}
