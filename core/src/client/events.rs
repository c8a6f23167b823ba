//! What happened apart from commands and messages, to be told.

use super::event::ClientEvent;

/// Events one input can cause at most.
const REPORTS_MAX: usize = 8;

/// Events that wait to be taken.
pub(super) struct Events {
    reports: heapless::Deque<ClientEvent<'static>, REPORTS_MAX>,
    /// The server takes nothing at the moment; and that is to be told.
    is_throttled: bool,
    is_throttling_untold: bool,
}

impl Events {
    pub(super) const NONE: Self = Self {
        reports: heapless::Deque::new(),
        is_throttled: false,
        is_throttling_untold: false,
    };

    /// Reports an event.
    pub(super) fn report(&mut self, event: ClientEvent<'static>) {
        if self.reports.push_back(event).is_err() {
            debug_assert!(false, "more reports than one input can cause");
        }
    }

    /// Returns whether reports wait.
    pub(super) fn has_reports(&self) -> bool {
        !self.reports.is_empty()
    }

    /// Returns whether anything waits.
    pub(super) fn is_empty(&self) -> bool {
        !self.has_reports() && !self.is_throttling_untold
    }

    /// The server takes what is asked of it, or it does not at the moment.
    pub(super) fn note_throttled(&mut self, is_throttled: bool) {
        let was_throttled = core::mem::replace(&mut self.is_throttled, is_throttled);
        self.is_throttling_untold |= is_throttled && !was_throttled;
    }

    /// Takes the next event.
    pub(super) fn pop(&mut self) -> Option<ClientEvent<'static>> {
        let throttled =
            || core::mem::take(&mut self.is_throttling_untold).then_some(ClientEvent::Throttled);
        self.reports.pop_front().or_else(throttled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_each_time_of_throttling_once() {
        let mut events = Events::NONE;
        events.note_throttled(true);
        events.note_throttled(true);
        events.report(ClientEvent::Registered);
        assert_eq!(events.pop(), Some(ClientEvent::Registered));
        events.note_throttled(false);
        assert_eq!(events.pop(), Some(ClientEvent::Throttled), "it was so");
        assert!(events.is_empty() && events.pop().is_none());
        events.note_throttled(true);
        assert!(!events.is_empty() && !events.has_reports());
    }
}
