//! The terminal as it was found.

use std::io::{self, Write};

/// Bracketed paste off, cursor and everything behind it gone: what follows begins on a line of its
/// own.
const CLEAN_LINE: &str = "\x1b[?2004l\r\x1b[J";

#[cfg(unix)]
static FOUND: std::sync::OnceLock<rustix::termios::Termios> = std::sync::OnceLock::new();

/// How it is set while no line is being typed.
#[cfg(unix)]
static BETWEEN: std::sync::OnceLock<rustix::termios::Termios> = std::sync::OnceLock::new();

/// How the editor has set it: each time in the same way.
#[cfg(unix)]
static EDITING: std::sync::OnceLock<rustix::termios::Termios> = std::sync::OnceLock::new();

/// Remembers how the terminal is set now, and ends its echo and its own editing of lines: the
/// editor shows and understands what is typed, when it is its turn. Only the keys for signals work
/// meanwhile.
pub(super) fn take() {
    #[cfg(unix)]
    if let Ok(mut terminal) = rustix::termios::tcgetattr(io::stdin())
        && FOUND.set(terminal.clone()).is_ok()
    {
        use rustix::termios::{InputModes, LocalModes, SpecialCodeIndex};

        let own_editing = LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN;
        terminal.local_modes.remove(own_editing);
        terminal.input_modes.remove(InputModes::ICRNL);
        terminal.special_codes[SpecialCodeIndex::VMIN] = 1;
        terminal.special_codes[SpecialCodeIndex::VTIME] = 0;
        set(&terminal);
        let _ = BETWEEN.set(terminal);
    }
}

/// The editor has set the terminal for itself.
pub(super) fn note_editing() {
    #[cfg(unix)]
    if EDITING.get().is_none()
        && let Ok(terminal) = rustix::termios::tcgetattr(io::stdin())
    {
        // The first time counts.
        let _ = EDITING.set(terminal);
    }
}

/// Sets the terminal for the editor again.
pub(super) fn resume_editing() {
    #[cfg(unix)]
    if let Some(editing) = EDITING.get() {
        set(editing);
    }
}

/// Sets the terminal for the time between two lines again.
pub(super) fn resume_between() {
    #[cfg(unix)]
    if let Some(between) = BETWEEN.get() {
        set(between);
    }
}

/// Sets the terminal as it was found.
pub(super) fn give_back() {
    #[cfg(unix)]
    if let Some(found) = FOUND.get() {
        set(found);
    }
}

/// Leaves the line that is being typed.
pub(super) fn leave_line() {
    let mut output = io::stdout().lock();
    // A terminal that is gone has no line.
    let _ = output
        .write_all(CLEAN_LINE.as_bytes())
        .and_then(|()| output.flush());
}

#[cfg(unix)]
fn set(terminal: &rustix::termios::Termios) {
    let now = rustix::termios::OptionalActions::Now;
    // A terminal that is gone needs nothing.
    let _ = rustix::termios::tcsetattr(io::stdin(), now, terminal);
}
