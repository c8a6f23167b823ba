//! Where a store lies, whose it is, and that only one process uses it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::Error;

/// The folder in which ChatApp keeps its state on this platform, for this user; `None` if there is no home.
pub fn default_folder() -> Option<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Some(state.join("chatapp"))
}

/// Where the server on this port keeps its room, inside of [`default_folder`].
pub fn server_folder(state: &Path, port: u16) -> PathBuf {
    state.join(format!("server-{port}"))
}

/// Where a client remembers what it has shown under this name in the room of this server.
pub fn client_folder(state: &Path, server: SocketAddr, name: &str) -> PathBuf {
    // No name leaves its folder, or is another one where upper and lower case are the same.
    let mut folder = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => folder.push(byte.into()),
            _ => folder.push_str(&format!("%{byte:02X}")),
        }
    }
    let server = server.to_string().replace([':', '[', ']', '%'], "-");
    state.join("clients").join(format!("{folder}@{server}"))
}

/// Makes a folder, and those it lies in, for nobody but this user. One that is there is left as it is.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file for nobody but this user, and makes it if it is not there.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the names of new files in a folder last.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// One process at a time. The operating system takes the lock back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("lock");
        match Self::hold(&path) {
            Ok(file) => Ok(Self { _file: file }),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Error::InUse {
                folder: folder.to_owned(),
            }),
            Err(error) => Err(Error::file(&path)(error)),
        }
    }

    #[cfg(unix)]
    fn hold(path: &Path) -> io::Result<File> {
        use rustix::fs::{FlockOperation, flock};
        let file = open_private(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(file)
    }

    #[cfg(windows)]
    fn hold(path: &Path) -> io::Result<File> {
        use std::os::windows::fs::OpenOptionsExt;
        const SHARING_VIOLATION: i32 = 32;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.share_mode(0).open(path).map_err(|error| {
            if error.raw_os_error() == Some(SHARING_VIOLATION) {
                ErrorKind::WouldBlock.into()
            } else {
                error
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_folder_of_its_own_that_is_one() {
        let folder = |name, server: &str| {
            let folder = client_folder(Path::new("state"), server.parse().unwrap(), name);
            folder.to_str().unwrap().replace('\\', "/")
        };
        let here = "127.0.0.1:4119";
        assert_eq!(folder("alice", here), "state/clients/alice@127.0.0.1-4119");
        assert_eq!(
            folder("../Al", here),
            "state/clients/%2E%2E%2F%41l@127.0.0.1-4119"
        );
        assert_eq!(folder("\u{e9}", "[::1]:1"), "state/clients/%C3%A9@---1--1");
    }
}
