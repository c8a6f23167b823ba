//! Reading and writing in the background of a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

/// No signal tells that a running process came to the foreground.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Keeps the system from stopping the process for its use of the terminal in the background.
/// Reading then fails, and writing works. That holds for this thread and those that it starts.
pub(crate) fn hold_stops() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTTIN);
    signals.add(Signal::SIGTTOU);
    // If it fails, the process is stopped as other programs are.
    let _ = signals.thread_block();
}

/// Returns whether standard input failed only because the process is in the background of its
/// terminal; waits until that may have changed.
pub(crate) fn waits_for_foreground() -> bool {
    let is_behind = is_behind();
    if is_behind {
        std::thread::sleep(LOOK_EVERY);
    }
    is_behind
}

fn is_behind() -> bool {
    tcgetpgrp(std::io::stdin()).is_ok_and(|foreground| foreground != getpgrp())
}

/// Terminals that the process had at its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminals {
    streams: [bool; 3],
}

impl Terminals {
    /// Returns the terminals of this process.
    pub(super) fn now() -> Self {
        Self {
            streams: [
                std::io::stdin().is_terminal(),
                std::io::stdout().is_terminal(),
                std::io::stderr().is_terminal(),
            ],
        }
    }

    /// Returns whether one of them is gone: it hung up.
    pub(super) fn are_gone(self) -> bool {
        let now = Self::now().streams;
        self.streams.iter().zip(now).any(|(was, is)| *was && !is)
    }
}
