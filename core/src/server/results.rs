//! The results of one process's requests. A repeated request takes effect once.

use crate::limits::REQUESTS_MAX;
use crate::wire::{Frame, Outcome};

/// The highest request number: arithmetic on request numbers never wraps.
pub(super) const REQUEST_NUMBER_MAX: u32 = u32::MAX - 2 * REQUESTS_MAX;

/// Codes of outcomes, four bits each.
const NONE: u128 = 0;
const PENDING: u128 = 1;
const OUTCOMES: [(Outcome, u128); 7] = [
    (Outcome::Saved, 2),
    (Outcome::Exists, 3),
    (Outcome::Full, 4),
    (Outcome::NoSuchClient, 5),
    (Outcome::NotStored, 6),
    (Outcome::Left, 7),
    (Outcome::Muted, 8),
];

/// The outcomes of the last 32 requests of a process, and which results were sent.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Results {
    /// The outcomes, four bits each, at the request number modulo 32.
    outcomes: u128,
    /// The latest request.
    last: u32,
    /// The latest request whose result was sent.
    sent: u32,
    /// The latest request whose result the client has acknowledged.
    acked: u32,
    /// The request to deregister that waits to be stored; 0 for none.
    leaving: u32,
    /// The Lookup that waits for messages; 0 for none.
    lookup: u32,
    /// Position in the common order when it arrived.
    lookup_after: u64,
}

impl Results {
    /// No requests; all zero bits.
    pub(crate) const VACANT: Self = Self {
        outcomes: 0,
        last: 0,
        sent: 0,
        acked: 0,
        leaving: 0,
        lookup: 0,
        lookup_after: 0,
    };

    // ---- requests ----

    /// Records a request; false if it is repeated.
    //= PROTOCOL.md#10.3
    pub(crate) fn note(&mut self, request: u32) -> bool {
        if request <= self.last {
            // Send its result again, if it is still remembered.
            self.sent = self.sent.min(request.saturating_sub(1));
            // Outcomes without an effect are not stored, and lost in a restart. Later requests have
            // taken effect since, so this one is too late for its place.
            if self.is_recent(request) && self.code(request) == NONE {
                self.decide(request, Outcome::NotStored);
            }
            return false;
        }
        let skipped = (request - self.last - 1).min(REQUESTS_MAX);
        for ahead in 1..=skipped {
            self.set_code(request - ahead, NONE);
        }
        self.set_code(request, PENDING);
        self.last = request;
        true
    }

    /// Returns whether a request was not made before.
    #[cfg(feature = "medium-keys")]
    pub(crate) fn is_new(&self, request: u32) -> bool {
        request > self.last
    }

    /// Records a request to deregister. Its result is known once the deregistration is stored.
    pub(crate) fn note_leave(&mut self, request: u32) {
        if !self.note(request) {
            self.set_code(request, PENDING);
        }
        self.leaving = request;
    }

