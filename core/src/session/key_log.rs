//! The key log, for tools that decrypt packet captures (`--keylog`, dissectors, the simulator). It
//! is on only if the caller provides slots for the keys.

mod key_event;
mod logged_key;
mod ring;

pub(crate) use key_event::{KeyEvent, SentRequest};
pub use logged_key::{KeySlot, LoggedKey};
use ring::Ring;

/// Exports the keys of a machine. Without slots it is off, and computes nothing. A program that
/// never switches it on does not contain its code.
pub(crate) struct KeyLog<'a> {
    ring: Ring<'a>,
    export: Option<fn(&mut Ring<'_>, &KeyEvent<'_>)>,
}

impl<'a> KeyLog<'a> {
    /// Creates a log that is off.
    pub(crate) fn off() -> Self {
        Self {
            ring: Ring::new(&mut []),
            export: None,
        }
    }

    /// Creates a log of all keys.
    pub(crate) fn new(slots: &'a mut [KeySlot]) -> Self {
        Self::exporting(slots, key_event::export)
    }

    /// Creates a log of all keys but those of handshakes.
    pub(crate) fn of_sessions(slots: &'a mut [KeySlot]) -> Self {
        Self::exporting(slots, key_event::export_session_keys)
    }

    fn exporting(slots: &'a mut [KeySlot], export: fn(&mut Ring<'_>, &KeyEvent<'_>)) -> Self {
        Self {
            export: (!slots.is_empty()).then_some(export),
            ring: Ring::new(slots),
        }
    }

    /// Returns whether keys are exported.
    pub(crate) fn is_on(&self) -> bool {
        self.export.is_some()
    }

    /// Exports the keys of an event.
    pub(crate) fn note(&mut self, event: &KeyEvent<'_>) {
        if let Some(export) = self.export {
            export(&mut self.ring, event);
        }
    }

    /// Removes and returns the oldest key.
    pub(crate) fn pop(&mut self) -> Option<LoggedKey> {
        self.ring.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::connection::Connection;

    #[test]
    fn is_off_without_slots() {
        let mut log = KeyLog::new(&mut []);
        let mut connection = Connection::VACANT;
        connection.restore_ended(1);
        log.note(&KeyEvent::Session(&connection));
        assert_eq!(log.pop(), None);
    }
}
