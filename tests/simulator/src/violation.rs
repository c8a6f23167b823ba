//! The properties that each run is checked for.

use std::fmt;

/// A violated property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The property.
    pub check: Check,
    /// The process, and the values.
    pub detail: String,
}

/// The properties, checked from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// A process shows nothing twice.
    ShownOnce,
    /// A process shows the messages of a sender in order.
    ShownInOrder,
    /// A process shows only messages that were sent to it, unchanged.
    ShownAsSent,
    /// A message is reported as received by X only if a process of X took it to show.
    DeliveredIsShown,
    /// Each recipient shows a message that was reported as saved or posted, or its loss is
    /// announced.
    SavedIsShown,
    /// A refusal has the reason that it states.
    RefusalIsTrue,
    /// After the faults, all rosters equal the server's.
    TablesConverge,
    /// Each command ends in exactly one final event, and after the faults within a stated time.
    OneFinalEvent,
    /// A client that was told that it left is offline for all others.
    LeftIsOffline,
    /// No frame is sent more than six times to a silent recipient.
    SixSendings,
    /// An unvalidated address never gets more bytes than it sent.
    NoAmplification,
    /// No key encrypts two plaintexts under one nonce, and no two parties have the same key.
    KeyUsedOnce,
    /// Nothing passes the server that a banned or muted client sent after the order was done.
    OrdersHold,
    /// A process shows no message of a key that its person ignores.
    IgnoredIsHidden,
    /// A name stays with the key that registered it.
    NamesBelongToKeys,
    /// The recipient decrypts a datagram of a session once.
    OpenedOnce,
    /// A datagram that was changed on its path has no effect.
    ChangesAreSeen,
    /// Machines fulfil their contract with the event loop: they become idle, and wake by
    /// themselves.
    Contract,
    /// No machine panics.
    NoPanic,
    /// The server restores all stored records.
    Restored,
    /// The same decisions give the same run.
    Deterministic,
}

impl Violation {
    /// Creates a violation.
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
