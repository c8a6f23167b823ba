//! Writes the keys that come into use into a key log.

#[cfg(unix)]
use std::fs::Permissions;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::Path;

use chatapp_core::{Endpoint, LoggedKey};
use chatapp_wireshark::KeyLog;

/// A key log. A file is readable by its owner alone.
#[derive(Debug)]
pub(super) struct Secrets {
    log: KeyLog<BufWriter<File>>,
}

impl Secrets {
    /// Begins a key log, in the place of a file of that name.
    ///
    /// # Errors
    /// The file cannot be written, or not be kept from others.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        if file.metadata()?.is_file() {
            // The mode above is that of a new file; this one may have been there.
            #[cfg(unix)]
            keep_from_others(&file)?;
            file.set_len(0)?;
        }
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

/// Lets nobody but the owner of a file read it. The file is the one that is open, whatever has its name by now.
#[cfg(unix)]
fn keep_from_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let private = Permissions::from_mode(0o600);
    file.set_permissions(private).map_err(|error| {
        let message = format!("it cannot be kept from others who may read it: {error}");
        io::Error::new(error.kind(), message)
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_could_read_is_kept_from_them_and_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old.keys", "new.keys"].map(|name| folder.path().join(name));
        fs::write(&old, "SESSION of long ago").unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o644)).unwrap();
        for path in [&old, &new] {
            let secrets = Secrets::create(path).unwrap();
            let file = path.metadata().unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{path:?}");
            assert_eq!(file.len(), 0, "{path:?}");
            drop(secrets);
        }
    }

    /// The name of a thread is such a file: its owner may write it, and everybody read it.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_kept_from_others_is_refused() {
        let error = Secrets::create(Path::new("/proc/thread-self/comm")).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("cannot be kept from others"), "{message}");
    }

    /// What is no file keeps nothing, and its rights are for all who use it.
    #[test]
    fn a_device_stays_as_it_is() {
        let rights = || fs::metadata("/dev/null").unwrap().permissions().mode();
        let before = rights();
        Secrets::create(Path::new("/dev/null")).unwrap();
        assert_eq!(rights(), before);
    }
}
