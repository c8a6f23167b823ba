//! Requests to the server: which are open, and which may be opened.
//!
//! A request is queued in the session with the server, then waits for its result. The server
//! remembers the outcomes of the last [`REQUESTS_MAX`] only, so that more have to wait.

use super::outbox::Outbox;
use super::outbox_slot::OutboxSlot;
use super::send_queue::SendQueue;
use crate::containers::Queue;
use crate::limits::REQUESTS_MAX;

/// The requests to the server.
pub(super) struct Requests {
    /// Number of numbered requests so far.
    numbered: u32,
    /// Number of requests that are queued or have no result.
    open: u32,
    /// Requests that the server acknowledged, without a result.
    awaiting: Queue,
    /// Requests that wait while too many are open.
    backlog: Queue,
    /// A lookup of a caller is in progress.
    looks_up_caller: bool,
}

/// Returns whether the server answers the request with a numbered result.
fn is_numbered(entry: &OutboxSlot) -> bool {
    !entry.form().is_lookup()
}

impl Requests {
    /// No requests.
    pub(super) const NONE: Self = Self {
        numbered: 0,
        open: 0,
        awaiting: Queue::EMPTY,
        backlog: Queue::EMPTY,
        looks_up_caller: false,
    };

    /// Returns whether a request waits for its result.
    pub(super) fn awaits_results(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// Returns whether a lookup of a caller is in progress; there is one at a time.
    pub(super) fn looks_up_caller(&self) -> bool {
        self.looks_up_caller
    }

    /// Sets whether a lookup of a caller is in progress.
    pub(super) fn set_looks_up_caller(&mut self, looks_up: bool) {
        self.looks_up_caller = looks_up;
    }

    /// Queues a request until it may be [opened](Self::open).
    pub(super) fn enqueue(&mut self, outbox: &mut Outbox<'_>, slot: u32) {
        self.backlog.push(outbox.slots(), slot);
    }

    /// Returns whether a request may be opened. It may not while the request [`REQUESTS_MAX`]
    /// before it has no result, even if later ones have theirs.
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

    /// Opens the oldest waiting request, if it may be, and queues it for the server. Returns
    /// whether it did.
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

    /// Records that the server acknowledged a request; its result follows.
    pub(super) fn acknowledged(&mut self, outbox: &mut Outbox<'_>, slot: u32) {
        self.awaiting.push(outbox.slots(), slot);
    }

    /// Takes the request with this number, whose result has arrived.
    pub(super) fn take_result(&mut self, outbox: &mut Outbox<'_>, request: u32) -> Option<u32> {
        let wanted = |entry: &OutboxSlot| is_numbered(entry) && entry.request() == request;
        let slot = self.awaiting.take(outbox.slots(), wanted)?;
        self.open -= 1;
        Some(slot)
    }

    /// Takes the lookup with this number, whose answer has arrived.
    pub(super) fn take_lookup(&mut self, outbox: &mut Outbox<'_>, query: u32) -> Option<u32> {
        let wanted = |entry: &OutboxSlot| !is_numbered(entry) && entry.counter() == query;
        let slot = self.awaiting.take(outbox.slots(), wanted)?;
        self.open -= 1;
        Some(slot)
    }

    /// Takes all requests, in order: the server is silent.
    pub(super) fn take_all(&mut self, outbox: &mut Outbox<'_>, sending: &mut SendQueue) -> Queue {
        let mut all = core::mem::replace(&mut self.awaiting, Queue::EMPTY);
        all.append(outbox.slots(), &mut sending.take());
        all.append(outbox.slots(), &mut self.backlog);
        self.open = 0;
        all
    }

    /// Queues all requests without a result again, in order, for a new session. Returns the number
    /// of requests that were added to the queue.
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
            requests.enqueue(&mut outbox, slot);
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
        assert!(
            !requests.open(&mut outbox, &mut sending),
            "request 1 has no result"
        );
        assert_eq!(requests.take_result(&mut outbox, 1), Some(acknowledged[0]));
        assert!(requests.open(&mut outbox, &mut sending));
        assert!(requests.open(&mut outbox, &mut sending));
        assert!(
            !requests.open(&mut outbox, &mut sending),
            "request 3 has no result"
        );
    }

    #[test]
    fn repeats_unanswered_requests_in_order() {
        let mut slots = [OutboxSlot::VACANT; 4];
        let mut outbox = outbox_of(&mut slots);
        let (mut requests, mut sending) = (Requests::NONE, SendQueue::EMPTY);
        let forms = [Form::Lookup, Form::Post, Form::Store, Form::Post];
        let all = forms.map(|form| outbox.allocate(form, 0, "a").unwrap());
        for slot in all {
            requests.enqueue(&mut outbox, slot);
            assert!(requests.open(&mut outbox, &mut sending));
        }
        let numbers = all.map(|slot| outbox.at(slot).request());
        assert_eq!(numbers, [0, 1, 2, 3], "a lookup has a number");
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
    fn takes_open_requests_before_the_backlog() {
        let mut slots = [OutboxSlot::VACANT; 3];
        let mut outbox = outbox_of(&mut slots);
        let (mut requests, mut sending) = (Requests::NONE, SendQueue::EMPTY);
        let all = [(); 3].map(|()| outbox.allocate(Form::Lookup, 0, "a").unwrap());
        for slot in all {
            requests.enqueue(&mut outbox, slot);
        }
        requests.open(&mut outbox, &mut sending);
        requests.open(&mut outbox, &mut sending);
        let first = sending.pop(outbox.slots()).unwrap();
        requests.acknowledged(&mut outbox, first);
        let mut all_requests = requests.take_all(&mut outbox, &mut sending);
        let popped = [(); 4].map(|()| all_requests.pop(outbox.slots()));
        assert_eq!(popped, [Some(all[0]), Some(all[1]), Some(all[2]), None]);
        assert!(sending.is_empty() && !requests.open(&mut outbox, &mut sending));
    }
}
