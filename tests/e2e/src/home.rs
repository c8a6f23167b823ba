//! The home folder of a process, which holds its state by default.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chatapp_store::{client_key_file, private_key, server_folder, server_key_file};
use tempfile::TempDir;

/// Home folder for processes; removed with the last of them.
#[derive(Clone, Debug)]
pub struct Home(Arc<TempDir>);

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Creates an empty home folder, as on a new machine.
    ///
    /// # Panics
    /// Panics if the folder cannot be created.
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        Self(Arc::new(folder))
    }

    /// Creates a home folder with only the key of this name. The key is always the same, as if it
    /// were copied.
    ///
    /// # Panics
    /// Panics if the key cannot be stored.
    pub fn of(name: &str) -> Self {
        let home = Self::new();
        home.keep_key(&client_key_file(&home.state(), name), name);
        home
    }

    /// Creates a home folder with only the key of the server on this port. The key is always the
    /// same.
    ///
    /// # Panics
    /// Panics if the key cannot be stored.
    pub fn of_server(port: u16) -> Self {
        let home = Self::new();
        let folder = server_folder(&home.state(), port);
        home.keep_key(&server_key_file(&folder), &format!("port {port}"));
        home
    }

    /// Creates a home folder in which a name has the key of another one, which
    /// [`of`](Self::of) stores.
    ///
    /// # Panics
    /// Panics if the key cannot be stored.
    pub fn with_key_of(name: &str, whose: &str) -> Self {
        let home = Self::new();
        home.keep_key(&client_key_file(&home.state(), name), whose);
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

    /// Returns the environment variables that select it as the home folder.
    pub fn variables(&self) -> [(&str, &Path); 6] {
        let names = [
            "HOME",
            "XDG_CONFIG_HOME",
            "XDG_STATE_HOME",
            "APPDATA",
            "LOCALAPPDATA",
            // Wine sets those of Windows itself: see `wine/bcryptprimitives.c`.
            "CHATAPP_HOME",
        ];
        names.map(|name| (name, self.path()))
    }
}
