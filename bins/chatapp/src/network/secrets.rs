//! Writes the keys that come into use into a key log.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::Path;

use chatapp_core::{Endpoint, LoggedKey};
use chatapp_wireshark::KeyLog;

/// A key log, readable by its owner alone.
#[derive(Debug)]
pub(super) struct Secrets {
    log: KeyLog<BufWriter<File>>,
}

impl Secrets {
    /// Begins a key log, in the place of a file of that name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        Ok(Self {
            log: KeyLog::new(BufWriter::new(file)),
        })
    }

    /// Writes the keys that have come into use.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn note(&mut self, endpoint: &mut impl Endpoint) -> io::Result<()> {
        let mut is_new = false;
        while let Some(key) = endpoint.poll_key_log() {
            is_new = true;
            match key {
                LoggedKey::Session { id, key } => self.log.session(id, &key)?,
                LoggedKey::Letters {
                    incarnation,
                    to,
                    key,
                } => self.log.letters(incarnation, to.as_str(), &key)?,
                LoggedKey::Handshake { id, part } => {
                    self.log.handshake(id, &part.key, &part.transcript)?;
                }
                LoggedKey::Lost { count } => self.log.lost(count)?,
                _ => {}
            }
        }
        // Whoever watches finds a key before what is sealed with it.
        if is_new { self.log.flush() } else { Ok(()) }
    }
}
