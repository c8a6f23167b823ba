//! Standard output without a buffer.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// Returns standard output without a buffer: bytes that it reports as written are written.
///
/// # Errors
/// Returns an error if standard output is closed.
pub(crate) fn direct_stdout() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}
