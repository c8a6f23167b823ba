//! The rules that a run must not break.

use std::fmt;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub check: Check,
    /// By whom, with what.
    pub detail: String,
}

/// The promises that are checked from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Nothing is shown twice by one process.
    ShownOnce,
    /// Nothing is shown out of order for its sender.
    ShownInOrder,
    /// Nothing is shown that was not sent like this, to this recipient.
    ShownAsSent,
    /// `received by X` only if a process of X took it to show.
    DeliveredIsShown,
    /// A message reported as saved or posted is shown by every recipient, or its loss is announced.
    SavedIsShown,
    /// A refusal has the reason that it states.
    RefusalIsTrue,
    /// Once the faults have stopped, all tables equal the server's.
    TablesConverge,
    /// Each command ends in exactly one final event, within a stated time once the faults have
    /// stopped.
    OneFinalEvent,
    /// A client that is told that it left is offline for all others.
    LeftIsOffline,
    /// No frame is sent more than six times to a silent recipient.
    SixSendings,
    /// An address that proved nothing never gets more bytes than it sent.
    NoAmplification,
    /// No key encrypts two plaintexts under one nonce, and no two parties have the same key.
    KeyUsedOnce,
    /// A name stays with the key that registered it.
    NamesBelongToKeys,
    /// A datagram of a session is opened once by its recipient.
    OpenedOnce,
    /// A datagram that was changed on its way has no effect.
    ChangesAreSeen,
    /// Machines keep their contract with the driver: they come to rest, and wake by themselves.
    Contract,
    /// Nothing that happens makes a machine panic.
    NoPanic,
    /// The server restores the stored records.
    Restored,
    /// The same decisions give the same run.
    Deterministic,
}

impl Violation {
    /// A broken promise.
    pub fn new(check: Check, detail: impl Into<String>) -> Self {
        Self {
            check,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.check, self.detail)
    }
}

impl std::error::Error for Violation {}
