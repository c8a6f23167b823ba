//! Keys for tools that read captured datagrams (`--keylog`, dissectors, the simulator): told only
//! where the caller has handed in room for them.

mod logged_key;
mod noted;
mod ring;

pub use logged_key::{KeySlot, LoggedKey};
pub(crate) use noted::{Asked, Noted};
use ring::Ring;

/// Exports the keys of a machine. Without slots it is off: then nothing is computed for it, and
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

    /// Returns whether keys are exported.
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

    #[test]
    fn a_log_without_room_is_off() {
        let mut log = KeyLog::new(&mut []);
        let mut connection = Connection::VACANT;
        connection.restore_ended(1);
        log.note(&Noted::Session(&connection));
        assert_eq!(log.pop(), None);
    }
}
