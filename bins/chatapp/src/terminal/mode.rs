//! Modes of the terminal: the original one, and those of the editor.

use std::io::{self, Write};

/// Disables bracketed paste and clears the current line, so that later output begins on a clean
/// line.
const CLEAN_LINE: &str = "\x1b[?2004l\r\x1b[J";

#[cfg(unix)]
static FOUND: std::sync::OnceLock<rustix::termios::Termios> = std::sync::OnceLock::new();

/// Mode while no line is being typed.
#[cfg(unix)]
static BETWEEN: std::sync::OnceLock<rustix::termios::Termios> = std::sync::OnceLock::new();

/// Mode that the editor sets, which is always the same.
#[cfg(unix)]
static EDITING: std::sync::OnceLock<rustix::termios::Termios> = std::sync::OnceLock::new();

/// Stores the original mode, and disables echo and line editing of the system. The editor shows and
/// interprets the keys once it runs. Until then only the signal keys work.
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

/// Stores the mode that the editor has set.
pub(super) fn note_editing() {
    #[cfg(unix)]
    if EDITING.get().is_none()
        && let Ok(terminal) = rustix::termios::tcgetattr(io::stdin())
    {
        // Only the first call stores it.
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

/// Sets the mode between two lines again.
pub(super) fn resume_between() {
    #[cfg(unix)]
    if let Some(between) = BETWEEN.get() {
        set(between);
    }
}

/// Restores the original mode.
pub(super) fn give_back() {
    #[cfg(unix)]
    if let Some(found) = FOUND.get() {
        set(found);
    }
}

/// Discards what is typed or pasted, until there is a pause. A paste arrives in parts.
pub(super) fn discard_input() {
    #[cfg(unix)]
    for _ in 0..DISCARDS_MAX {
        use rustix::event::{PollFd, PollFlags, poll};

        let input = io::stdin();
        // If the terminal is gone, there is nothing to discard.
        let _ = rustix::termios::tcflush(&input, rustix::termios::QueueSelector::IFlush);
        let mut descriptors = [PollFd::new(&input, PollFlags::IN)];
        match poll(&mut descriptors, Some(&PAUSE)) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(1..) if descriptors[0].revents() == PollFlags::IN => {}
            _ => return,
        }
    }
}

/// Pause after which a paste has ended.
#[cfg(unix)]
const PAUSE: rustix::event::Timespec = rustix::event::Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Upper bound of parts that are discarded: several megabytes.
#[cfg(unix)]
const DISCARDS_MAX: usize = 1_000;

/// Clears the line that is being typed.
pub(super) fn leave_line() {
    let mut output = io::stdout().lock();
    // If the terminal is gone, there is no line to clear.
    let _ = output
        .write_all(CLEAN_LINE.as_bytes())
        .and_then(|()| output.flush());
}

#[cfg(unix)]
fn set(terminal: &rustix::termios::Termios) {
    let now = rustix::termios::OptionalActions::Now;
    // If the terminal is gone, there is no mode to set.
    let _ = rustix::termios::tcsetattr(io::stdin(), now, terminal);
}
