//! The terminal as it was found.

use std::io::{self, Write};

/// Bracketed paste off, cursor and everything behind it gone: what follows begins on a line of its own.
const CLEAN_LINE: &str = "\x1b[?2004l\r\x1b[J";

#[cfg(unix)]
static FOUND: std::sync::OnceLock<rustix::termios::Termios> = std::sync::OnceLock::new();

/// Remembers how the terminal is set now.
pub(super) fn remember() {
    #[cfg(unix)]
    if let Ok(found) = rustix::termios::tcgetattr(io::stdin()) {
        // The first time counts.
        let _ = FOUND.set(found);
    }
}

/// Sets the terminal as it was, and leaves the line that is being typed. A terminal that is gone needs neither.
pub(super) fn restore() {
    #[cfg(unix)]
    if let Some(found) = FOUND.get() {
        let _ =
            rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, found);
    }
    let mut output = io::stdout().lock();
    let _ = output
        .write_all(CLEAN_LINE.as_bytes())
        .and_then(|()| output.flush());
}
