//! An exported key, and the slot for one.

use core::fmt;

use zeroize::Zeroize;

use crate::crypto::{HandshakeKey, KEY_LEN};
use crate::name::Name;

/// A key that has just come into use, for tools that decrypt packet captures.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoggedKey {
    /// The key of datagrams to one session id, from counter 0.
    ///
    /// Both directions of a session are exported, one after the other. One id has two keys if a
    /// restarted server answers a repeated request.
    Session {
        /// Session id in the datagrams.
        id: u64,
        /// The first key of the direction; key updates derive the next ones from it
        /// ([`SessionKeys`](crate::crypto::SessionKeys)).
        key: [u8; KEY_LEN],
    },
    /// The key of the stored messages of one process to one name. It may be exported again.
    StoredMessages {
        /// Incarnation of the sender.
        incarnation: u64,
        /// Name of the recipient.
        to: Name,
        /// The AEAD key of the messages.
        key: [u8; KEY_LEN],
    },
    /// The key of one encrypted part of a handshake.
    ///
    /// An initiator exports two keys before the first message, for its static key and for its
    /// payload, and one when it reads an answer. A responder exports all three when it answers.
    Handshake {
        /// Session id in both messages.
        id: u64,
        /// The key of the part.
        part: HandshakeKey,
    },
    /// The slots were full, and further keys were lost.
    Lost {
        /// Number of lost keys.
        count: u32,
    },
}

impl fmt::Debug for LoggedKey {
    /// Writes everything but the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session { id, .. } => write!(f, "Session({id:016x}, ..)"),
            Self::StoredMessages {
                incarnation, to, ..
            } => write!(f, "StoredMessages({incarnation:016x} to {to}, ..)"),
            Self::Handshake { id, .. } => write!(f, "Handshake({id:016x}, ..)"),
            Self::Lost { count } => write!(f, "Lost({count})"),
        }
    }
}

/// Memory for one key that waits to be polled.
#[derive(Clone, Debug)]
pub struct KeySlot(Option<LoggedKey>);

impl KeySlot {
    /// An empty slot.
    pub const VACANT: Self = Self(None);
}

impl KeySlot {
    pub(super) fn is_vacant(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn fill(&mut self, key: LoggedKey) {
        self.0 = Some(key);
    }

    /// Removes and returns the key, and erases the slot.
    pub(super) fn take(&mut self) -> Option<LoggedKey> {
        let key = self.0.clone()?;
        self.wipe();
        Some(key)
    }

    /// Erases the key, also from memory that is not read any more.
    pub(super) fn wipe(&mut self) {
        match &mut self.0 {
            Some(LoggedKey::Session { key, .. } | LoggedKey::StoredMessages { key, .. }) => {
                key.zeroize();
            }
            // A `HandshakeKey` erases itself when it is dropped.
            Some(LoggedKey::Handshake { .. } | LoggedKey::Lost { .. }) | None => {}
        }
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_keys_in_debug_output() {
        let key = LoggedKey::Session {
            id: 1,
            key: [7; KEY_LEN],
        };
        assert_eq!(std::format!("{key:?}"), "Session(0000000000000001, ..)");
    }
}
