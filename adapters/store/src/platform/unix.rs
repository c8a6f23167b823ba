//! Unix: Linux, macOS and the BSDs. The bits of a mode tell who can read a file.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use etcetera::base_strategy::choose_native_strategy;
use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;

use crate::Error;

const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;
const OTHERS: u32 = 0o077;

/// Returns the folder for the state of programs: `$XDG_STATE_HOME` or `~/.local/state` (XDG Base
/// Directory Specification); on macOS `~/Library/Application Support` (File System Programming
/// Guide of Apple). `None` without a home folder.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let strategy = choose_native_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()))
}

/// Creates a folder and its parents for this user alone. Leaves existing folders unchanged.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE_FOLDER).create(folder)
}

/// Keeps the temporary folders of a builder for this user alone.
pub(crate) fn private_folder(builder: &mut tempfile::Builder<'_, '_>) {
    builder.permissions(Permissions::from_mode(PRIVATE_FOLDER));
}

/// Opens a file, and creates it for this user alone if it does not exist.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(PRIVATE_FILE).open(path)
}

/// Checks that a file belongs to this user, and that no other user can read or write it. It checks
/// the open file, as another one may have its path by now. On Windows, it does nothing.
///
/// # Errors
/// Returns an error if another user can access the file.
pub fn check_private(opened: &File, file: &Path) -> Result<(), Error> {
    let metadata = opened.metadata().map_err(Error::file(file))?;
    let file = file.to_owned();
    if metadata.uid() != geteuid().as_raw() {
        return Err(Error::NotOwned { file });
    }
    if metadata.mode() & OTHERS != 0 {
        return Err(Error::Exposed { file });
    }
    Ok(())
}

/// Syncs the directory entries of a folder, so that new files survive a power cut.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Leaves an empty folder: a rename replaces it (`rename` of POSIX).
pub(crate) fn remove_empty(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file and locks it; the error is `WouldBlock` if another process has done so. Other
/// processes can still read it.
pub(crate) fn hold_lock(path: &Path) -> io::Result<File> {
    let file = open_private(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}
