//! Modes of the terminal: the original one, and those of the editor.

use std::io;
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush,
    tcgetattr, tcsetattr,
};

/// Pause after which a paste has ended.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Upper bound of parts that are discarded: several megabytes.
const DISCARDS_MAX: usize = 1_000;

static FOUND: OnceLock<Termios> = OnceLock::new();

/// Mode while no line is being typed.
static BETWEEN: OnceLock<Termios> = OnceLock::new();

/// Mode that the editor sets, which is always the same.
static EDITING: OnceLock<Termios> = OnceLock::new();

/// Returns whether a terminal without the variable `TERM` can place a cursor.
pub(crate) fn is_capable_without_name() -> bool {
    false
}

/// Stores the original mode, and disables echo and line editing of the system. The editor shows and
/// interprets the keys once it runs. Until then only the signal keys work.
pub(crate) fn take() {
    if let Ok(mut terminal) = tcgetattr(io::stdin())
        && FOUND.set(terminal.clone()).is_ok()
    {
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
pub(crate) fn note_editing() {
    if EDITING.get().is_none()
        && let Ok(terminal) = tcgetattr(io::stdin())
    {
        // Only the first call stores it.
        let _ = EDITING.set(terminal);
    }
}

/// Sets the terminal for the editor again.
pub(crate) fn resume_editing() {
    if let Some(editing) = EDITING.get() {
        set(editing);
    }
}

/// Sets the mode between two lines again.
pub(crate) fn resume_between() {
    if let Some(between) = BETWEEN.get() {
        set(between);
    }
}

/// Restores the original mode.
pub(crate) fn give_back() {
    if let Some(found) = FOUND.get() {
        set(found);
    }
}

/// Discards what is typed or pasted, until there is a pause. A paste arrives in parts.
pub(crate) fn discard_input() {
    for _ in 0..DISCARDS_MAX {
        let input = io::stdin();
        // If the terminal is gone, there is nothing to discard.
        let _ = tcflush(&input, QueueSelector::IFlush);
        let mut descriptors = [PollFd::new(&input, PollFlags::IN)];
        match poll(&mut descriptors, Some(&PAUSE)) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(1..) if descriptors[0].revents() == PollFlags::IN => {}
            _ => return,
        }
    }
}

fn set(terminal: &Termios) {
    // If the terminal is gone, there is no mode to set.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, terminal);
}
