//! Files and folders of the user. They have the rights of the folder that they are in.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file in order to append to it.
///
/// # Errors
/// Returns the error of the operating system.
pub(crate) fn append_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Creates a file, or empties one. Devices and pipes stay as they are.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Creates a folder and its parents; leaves those that exist as they are.
///
/// # Errors
/// Returns the error of the operating system.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Leaves the rights of temporary files to their folder.
pub(crate) fn make_public(_: &mut tempfile::Builder<'_, '_>) {}

/// Returns whether other users of the machine are known to read the file.
pub(crate) fn is_public(_: &Path) -> bool {
    false
}
