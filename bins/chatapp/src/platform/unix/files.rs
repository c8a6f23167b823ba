//! Files and folders that only their owner can read, by the bits of their mode.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;
const PUBLIC_FILE: u32 = 0o644;
const OTHERS: u32 = 0o077;

/// Opens a file in order to append to it, and makes it private.
///
/// # Errors
/// Returns the error of the operating system.
pub(crate) fn append_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(PRIVATE_FILE);
    let file = options.open(path)?;
    file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
    Ok(file)
}

/// Creates a private file, or empties one and makes it private. Devices and pipes stay as they are.
///
/// # Errors
/// Returns an error if the file cannot be written, or cannot be made private.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.mode(PRIVATE_FILE).open(path)?;
    if file.metadata()?.is_file() {
        // The mode above applies to a new file; this one may have existed.
        keep_from_others(&file)?;
        file.set_len(0)?;
    }
    Ok(file)
}

/// Makes a file private to its owner. It changes the open file, not the file that has the path by
/// now.
fn keep_from_others(file: &File) -> io::Result<()> {
    let private = Permissions::from_mode(PRIVATE_FILE);
    file.set_permissions(private).map_err(|error| {
        let message = format!("it cannot be made private: {error}");
        io::Error::new(error.kind(), message)
    })
}

/// Creates a private folder and its parents; leaves those that exist as they are.
///
/// # Errors
/// Returns the error of the operating system.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE_FOLDER).create(folder)
}

/// Lets everybody read the temporary files of a builder.
pub(crate) fn make_public(builder: &mut tempfile::Builder<'_, '_>) {
    builder.permissions(Permissions::from_mode(PUBLIC_FILE));
}

/// Returns whether other users of the machine can read the file.
pub(crate) fn is_public(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn gives_files_to_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(PUBLIC_FILE)).unwrap();
        assert!(is_public(&path));
        append_private(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE_FILE);
        assert!(!is_public(&path));
    }

    #[test]
    fn makes_an_old_file_private_and_empty() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old.keys", "new.keys"].map(|name| folder.path().join(name));
        fs::write(&old, "SESSION of long ago").unwrap();
        fs::set_permissions(&old, Permissions::from_mode(PUBLIC_FILE)).unwrap();
        for path in [&old, &new] {
            let created = create_private(path).unwrap();
            let file = path.metadata().unwrap();
            assert_eq!(file.permissions().mode() & 0o777, PRIVATE_FILE, "{path:?}");
            assert_eq!(file.len(), 0, "{path:?}");
            drop(created);
        }
    }

    /// The name of a thread is such a file: only its owner may write it, but every user may read
    /// it. Only Linux has it.
    #[test]
    fn refuses_a_file_that_others_can_read() {
        let name = Path::new("/proc/thread-self/comm");
        if name.exists() {
            let message = create_private(name).unwrap_err().to_string();
            assert!(message.contains("cannot be made private"), "{message}");
        }
    }

    /// A device stores nothing, and its permissions are for all who use it.
    #[test]
    fn leaves_a_device_as_it_is() {
        let mode = || fs::metadata("/dev/null").unwrap().permissions().mode();
        let before = mode();
        create_private(Path::new("/dev/null")).unwrap();
        assert_eq!(mode(), before);
    }
}
