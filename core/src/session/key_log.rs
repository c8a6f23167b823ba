//! Keys for tools that read captured datagrams (`--keylog`, dissectors, the simulator): told only
//! where the caller has handed in room for them.

mod noted;
mod ring;

use core::fmt;

pub(crate) use noted::{Asked, Noted};
use ring::Ring;

use crate::crypto::{KEY_LEN, PartKey};
use crate::name::Name;

/// A key that has just come into use. Whoever has it reads everything that is sealed with it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoggedKey {
    /// Datagrams that are sent to this session id are sealed with this key, from counter 0 on. Both
    /// directions of a session are told, one after the other. A request that is answered again, by
    /// a server that was started anew, makes two keys for one id.
    Session {
        /// The id in the datagrams.
        id: u64,
        /// Their first key; the following ones come from it
        /// ([`SessionKeys`](crate::crypto::SessionKeys)).
        key: [u8; KEY_LEN],
    },
    /// The private messages of one process to one name are sealed with this key. May be told again.
    Letters {
        /// The sender's process.
        incarnation: u64,
        /// The recipient.
        to: Name,
        /// The key.
        key: [u8; KEY_LEN],
    },
    /// A part of the handshake in the datagrams with this session id is sealed with this. Whoever
    /// begins a handshake tells two before the first message, of its key and of its payload, and
    /// one when an answer came; whoever answers one tells all three then.
    Handshake {
        /// The id in the datagrams, of both messages.
        id: u64,
        /// What opens it.
        part: PartKey,
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
            Self::Letters {
                incarnation, to, ..
            } => write!(f, "Letters({incarnation:016x} to {to}, ..)"),
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

/// What a machine tells of its keys. Without slots it is off: then nothing is computed for it, and
/// a program that never switches it on does not even contain how.
pub(crate) struct KeyLog<'a> {
    ring: Ring<'a>,
    tell: Option<fn(&mut Ring<'_>, &Noted<'_>)>,
}

impl<'a> KeyLog<'a> {
    /// One that is off.
    pub(crate) fn off() -> Self {
        Self {
            ring: Ring::new(&mut []),
            tell: None,
        }
    }

    /// One of all keys.
    pub(crate) fn new(slots: &'a mut [KeySlot]) -> Self {
        Self::telling(slots, noted::tell)
    }

    /// One of all keys but those of handshakes.
    pub(crate) fn of_sessions(slots: &'a mut [KeySlot]) -> Self {
        Self::telling(slots, noted::tell_of_sessions)
    }

    fn telling(slots: &'a mut [KeySlot], tell: fn(&mut Ring<'_>, &Noted<'_>)) -> Self {
        Self {
            tell: (!slots.is_empty()).then_some(tell),
            ring: Ring::new(slots),
        }
    }

    /// Whether somebody wants to know the keys.
    pub(crate) fn is_on(&self) -> bool {
        self.tell.is_some()
    }

    pub(crate) fn note(&mut self, noted: &Noted<'_>) {
        if let Some(tell) = self.tell {
            tell(&mut self.ring, noted);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<LoggedKey> {
        self.ring.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::connection::Connection;

    fn key(id: u64) -> LoggedKey {
        LoggedKey::Session {
            id,
            key: [7; KEY_LEN],
        }
    }

    #[test]
    fn keys_come_in_their_order_and_those_without_room_are_counted() {
        let mut slots = [const { KeySlot::VACANT }; 3];
        let mut log = Ring::new(&mut slots);
        for round in 0..4 {
            (0..5).for_each(|id| log.push(key(10 * round + id)));
            for id in 0..3 {
                assert_eq!(log.pop(), Some(key(10 * round + id)));
            }
            assert_eq!(log.pop(), Some(LoggedKey::Lost { count: 2 }));
            assert_eq!(log.pop(), None);
        }
        log.push(key(1));
        log.push(key(2));
        assert_eq!(log.pop(), Some(key(1)));
        log.push(key(3));
        assert_eq!(log.pop(), Some(key(2)));
        assert_eq!(log.pop(), Some(key(3)));
    }

    #[test]
    fn a_log_without_room_is_off() {
        let mut log = KeyLog::new(&mut []);
        let mut connection = Connection::VACANT;
        connection.restore_ended(1);
        log.note(&Noted::Session(&connection));
        assert_eq!(log.pop(), None);
    }

    #[test]
    fn keys_are_not_printed() {
        assert_eq!(
            std::format!("{:?}", key(1)),
            "Session(0000000000000001, ..)"
        );
    }
}
