//! What the server was asked for: which requests are open, and which may be opened.
//!
//! A request is queued in the session with the server, then awaits its result. The server remembers
//! the outcomes of the last [`REQUESTS_MAX`], so others are held back meanwhile.

use super::outbox::Outbox;
use super::outbox_slot::OutboxSlot;
use super::send_queue::SendQueue;
use crate::containers::Queue;
use crate::limits::REQUESTS_MAX;

/// The requests to the server.
pub(super) struct Requests {
    /// Numbered requests so far.
    numbered: u32,
    /// Requests that are queued or have no result.
    open: u32,
    /// Acknowledged by the server, without a result.
    awaiting: Queue,
    /// Held back while too many are open.
    backlog: Queue,
    /// The entry of a caller is asked for.
    looks_up_caller: bool,
}

/// Returns whether the server answers it with a numbered result.
fn is_numbered(entry: &OutboxSlot) -> bool {
    !entry.form().is_lookup()
}

impl Requests {
    /// No request so far.
    pub(super) const NONE: Self = Self {
        numbered: 0,
        open: 0,
        awaiting: Queue::EMPTY,
        backlog: Queue::EMPTY,
        looks_up_caller: false,
    };

    /// Returns whether a result is awaited.
    pub(super) fn awaits_results(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// Returns whether the entry of a caller is asked for: one at a time.
    pub(super) fn looks_up_caller(&self) -> bool {
        self.looks_up_caller
    }

    /// The entry of a caller is asked for, or the answer is here.
    pub(super) fn set_looks_up_caller(&mut self, looks_up: bool) {
        self.looks_up_caller = looks_up;
    }

    /// Holds a request back until it may be [opened](Self::open).
    pub(super) fn hold(&mut self, outbox: &mut Outbox<'_>, slot: u32) {
        self.backlog.push(outbox.slots(), slot);
    }

    /// Returns whether a request may be opened: not while the one that is [`REQUESTS_MAX`] before
    /// it has no result, even if those between them have theirs.
    //= PROTOCOL.md#10.3
    fn may_open(&self, outbox: &mut Outbox<'_>, sending: &SendQueue) -> bool {
        if self.open >= REQUESTS_MAX {
            return false;
        }
        let slots = outbox.slots();
        let oldest = self.awaiting.find(slots, is_numbered);
        let oldest = oldest.or_else(|| sending.find(slots, is_numbered));
        oldest.is_none_or(|slot| {
            self.numbered.wrapping_sub(slots.at(slot).request()) < REQUESTS_MAX - 1
        })
    }

    /// Opens the request that was held back for longest, if it may be, and queues it for the
    /// server. Returns whether it did.
    pub(super) fn open(&mut self, outbox: &mut Outbox<'_>, sending: &mut SendQueue) -> bool {
        if self.backlog.is_empty() || !self.may_open(outbox, sending) {
            return false;
        }
        let Some(slot) = self.backlog.pop(outbox.slots()) else {
            return false;
        };
        self.open += 1;
        let entry = outbox.at_mut(slot);
        if is_numbered(entry) {
            self.numbered = self.numbered.wrapping_add(1);
            entry.set_request(self.numbered);
        }
        sending.push(outbox.slots(), slot);
        true
    }

    /// The server acknowledged a request: its result is awaited.
    pub(super) fn acknowledged(&mut self, outbox: &mut Outbox<'_>, slot: u32) {
        self.awaiting.push(outbox.slots(), slot);
    }

    /// Takes the request whose result came.
    pub(super) fn take_result(&mut self, outbox: &mut Outbox<'_>, request: u32) -> Option<u32> {
        let wanted = |entry: &OutboxSlot| is_numbered(entry) && entry.request() == request;
        let slot = self.awaiting.take(outbox.slots(), wanted)?;
        self.open -= 1;
        Some(slot)
    }

    /// Takes the lookup whose answer came.
    pub(super) fn take_lookup(&mut self, outbox: &mut Outbox<'_>, query: u32) -> Option<u32> {
        let wanted = |entry: &OutboxSlot| !is_numbered(entry) && entry.counter() == query;
        let slot = self.awaiting.take(outbox.slots(), wanted)?;
        self.open -= 1;
        Some(slot)
    }

    /// Takes all requests, in their order: the server is silent.
    pub(super) fn take_all(&mut self, outbox: &mut Outbox<'_>, sending: &mut SendQueue) -> Queue {
        let mut all = core::mem::replace(&mut self.awaiting, Queue::EMPTY);
        all.append(outbox.slots(), &mut sending.take());
        all.append(outbox.slots(), &mut self.backlog);
        self.open = 0;
        all
    }

    /// Queues all requests without a result again, in their order, for a new session. Returns how
    /// many were queued in addition.
    pub(super) fn repeat(&mut self, outbox: &mut Outbox<'_>, sending: &mut SendQueue) -> u32 {
        let mut count = 0;
        let mut at = self.awaiting.first();
        while let Some(slot) = at {
            count += 1;
            at = self.awaiting.after(outbox.slots(), slot);
        }
        sending.put_in_front(outbox.slots(), &mut self.awaiting);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::outbox_slot::Form;

    fn outbox_of(slots: &mut [OutboxSlot]) -> Outbox<'_> {
        Outbox::new(slots).unwrap()
    }

    #[test]
    //= PROTOCOL.md#10.3
    fn opens_no_request_far_ahead_of_oldest() {
        let mut slots = [OutboxSlot::VACANT; 40];
        let mut outbox = outbox_of(&mut slots);
        let (mut requests, mut sending) = (Requests::NONE, SendQueue::EMPTY);
        for _ in 0..40 {
            let slot = outbox.allocate(Form::Post, 0, "a").unwrap();
            requests.hold(&mut outbox, slot);
        }
        let mut opened = 0;
        while requests.open(&mut outbox, &mut sending) {
            opened += 1;
        }
        assert_eq!(opened, REQUESTS_MAX);
        let acknowledged = [(); 3].map(|()| sending.pop(outbox.slots()).unwrap());
        for slot in acknowledged {
            requests.acknowledged(&mut outbox, slot);
        }
        assert_eq!(requests.take_result(&mut outbox, 2), Some(acknowledged[1]));
        assert_eq!(requests.take_result(&mut outbox, 2), None);
        assert!(!requests.open(&mut outbox, &mut sending), "1 has no result");
        assert_eq!(requests.take_result(&mut outbox, 1), Some(acknowledged[0]));
        assert!(requests.open(&mut outbox, &mut sending));
        assert!(requests.open(&mut outbox, &mut sending));
        assert!(!requests.open(&mut outbox, &mut sending), "3 has no result");
    }

    #[test]
    fn repeats_unanswered_requests_in_order() {
        let mut slots = [OutboxSlot::VACANT; 4];
        let mut outbox = outbox_of(&mut slots);
        let (mut requests, mut sending) = (Requests::NONE, SendQueue::EMPTY);
        let forms = [Form::Lookup, Form::Post, Form::Store, Form::Post];
        let all = forms.map(|form| outbox.allocate(form, 0, "a").unwrap());
        for slot in all {
            requests.hold(&mut outbox, slot);
            assert!(requests.open(&mut outbox, &mut sending));
        }
        let numbers = all.map(|slot| outbox.at(slot).request());
        assert_eq!(numbers, [0, 1, 2, 3], "a lookup has no number");
        for _ in 0..2 {
            let slot = sending.pop(outbox.slots()).unwrap();
            requests.acknowledged(&mut outbox, slot);
        }
        assert!(requests.awaits_results());
        assert_eq!(requests.repeat(&mut outbox, &mut sending), 2);
        assert!(!requests.awaits_results());
        let again = [(); 4].map(|()| sending.pop(outbox.slots()).unwrap());
        assert_eq!(again, all);
    }

    #[test]
    fn gives_up_open_requests_before_backlog() {
        let mut slots = [OutboxSlot::VACANT; 3];
        let mut outbox = outbox_of(&mut slots);
        let (mut requests, mut sending) = (Requests::NONE, SendQueue::EMPTY);
        let all = [(); 3].map(|()| outbox.allocate(Form::Lookup, 0, "a").unwrap());
        for slot in all {
            requests.hold(&mut outbox, slot);
        }
        requests.open(&mut outbox, &mut sending);
        requests.open(&mut outbox, &mut sending);
        let first = sending.pop(outbox.slots()).unwrap();
        requests.acknowledged(&mut outbox, first);
        let mut given_up = requests.take_all(&mut outbox, &mut sending);
        let popped = [(); 4].map(|()| given_up.pop(outbox.slots()));
        assert_eq!(popped, [Some(all[0]), Some(all[1]), Some(all[2]), None]);
        assert!(sending.is_empty() && !requests.open(&mut outbox, &mut sending));
    }
}
