//! Reports to a service manager such as systemd: the server is ready, it works, and it ends.
//! Nothing is sent unless there is one that waits for it.

use chatapp_core::Instant;

use crate::platform::supervisor::{State, limit_ms, tell};

/// The reports to the service manager.
pub(crate) struct Supervisor {
    /// Time between two watchdog reports, if the manager waits for them.
    every_ms: Option<u64>,
    due: Instant,
}

impl Supervisor {
    /// Reports that the server is ready.
    pub(crate) fn ready(now: Instant) -> Self {
        tell(&[State::Ready]);
        let every_ms = limit_ms().map(|limit_ms| limit_ms / 2);
        Self { every_ms, due: now }
    }

    /// Reports that the server works if that is due: twice in the time that the manager allows.
    pub(crate) fn poll(&mut self, now: Instant) {
        if let Some(every_ms) = self.every_ms
            && self.due <= now
        {
            tell(&[State::Watchdog]);
            self.due = now.plus_millis(every_ms);
        }
    }

    /// Returns when the next watchdog report is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.every_ms.map(|_| self.due)
    }

    /// Reports that the server reads its lists again.
    pub(crate) fn reloads(&self) {
        tell(&[State::Reloading]);
    }

    /// Reports that the server has read its lists again.
    pub(crate) fn has_reloaded(&self) {
        tell(&[State::Ready]);
    }

    /// Reports that the server ends. Its last records may take time.
    pub(crate) fn ends(self) {
        tell(&[State::Stopping]);
    }
}
