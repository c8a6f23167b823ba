//! A key that a tool may know, and the room for one.

use core::fmt;

use zeroize::Zeroize;

use crate::crypto::{HandshakeKey, KEY_LEN};
use crate::name::Name;

/// A key that has just come into use. It decrypts everything that is encrypted with it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoggedKey {
    /// Datagrams that are sent to this session id are encrypted with this key, from counter 0. Both
    /// directions of a session are told, one after the other. A request that is answered again, by
    /// a server that was started anew, makes two keys for one id.
    Session {
        /// The id in the datagrams.
        id: u64,
        /// Their first key; the following ones come from it
        /// ([`SessionKeys`](crate::crypto::SessionKeys)).
        key: [u8; KEY_LEN],
    },
    /// The private messages of one process to one name are encrypted with this key. May repeat.
    StoredMessages {
        /// The sender's process.
        incarnation: u64,
        /// The recipient.
        to: Name,
        /// The key.
        key: [u8; KEY_LEN],
    },
    /// A part of the handshake in the datagrams with this session id is encrypted with this. An
    /// initiator exports two before the first message, of its key and of its payload, and one
    /// when an answer came. A responder exports all three when it answers.
    Handshake {
        /// The id in the datagrams, of both messages.
        id: u64,
        /// The key of the part.
        part: HandshakeKey,
    },
    /// There was no room for this many further keys.
    Lost {
        /// How many.
        count: u32,
    },
}

impl fmt::Debug for LoggedKey {
    /// Without the key.
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

/// Room for one key that waits to be polled.
#[derive(Clone, Debug)]
pub struct KeySlot(Option<LoggedKey>);

impl KeySlot {
    /// A slot with nothing in it.
    pub const VACANT: Self = Self(None);
}

impl KeySlot {
    pub(super) fn is_vacant(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn fill(&mut self, key: LoggedKey) {
        self.0 = Some(key);
    }

    /// Takes the key out, and leaves nothing behind.
    pub(super) fn take(&mut self) -> Option<LoggedKey> {
        let key = self.0.clone()?;
        self.wipe();
        Some(key)
    }

    /// Leaves no key behind, not even in memory that is not read any more.
    pub(super) fn wipe(&mut self) {
        match &mut self.0 {
            Some(LoggedKey::Session { key, .. } | LoggedKey::StoredMessages { key, .. }) => {
                key.zeroize();
            }
            // The key of a part wipes itself.
            Some(LoggedKey::Handshake { .. } | LoggedKey::Lost { .. }) | None => {}
        }
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_printed() {
        let key = LoggedKey::Session {
            id: 1,
            key: [7; KEY_LEN],
        };
        assert_eq!(std::format!("{key:?}"), "Session(0000000000000001, ..)");
    }
}
