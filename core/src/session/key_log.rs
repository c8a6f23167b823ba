//! Keys for tools that read captured datagrams (`--keylog`, dissectors, the simulator): exported
//! only where the caller provides slots for them.

mod key_event;
mod logged_key;
mod ring;

pub(crate) use key_event::{Asked, KeyEvent};
pub use logged_key::{KeySlot, LoggedKey};
use ring::Ring;

/// Exports the keys of a machine. Without slots it is off: then nothing is computed for it, and
/// a program that never switches it on does not even contain how.
pub(crate) struct KeyLog<'a> {
    ring: Ring<'a>,
    export: Option<fn(&mut Ring<'_>, &KeyEvent<'_>)>,
}

impl<'a> KeyLog<'a> {
    /// One that is off.
    pub(crate) fn off() -> Self {
        Self {
            ring: Ring::new(&mut []),
            export: None,
        }
    }

    /// One of all keys.
    pub(crate) fn new(slots: &'a mut [KeySlot]) -> Self {
        Self::exporting(slots, key_event::export)
    }

    /// One of all keys but those of handshakes.
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

    pub(crate) fn note(&mut self, event: &KeyEvent<'_>) {
        if let Some(export) = self.export {
            export(&mut self.ring, event);
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
        log.note(&KeyEvent::Session(&connection));
        assert_eq!(log.pop(), None);
    }
}