    /// Returns whether a request to deregister waits to be stored.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving != 0
    }

    /// Confirms the pending deregistration, if there is one: it is stored.
    pub(crate) fn confirm_leave(&mut self) {
        let leaving = core::mem::take(&mut self.leaving);
        if leaving != 0 {
            self.decide(leaving, Outcome::Left);
        }
    }

    /// Returns the position in the common order up to which messages come before the answer to a
    /// Lookup: the present one, `order`, when it arrives for the first time.
    pub(crate) fn await_lookup(&mut self, query: u32, order: u64) -> u64 {
        if self.lookup != query {
            (self.lookup, self.lookup_after) = (query, order);
        }
        self.lookup_after
    }

    /// Records that the Lookup was answered, or that its session has ended. The client may use its
    /// number again.
    pub(crate) fn end_lookup(&mut self) {
        self.lookup = 0;
    }

    /// Sets the outcome of a request; does nothing if 32 later requests exist.
    pub(crate) fn decide(&mut self, request: u32, outcome: Outcome) {
        if self.is_recent(request) {
            let code = OUTCOMES
                .iter()
                .find(|(known, _)| *known == outcome)
                .map_or(NONE, |(_, code)| *code);
            self.set_code(request, code);
        }
    }

    /// Returns whether the process may repeat this request: it did not acknowledge the result.
    pub(crate) fn may_repeat(&self, request: u32) -> bool {
        self.is_recent(request) && request > self.acked
    }

    /// Returns whether one of the requests stored a message, or may have: the outcomes of all but
    /// the latest are forgotten.
    pub(crate) fn has_saved(&self) -> bool {
        let saved = OUTCOMES.iter().find(|(known, _)| *known == Outcome::Saved);
        let is_saved = |request| saved.is_some_and(|(_, code)| *code == self.code(request));
        self.last > REQUESTS_MAX || (0..REQUESTS_MAX).any(is_saved)
    }

    /// Forgets the requests: another process has the name.
    pub(crate) fn begin_process(&mut self) {
        *self = Self {
            leaving: self.leaving,
            ..Self::VACANT
        };
    }

    // ---- delivery ----

    /// Returns the next request whose result has to be sent: in order, none after a pending one.
    pub(crate) fn next(&self) -> Option<u32> {
        let oldest = (self.last + 1).saturating_sub(REQUESTS_MAX);
        let mut request = (self.sent + 1).max(oldest);
        while request <= self.last {
            match self.code(request) {
                PENDING => return None,
                NONE => request += 1,
                _ => return Some(request),
            }
        }
        None
    }

    /// Builds the frame with the result of a request.
    pub(crate) fn build(&self, request: u32) -> Frame<'static> {
        let code = self.code(request);
        Frame::Result {
            request,
            // Only a client with more outstanding requests than allowed can have lost this one.
            outcome: OUTCOMES
                .iter()
                .find(|(_, known)| *known == code)
                .map_or(Outcome::NotStored, |(outcome, _)| *outcome),
        }
    }

    /// Records that the result of a request was sent.
    pub(crate) fn on_sent(&mut self, request: u32) {
        self.sent = request;
    }

    /// Records that the client acknowledged the result of a request.
    pub(crate) fn on_acked(&mut self, request: u32) {
        self.acked = self.acked.max(request);
    }

    /// Skips unsent results when the session ends: the client repeats their requests.
    pub(crate) fn skip_unsent(&mut self) {
        self.sent = self.last;
    }

    // ---- the store ----

    /// Returns the latest request and the outcomes for the record of the name. A deregistration
    /// takes effect with this record.
    pub(crate) fn to_store(&self) -> (u32, u128) {
        let mut stored = self.clone();
        stored.confirm_leave();
        (stored.last, stored.outcomes)
    }

    /// Restores the latest request and the outcomes from a record of the `same` process, or of
    /// another. A request that was pending has taken effect if an earlier record proved it;
    /// otherwise it is decided again.
    pub(crate) fn restore(&mut self, last: u32, outcomes: u128, same: bool) {
        let before = core::mem::replace(
            self,
            Self {
                outcomes,
                last,
                ..self.clone()
            },
        );
        let oldest = last.saturating_sub(REQUESTS_MAX - 1).max(1);
        for request in oldest..=last {
            if self.code(request) == PENDING {
                let known = same && request <= before.last && before.is_recent(request);
                let code = before.code(request);
                self.set_code(request, if known && code != PENDING { code } else { NONE });
            }
        }
        // The last requests without an outcome were lost in the crash: they count as new when they
        // are repeated.
        while self.last >= oldest && self.code(self.last) == NONE {
            self.last -= 1;
        }
        self.sent = self.last;
    }

    /// Restores a request that took effect: a stored message or entry proves it.
    pub(crate) fn restore_saved(&mut self, request: u32) {
        if request > self.last {
            self.note(request);
        }
        self.decide(request, Outcome::Saved);
        self.sent = self.last;
    }

    // ---- codes ----

    fn is_recent(&self, request: u32) -> bool {
        self.last.wrapping_sub(request) < REQUESTS_MAX
    }

    fn code(&self, request: u32) -> u128 {
        self.outcomes >> (request % REQUESTS_MAX * 4) & 0xf
    }

    fn set_code(&mut self, request: u32, code: u128) {
        let at = request % REQUESTS_MAX * 4;
        self.outcomes = self.outcomes & !(0xf << at) | code << at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(results: &Results, request: u32) -> Outcome {
        match results.build(request) {
            Frame::Result { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn remembers_when_a_lookup_arrived_first() {
        let mut results = Results::VACANT;
        assert_eq!(results.await_lookup(4, 10), 10);
        assert_eq!(
            results.await_lookup(4, 12),
            10,
            "a repetition waits for more"
        );
        assert_eq!(results.await_lookup(5, 13), 13);
        results.end_lookup();
        assert_eq!(results.await_lookup(5, 14), 14);
    }

    #[test]
    fn returns_results_in_order_of_requests() {
        let mut results = Results::VACANT;
        assert!(results.note(1) && results.note(2));
        results.decide(2, Outcome::Full);
        assert_eq!(results.next(), None, "the result overtook a pending one");
        results.decide(1, Outcome::Saved);
        for request in [1, 2] {
            assert_eq!(results.next(), Some(request));
            results.on_sent(request);
        }
        assert_eq!(results.next(), None);
        assert_eq!(outcome(&results, 2), Outcome::Full);
    }

    #[test]
    fn repeats_the_result_of_a_repeated_request() {
        let mut results = Results::VACANT;
        results.note(1);
        results.decide(1, Outcome::Saved);
        results.on_sent(1);
        assert!(results.may_repeat(1));
        assert!(!results.note(1), "a repeated request counts as new");
        assert_eq!(results.next(), Some(1));
        results.on_acked(1);
        assert!(!results.may_repeat(1));
    }

    #[test]
    fn forgets_outcomes_after_32_later_requests() {
        let mut results = Results::VACANT;
        results.note(1);
        results.note(1 + REQUESTS_MAX);
        results.decide(1, Outcome::Saved);
        assert_eq!(outcome(&results, 1 + REQUESTS_MAX), Outcome::NotStored);
        assert!(!results.may_repeat(1));
        // A request that was skipped is too late for its place.
        assert!(!results.note(5));
        assert_eq!(results.next(), Some(5));
        assert_eq!(outcome(&results, 5), Outcome::NotStored);
    }

    #[test]
    fn remembers_that_early_requests_may_have_stored() {
        let mut results = Results::VACANT;
        results.note(1);
        results.decide(1, Outcome::Saved);
        assert!(results.has_saved());
        for request in 2..=1 + REQUESTS_MAX {
            results.note(request);
            results.decide(request, Outcome::Full);
            assert!(results.has_saved(), "forgotten after request {request}");
        }
    }

    #[test]
    fn stores_a_deregistration_before_its_result() {
        let mut results = Results::VACANT;
        results.note_leave(1);
        assert_eq!(results.next(), None);
        let (last, outcomes) = results.to_store();
        let mut restored = Results::VACANT;
        restored.restore(last, outcomes, false);
        assert_eq!(outcome(&restored, 1), Outcome::Left);
        results.confirm_leave();
        assert!(!results.is_leaving() && !results.has_saved());
        assert_eq!(results.next(), Some(1));
    }

    #[test]
    fn restores_pending_requests_only_if_proved() {
        let mut results = Results::VACANT;
        (1..=3).for_each(|request| assert!(results.note(request)));
        let (last, outcomes) = results.to_store();
        let mut restored = Results::VACANT;
        restored.restore_saved(2);
        restored.restore(last, outcomes, true);
        // The third is the last one: it counts as new when it is repeated. The first is too late.
        assert!(restored.note(3) && restored.has_saved());
        assert!(!restored.note(1));
        assert_eq!(outcome(&restored, 1), Outcome::NotStored);
        assert_eq!(outcome(&restored, 2), Outcome::Saved);
    }
}
