//! The results of one process's requests: each request takes effect once, however often it comes.

use crate::limits::REQUESTS_MAX;
use crate::wire::{Frame, Outcome};

/// Requests are counted up to here: arithmetic on their numbers never wraps.
pub(super) const REQUEST_NUMBER_MAX: u32 = u32::MAX - 2 * REQUESTS_MAX;

/// Outcomes in four bits each.
const NONE: u128 = 0;
const PENDING: u128 = 1;
const OUTCOMES: [(Outcome, u128); 6] = [
    (Outcome::Saved, 2),
    (Outcome::Exists, 3),
    (Outcome::Full, 4),
    (Outcome::NoSuchClient, 5),
    (Outcome::NotStored, 6),
    (Outcome::Left, 7),
];

/// The outcomes of the last 32 requests of a process, and how far it was told.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Results {
    /// The outcomes in four bits each, at the remainder of their number.
    outcomes: u128,
    /// The latest request.
    last: u32,
    /// The latest request whose result was sent.
    sent: u32,
    /// The latest request whose result the client has acknowledged.
    acked: u32,
    /// The request to deregister that waits to be stored; 0 for none.
    leaving: u32,
}

impl Results {
    /// No requests; all zero bits.
    pub(crate) const VACANT: Self = Self {
        outcomes: 0,
        last: 0,
        sent: 0,
        acked: 0,
        leaving: 0,
    };

    // ---- requests ----

    /// Notes a request; false if it is a repetition.
    //= PROTOCOL.md#10.3
    pub(crate) fn note(&mut self, request: u32) -> bool {
        if request <= self.last {
            // Its result is wanted again, if it is still remembered.
            self.sent = self.sent.min(request.saturating_sub(1));
            // An outcome without any effect was not stored, and is forgotten after a restart. Later
            // requests have taken effect since, so this one comes too late for its place.
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

    /// Notes a request to deregister: its result is known once the deregistration is stored.
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

    /// Notes that the deregistration is stored, if one was to be.
    pub(crate) fn confirm_leave(&mut self) {
        let leaving = core::mem::take(&mut self.leaving);
        if leaving != 0 {
            self.decide(leaving, Outcome::Left);
        }
    }

    /// Notes the outcome of a request; does nothing if 32 later ones have overtaken it.
    pub(crate) fn decide(&mut self, request: u32, outcome: Outcome) {
        if self.is_recent(request) {
            let code = OUTCOMES
                .iter()
                .find(|(known, _)| *known == outcome)
                .map_or(NONE, |(_, code)| *code);
            self.set_code(request, code);
        }
    }

    /// Returns whether the process may repeat this request, since it did not acknowledge the
    /// result.
    pub(crate) fn may_repeat(&self, request: u32) -> bool {
        self.is_recent(request) && request > self.acked
    }

    /// Forgets everything: another process has the name.
    pub(crate) fn begin_process(&mut self) {
        *self = Self {
            leaving: self.leaving,
            ..Self::VACANT
        };
    }

    // ---- delivery ----

    /// Returns the next request whose result is known and was not sent.
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
            // Only a client that has more requests open than it may can have lost this one.
            outcome: OUTCOMES
                .iter()
                .find(|(_, known)| *known == code)
                .map_or(Outcome::NotStored, |(outcome, _)| *outcome),
        }
    }

    /// Notes that the result of a request was sent.
    pub(crate) fn on_sent(&mut self, request: u32) {
        self.sent = request;
    }

    /// Notes that the client acknowledged the result of a request.
    pub(crate) fn on_acked(&mut self, request: u32) {
        self.acked = self.acked.max(request);
    }

    /// Notes that the session has ended: results that it did not bring are sent no more, as the
    /// client repeats the requests that they belong to.
    pub(crate) fn skip_unsent(&mut self) {
        self.sent = self.last;
    }

    // ---- the store ----

    /// Returns the latest request and the outcomes as they are once the name is stored: a
    /// deregistration takes effect with the record.
    pub(crate) fn to_store(&self) -> (u32, u128) {
        let mut stored = self.clone();
        stored.confirm_leave();
        (stored.last, stored.outcomes)
    }

    /// Takes back what was stored with a name; `same` if it is of the process that had it so far.
    /// Requests that were pending then have taken effect if a record in front of this one said so,
    /// and are otherwise decided again.
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
        // Requests that were lost with the server, and have nothing behind them that was not, are
        // taken when they are made again.
        while self.last >= oldest && self.code(self.last) == NONE {
            self.last -= 1;
        }
        self.sent = self.last;
    }

    /// Takes back that a request took effect, which a stored message proves.
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
    fn tells_results_in_order_of_their_requests() {
        let mut results = Results::VACANT;
        assert!(results.note(1) && results.note(2));
        results.decide(2, Outcome::Full);
        assert_eq!(results.next(), None, "the first one is pending");
        results.decide(1, Outcome::Saved);
        for request in [1, 2] {
            assert_eq!(results.next(), Some(request));
            results.on_sent(request);
        }
        assert_eq!(results.next(), None);
        assert_eq!(outcome(&results, 2), Outcome::Full);
    }

    #[test]
    fn repeats_a_result_that_is_asked_for_again() {
        let mut results = Results::VACANT;
        results.note(1);
        results.decide(1, Outcome::Saved);
        results.on_sent(1);
        assert!(results.may_repeat(1));
        assert!(!results.note(1), "it is a repetition");
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
        // One that was skipped comes too late for its place.
        assert!(!results.note(5));
        assert_eq!(results.next(), Some(5));
        assert_eq!(outcome(&results, 5), Outcome::NotStored);
    }

    #[test]
    fn stores_a_deregistration_before_it_is_told() {
        let mut results = Results::VACANT;
        results.note_leave(1);
        assert_eq!(results.next(), None);
        let (last, outcomes) = results.to_store();
        let mut restored = Results::VACANT;
        restored.restore(last, outcomes, false);
        assert_eq!(outcome(&restored, 1), Outcome::Left);
        results.confirm_leave();
        assert!(!results.is_leaving());
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
        // The third has nothing behind it: it is taken when it is made again. The first is late.
        assert!(restored.note(3));
        assert!(!restored.note(1));
        assert_eq!(outcome(&restored, 1), Outcome::NotStored);
        assert_eq!(outcome(&restored, 2), Outcome::Saved);
    }
}
