//! Whose turn it is at the terminal.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::mode;

/// Moves the cursor nowhere: up, and with the line end down again.
///
/// The editor holds one text that it has not looked at yet. When it has taken this one behind
/// another, it has shown the other: so much is known to have arrived, and the rest can be written
/// by another thread.
pub(super) const NOTHING: &str = "\x1b[A\n";

/// How long the editor is given to show what it was handed before the terminal is taken from it. It
/// needs this long only while a person searches the history; otherwise it answers at once.
const ANSWER_TIME: Duration = Duration::from_millis(100);

/// Coordinates the threads of a terminal. Nobody holds it while writing: the terminal may have been
/// stopped.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    turn: Turn,
    /// The session wants another line.
    is_line_wanted: bool,
    /// The editor gets no further line.
    is_closed: bool,
    /// The text that the printer gives to the editor.
    job: Option<String>,
    /// The printer is at work.
    is_printing: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    /// No line is being typed.
    #[default]
    Free,
    /// The writer writes.
    Writing,
    /// The editor prepares the terminal, or gives it back: it takes nothing.
    Changing,
    /// A line is being typed.
    Editing,
    /// The terminal was taken from the editor for good.
    Taken,
}

/// How the writer may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By itself; then [`Gate::written`] is due.
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

    // For the session.

    /// Lets the editor take another line.
    pub(crate) fn want_line(&self) {
        self.lock().is_line_wanted = true;
        self.changed.notify_all();
    }

    /// No further line is wanted, and what is to be written does not wait for the one that is being
    /// typed.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// The process goes on after it was stopped, and the shell has set the terminal for itself. The
    /// editor does not know: it prepared the terminal before the stop took effect.
    pub(crate) fn resume(&self) {
        let mut state = self.lock();
        match state.turn {
            Turn::Editing => {
                mode::resume_editing();
                if !state.is_printing {
                    // Behind it, the line is shown again.
                    state.job = Some(NOTHING.into());
                    state.is_printing = true;
                    self.changed.notify_all();
                }
            }
            Turn::Free | Turn::Writing => mode::resume_between(),
            Turn::Changing | Turn::Taken => {}
        }
    }

    /// Gives the terminal back as it was found.
    pub(crate) fn restore_terminal(&self) {
        // Nobody sets it again.
        let turn = std::mem::replace(&mut self.lock().turn, Turn::Taken);
        mode::give_back();
        if matches!(turn, Turn::Changing | Turn::Editing) {
            mode::leave_line();
        }
    }

    // For the editor.

    /// Waits until a line is wanted and nobody writes; false if no line will be wanted any more.
    pub(super) fn begin_line(&self) -> bool {
        loop {
            let state = self.wait_while(|state| {
                !state.is_closed && (!state.is_line_wanted || state.turn == Turn::Writing)
            });
            if state.is_closed {
                return false;
            }
            // A thread that was about to write to the editor of the last line found none, and
            // writes directly: its output is first.
            let mut state = self.wait_a_moment_while(state, |state| state.is_printing);
            if state.turn == Turn::Free {
                state.is_line_wanted = false;
                state.turn = Turn::Changing;
                return true;
            }
        }
    }

    /// A line is wanted in the place of the last one.
    pub(super) fn begin_again(&self) -> bool {
        self.want_line();
        self.begin_line()
    }

    /// The prompt is about to be shown.
    pub(super) fn line_begun(&self) {
        mode::note_editing();
        self.turn_to(Turn::Editing);
    }

    /// The line is complete.
    pub(super) fn line_ends(&self) {
        self.turn_to(Turn::Changing);
    }

    /// The terminal is as it was.
    pub(super) fn line_ended(&self) {
        self.turn_to(Turn::Free);
    }

    // For the writer.

    /// Waits until something can be written.
    pub(super) fn begin_writing(&self) -> Way {
        let mut state = self.wait_while(|state| state.turn == Turn::Changing && !state.is_closed);
        match state.turn {
            Turn::Editing if !state.is_closed => Way::ThroughEditor,
            Turn::Editing | Turn::Changing => {
                drop(state);
                self.take_over();
                // It was taken, or the editor was just done with it: then nobody wants it any more.
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

    /// Takes the terminal from an editor that has it.
    pub(super) fn take_over(&self) {
        let mut state = self.wait_a_moment_while(self.lock(), |state| state.turn == Turn::Changing);
        if matches!(state.turn, Turn::Changing | Turn::Editing) {
            state.turn = Turn::Taken;
            drop(state);
            mode::give_back();
            mode::leave_line();
        }
    }

    /// Has this text printed above the line that is being typed. False if that cannot be known to
    /// have happened.
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

    // For the printer.

    /// Waits for a text to print.
    pub(super) fn next_job(&self) -> Option<String> {
        self.wait_while(|state| state.job.is_none() && !state.is_closed)
            .job
            .take()
    }

    /// The editor took it.
    pub(super) fn printed(&self) {
        self.lock().is_printing = false;
        self.changed.notify_all();
    }
}
