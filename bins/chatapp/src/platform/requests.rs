//! Requests to the program from outside, and what else happens then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Time in which the program has to look at a request to exit.
const STUCK_AFTER: Duration = Duration::from_millis(1_500);

/// A flag that threads share.
#[derive(Clone, Debug, Default)]
pub(super) struct Flag(Arc<AtomicBool>);

impl Flag {
    /// Raises the flag. Returns whether it was raised before.
    pub(super) fn raise(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Returns whether it is raised.
    pub(super) fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

/// Requests that arrived as signals. A system without a signal for one never raises its flag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    pub(super) leave: Flag,
    /// The program knows that it has to exit.
    is_noted: Flag,
    pub(super) stats: Flag,
    pub(super) reload: Flag,
}

impl Requests {
    /// Returns whether an exit was requested.
    pub(crate) fn exit_requested(&self) -> bool {
        let is_requested = self.leave.is_raised();
        if is_requested {
            self.is_noted.raise();
        }
        is_requested
    }

    /// Requests an exit as the first signal does: the next signal ends the program.
    pub(crate) fn request_exit(&self) {
        self.leave.raise();
    }

    /// Ends the program after a while unless it has noted the request to exit: it may be stuck, for
    /// example in a disk that does not answer.
    pub(super) fn end_if_stuck(&self, end: impl FnOnce() + Send + 'static) {
        let is_noted = self.is_noted.clone();
        // Without a thread, the second signal ends the program.
        let _ = std::thread::Builder::new().spawn(move || {
            std::thread::sleep(STUCK_AFTER);
            if !is_noted.is_raised() {
                end();
            }
        });
    }

    /// Returns whether a reload was requested since the last call.
    pub(crate) fn take_reload_request(&self) -> bool {
        self.reload.take()
    }

    /// Returns whether counters were requested since the last call.
    pub(crate) fn take_stats_request(&self) -> bool {
        self.stats.take()
    }
}

/// Additional actions on signals.
#[derive(Debug)]
pub(crate) struct Hooks<T, R> {
    /// Runs before the second signal ends the program.
    pub(crate) tidy_up: T,
    /// Runs when the program continues after a stop.
    pub(crate) resume: R,
    /// SIGHUP requests a reload, unless the terminal is gone; otherwise an exit.
    pub(crate) reloads: bool,
}
