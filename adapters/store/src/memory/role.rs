//! The use that a process makes of the stored state.

use super::shown::Unwritten;
use crate::folder::{Attempts, Lock};

#[derive(Debug)]
pub(super) enum Role {
    /// It has the lock, and stores everything.
    Owner { _lock: Lock },
    /// Another process has the lock. This one stores keys.
    Beside {
        unwritten: Unwritten,
        attempts: Attempts,
    },
    /// It stores nothing.
    Reader,
}

impl Role {
    /// Returns the role of a process beside another one that has the lock.
    pub(super) fn beside() -> Self {
        Self::Beside {
            unwritten: Unwritten::default(),
            attempts: Attempts::default(),
        }
    }
}
