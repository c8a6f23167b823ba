//! Reading and writing in the background of a terminal.

/// Keeps the system from stopping the process for its use of the terminal in the background.
/// Reading then fails, and writing works. That holds for this thread and those that it starts.
pub(crate) fn hold_stops() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigSet, Signal};

        let mut signals = SigSet::empty();
        signals.add(Signal::SIGTTIN);
        signals.add(Signal::SIGTTOU);
        // If it fails, the process is stopped as other programs are.
        let _ = signals.thread_block();
    }
}

/// Returns whether standard input failed only because the process is in the background of its
/// terminal; waits until that may have changed.
#[cfg(unix)]
pub(crate) fn waits_for_foreground() -> bool {
    /// No signal tells that a running process came to the foreground.
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

    let is_behind = is_behind();
    if is_behind {
        std::thread::sleep(LOOK_EVERY);
    }
    is_behind
}

#[cfg(not(unix))]
pub(crate) fn waits_for_foreground() -> bool {
    false
}

#[cfg(unix)]
fn is_behind() -> bool {
    use rustix::process::getpgrp;
    use rustix::termios::tcgetpgrp;
    tcgetpgrp(std::io::stdin()).is_ok_and(|foreground| foreground != getpgrp())
}

/// Terminals that the process had at its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminals {
    streams: [bool; 3],
}

impl Terminals {
    /// Returns the terminals of this process.
    pub(crate) fn now() -> Self {
        use std::io::IsTerminal;
        Self {
            streams: [
                std::io::stdin().is_terminal(),
                std::io::stdout().is_terminal(),
                std::io::stderr().is_terminal(),
            ],
        }
    }

    /// Returns whether one of them is gone: it hung up.
    pub(crate) fn are_gone(self) -> bool {
        let now = Self::now().streams;
        self.streams.iter().zip(now).any(|(was, is)| *was && !is)
    }
}
