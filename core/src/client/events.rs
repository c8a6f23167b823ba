//! Events that belong to no message: registration, roster, throttling, a silent server.

use super::contact::Contact;
use super::event::ClientEvent;
use super::kept_count::Unreported;

/// Maximum number of events that one input causes.
const REPORTS_MAX: usize = 8;

/// The events that wait to be polled.
pub(super) struct Events {
    reports: heapless::Deque<ClientEvent<'static>, REPORTS_MAX>,
    /// The server throttles this client.
    is_throttled: bool,
    /// The throttling was not reported yet.
    is_throttling_unreported: bool,
    contact: Contact,
    /// The peer that got stored messages, if the user was not told.
    kept_by: Unreported,
}

impl Events {
    /// No events.
    pub(super) const NONE: Self = Self {
        reports: heapless::Deque::new(),
        is_throttled: false,
        is_throttling_unreported: false,
        contact: Contact::START,
        kept_by: Unreported::NONE,
    };

    /// Appends an event.
    pub(super) fn report(&mut self, event: ClientEvent<'static>) {
        if self.reports.push_back(event).is_err() {
            debug_assert!(false, "more reports than one input can cause");
        }
    }

    /// Returns whether events other than throttling wait.
    pub(super) fn has_reports(&self) -> bool {
        !self.reports.is_empty()
    }

    /// Returns whether no event waits.
    pub(super) fn is_empty(&self) -> bool {
        !self.has_reports()
            && !self.is_throttling_unreported
            && !self.contact.has_event()
            && self.kept_by.is_none()
    }

    /// Records that this peer got stored messages. The next frame waits until that is reported.
    pub(super) fn note_kept_by(&mut self, peer: u32) {
        self.kept_by.set(peer);
    }

    /// Returns the peer that got stored messages, once.
    pub(super) fn take_kept_by(&mut self) -> Option<u32> {
        self.kept_by.take()
    }

    /// Returns the contact with the server. Its events come after those of the requests that failed
    /// with it.
    pub(super) fn contact(&self) -> &Contact {
        &self.contact
    }

    pub(super) fn contact_mut(&mut self) -> &mut Contact {
        &mut self.contact
    }

    /// Records whether the server throttles this client.
    pub(super) fn note_throttled(&mut self, is_throttled: bool) {
        let was_throttled = core::mem::replace(&mut self.is_throttled, is_throttled);
        self.is_throttling_unreported |= is_throttled && !was_throttled;
    }

    /// Returns the next event.
    pub(super) fn pop(&mut self) -> Option<ClientEvent<'static>> {
        let throttled = || {
            core::mem::take(&mut self.is_throttling_unreported).then_some(ClientEvent::Throttled)
        };
        self.reports.pop_front().or_else(throttled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_each_throttling_once() {
        let mut events = Events::NONE;
        events.note_throttled(true);
        events.note_throttled(true);
        events.report(ClientEvent::Registered);
        assert_eq!(events.pop(), Some(ClientEvent::Registered));
        events.note_throttled(false);
        assert_eq!(
            events.pop(),
            Some(ClientEvent::Throttled),
            "the throttling was not reported"
        );
        assert!(events.is_empty() && events.pop().is_none());
        events.note_throttled(true);
        assert!(!events.is_empty() && !events.has_reports());
    }
}
