//! Mutual exclusion between the threads that use the terminal.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::platform::terminal_mode as mode;

/// Text that leaves the cursor in place: one line up, and down again with the line end.
///
/// The editor buffers one text that it has not read yet. When there is room for another one, it has
/// read a text, and written all before that. So once it was given this text twice, the text before
/// is written. The caller then knows which output arrived, and writes the rest directly.
pub(super) const NOTHING: &str = "\x1b[A\n";

/// Disables bracketed paste and clears the current line, so that later output begins on a clean
/// line.
const CLEAN_LINE: &str = "\x1b[?2004l\r\x1b[J";

/// Time that the editor has to show a text before the gate takes the terminal from it. The editor
/// answers at once, except while the user searches the history.
const ANSWER_TIME: Duration = Duration::from_millis(100);

/// Coordinates the threads of a terminal. No thread holds the lock while it writes, because the
/// terminal may be stopped.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    turn: Turn,
    /// The session asks for another line.
    is_line_wanted: bool,
    /// The editor gets no further line.
    is_closed: bool,
    /// Text that the printer passes to the editor.
    job: Option<String>,
    /// The printer has a text that is not shown yet.
    is_printing: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    /// No line is being typed.
    #[default]
    Free,
    /// The writer is writing.
    Writing,
    /// The editor prepares or restores the terminal, and accepts no text.
    Changing,
    /// A line is being typed.
    Editing,
    /// The gate took the terminal from the editor for good.
    Taken,
}

/// How the writer must write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Directly; the writer calls [`Gate::written`] afterwards.
    Directly,
    /// Through the editor.
    ThroughEditor,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed
            .wait_while(self.lock(), condition)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_a_moment_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed
            .wait_timeout_while(state, ANSWER_TIME, condition)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    fn turn_to(&self, turn: Turn) {
        let mut state = self.lock();
        if state.turn != Turn::Taken {
            state.turn = turn;
        }
        self.changed.notify_all();
    }

    // Methods for the session.

    /// Asks the editor for another line.
    pub(crate) fn want_line(&self) {
        self.lock().is_line_wanted = true;
        self.changed.notify_all();
    }

    /// Ends the editing: asks for no further line, and lets output interrupt the line that is being
    /// typed.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Restores the mode of the terminal after the process continues from a stop. The shell has
    /// changed the mode, and the editor set it before the stop took effect.
    pub(crate) fn resume(&self) {
        let mut state = self.lock();
        match state.turn {
            Turn::Editing => {
                mode::resume_editing();
                if !state.is_printing {
                    // After this text, the editor shows its line again.
                    state.job = Some(NOTHING.into());
                    state.is_printing = true;
                    self.changed.notify_all();
                }
            }
            Turn::Free | Turn::Writing => mode::resume_between(),
            Turn::Changing | Turn::Taken => {}
        }
    }

    /// Restores the original mode of the terminal.
    pub(crate) fn restore_terminal(&self) {
        // No thread changes the mode again.
        let turn = std::mem::replace(&mut self.lock().turn, Turn::Taken);
        mode::give_back();
        if matches!(turn, Turn::Changing | Turn::Editing) {
            leave_line();
        }
    }

    // Methods for the editor.

    /// Waits until the session asks for a line and no thread writes. Returns false after the last
    /// line.
    pub(super) fn begin_line(&self) -> bool {
        loop {
            let state = self.wait_while(|state| {
                !state.is_closed && (!state.is_line_wanted || state.turn == Turn::Writing)
            });
            if state.is_closed {
                return false;
            }
            // A thread that wanted to print through the previous editor writes directly instead:
            // its output comes first.
            let mut state = self.wait_a_moment_while(state, |state| state.is_printing);
            if state.turn == Turn::Free {
                state.is_line_wanted = false;
                state.turn = Turn::Changing;
                return true;
            }
        }
    }

    /// Asks for another line in place of the last one, and waits as
    /// [`begin_line`](Self::begin_line).
    pub(super) fn begin_again(&self) -> bool {
        self.want_line();
        self.begin_line()
    }

    /// Notes that the editor is about to show the prompt.
    pub(super) fn line_begun(&self) {
        mode::note_editing();
        self.turn_to(Turn::Editing);
    }

    /// Notes that the line is complete.
    pub(super) fn line_ends(&self) {
        self.turn_to(Turn::Changing);
    }

    /// Notes that the editor has restored the terminal.
    pub(super) fn line_ended(&self) {
        self.turn_to(Turn::Free);
    }

    // Methods for the writer.

    /// Waits until the writer may write.
    pub(super) fn begin_writing(&self) -> Way {
        let mut state = self.wait_while(|state| state.turn == Turn::Changing && !state.is_closed);
        match state.turn {
            Turn::Editing if !state.is_closed => Way::ThroughEditor,
            Turn::Editing | Turn::Changing => {
                drop(state);
                self.take_over();
                // Either the gate took the terminal, or the editor had just finished and needs it
                // no more.
                Way::Directly
            }
            Turn::Free | Turn::Writing => {
                state.turn = Turn::Writing;
                Way::Directly
            }
            Turn::Taken => Way::Directly,
        }
    }

    /// Notes that the direct output is written.
    pub(super) fn written(&self) {
        self.turn_to(Turn::Free);
    }

    /// Takes the terminal from an editor that uses it.
    pub(super) fn take_over(&self) {
        let mut state = self.wait_a_moment_while(self.lock(), |state| state.turn == Turn::Changing);
        if matches!(state.turn, Turn::Changing | Turn::Editing) {
            state.turn = Turn::Taken;
            drop(state);
            mode::give_back();
            leave_line();
        }
    }

    /// Prints a text above the line that is being typed. Returns false if the text may not have
    /// been shown.
    pub(super) fn print(&self, text: &str) -> bool {
        let mut state = self.wait_while(|state| state.is_printing && !state.is_closed);
        state.job = Some(text.to_owned());
        state.is_printing = true;
        self.changed.notify_all();
        state = self
            .changed
            .wait_while(state, |state| state.is_printing && !state.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        state = self.wait_a_moment_while(state, |state| state.is_printing);
        state.job = None;
        !state.is_printing
    }

    // Methods for the printer.

    /// Waits for a text to print.
    pub(super) fn next_job(&self) -> Option<String> {
        self.wait_while(|state| state.job.is_none() && !state.is_closed)
            .job
            .take()
    }

    /// Notes that the editor has taken the text.
    pub(super) fn printed(&self) {
        self.lock().is_printing = false;
        self.changed.notify_all();
    }
}

/// Clears the line that is being typed.
fn leave_line() {
    let mut output = io::stdout().lock();
    // If the terminal is gone, there is no line to clear.
    let _ = output
        .write_all(CLEAN_LINE.as_bytes())
        .and_then(|()| output.flush());
}
