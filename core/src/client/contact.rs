//! Whether the server answers an active client, and when it was heard.

use super::event::ClientEvent;
use crate::time::Instant;

/// The contact with the server.
pub(super) struct Contact {
    /// When the latest authentic datagram of the server arrived.
    heard_at: Instant,
    is_silent: bool,
    /// The silence was reported, and its end was not.
    is_silence_reported: bool,
}

impl Contact {
    /// Nothing was heard or reported.
    pub(super) const START: Self = Self {
        heard_at: Instant::ZERO,
        is_silent: false,
        is_silence_reported: false,
    };

    /// Records an authentic datagram of the server.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// Records that the server answered no retransmission.
    pub(super) fn fall_silent(&mut self) {
        self.is_silent = true;
    }

    /// Records a session that the server accepted.
    pub(super) fn answer(&mut self, now: Instant) {
        self.heard_at = now;
        self.is_silent = false;
    }

    /// Returns when the server was heard last, while it is silent.
    pub(super) fn silent_since(&self) -> Option<Instant> {
        self.is_silent.then_some(self.heard_at)
    }

    /// Returns whether [`pop`](Self::pop) has an event.
    pub(super) fn has_event(&self) -> bool {
        self.is_silent != self.is_silence_reported
    }

    /// Returns the event for a change. A silence that ended before it was reported has none.
    pub(super) fn pop(&mut self) -> Option<ClientEvent<'static>> {
        if !self.has_event() {
            return None;
        }
        self.is_silence_reported = self.is_silent;
        Some(if self.is_silent {
            ClientEvent::ServerSilent
        } else {
            ClientEvent::ServerBack
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_each_silence_and_its_end_once() {
        let at = |ms| Instant::ZERO.plus_millis(ms);
        let mut contact = Contact::START;
        contact.answer(at(1));
        contact.heard(at(5));
        assert_eq!((contact.silent_since(), contact.pop()), (None, None));
        contact.fall_silent();
        contact.fall_silent();
        assert_eq!(contact.silent_since(), Some(at(5)));
        assert_eq!(contact.pop(), Some(ClientEvent::ServerSilent));
        assert_eq!(contact.pop(), None, "the silence was reported twice");
        contact.answer(at(9));
        assert_eq!(contact.silent_since(), None);
        assert!(contact.has_event());
        assert_eq!(contact.pop(), Some(ClientEvent::ServerBack));
        contact.fall_silent();
        contact.answer(at(12));
        assert!(!contact.has_event(), "an unreported silence has an end");
    }
}
