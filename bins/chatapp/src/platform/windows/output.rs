//! Standard output.

use std::io;

/// Returns standard output. The standard library writes UTF-8 to a console whatever its code page,
/// because it hands the console UTF-16 (`WriteConsoleW`).
///
/// # Errors
/// Returns none; other systems may.
pub(crate) fn direct_stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}
