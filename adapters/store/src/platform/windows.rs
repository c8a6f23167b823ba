//! Windows. Files and folders have the rights of the folder that they are in.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use etcetera::base_strategy::choose_native_strategy;

use crate::Error;

/// Another process has opened the file: `ERROR_SHARING_VIOLATION`.
const SHARING_VIOLATION: i32 = 32;

/// Returns the folder for the state of programs: `%LOCALAPPDATA%`, which stays on this machine.
/// `%APPDATA%` is copied to other machines of a domain, and keys must not be; a store that runs on
/// two machines would break. `None` without a profile.
pub(crate) fn state_folder() -> Option<PathBuf> {
    // The crate calls it the folder of caches. Windows has one for both.
    Some(choose_native_strategy().ok()?.cache_dir())
}

/// Creates a folder and its parents. Leaves existing folders unchanged.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Leaves the rights of temporary folders to the folder that they are in.
pub(crate) fn private_folder(_: &mut tempfile::Builder<'_, '_>) {}

/// Opens a file, and creates it if it does not exist.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    to_read_and_write().open(path)
}

/// Leaves the rights of a file to its folder.
///
/// # Errors
/// None: the signature is that of other systems.
pub fn check_private(_: &File, _: &Path) -> Result<(), Error> {
    Ok(())
}

/// Folders cannot be synced: NTFS logs their changes itself.
pub(crate) fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes an empty folder, if it is there: a rename does not replace it.
pub(crate) fn remove_empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file that no other process opens meanwhile; the error is `WouldBlock` if one has.
pub(crate) fn hold_lock(path: &Path) -> io::Result<File> {
    let opened = to_read_and_write().share_mode(0).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(SHARING_VIOLATION) => ErrorKind::WouldBlock.into(),
        _ => error,
    })
}

fn to_read_and_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
}
