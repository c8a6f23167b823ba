//! Challenges: two processes ask for one name. The server probes the holder, which keeps the name
//! if it answers.

use crate::retry::RetryPolicy;
use crate::time::Instant;

/// The challenge of a name: which process asks for it while another one has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u64)]
pub(super) enum Challenge {
    None,
    /// The holder was probed; `by` is the session id that the challenger chose.
    Probed {
        by: u64,
        at: Instant,
    },
    /// The holder was heard from since the probe.
    Answered {
        by: u64,
        at: Instant,
    },
}

/// The answer to the process that asks for the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// The name is taken.
    Taken,
    /// The challenger gets the name: the holder is silent.
    Admit,
    /// The challenger has to wait; the server sends the holder a probe if `probe` is set.
    Wait { probe: bool },
}

impl Challenge {
    /// Decides on a process that asks for the name under this session id. `has_session` says
    /// whether the holder has a session for the probe.
    pub(super) fn challenge(
        &mut self,
        id: u64,
        has_session: bool,
        now: Instant,
        retry: RetryPolicy,
    ) -> Ruling {
        let age_ms = match *self {
            Self::None => {
                return self.begin(id, now);
            }
            Self::Answered { by, .. } if by == id => return Ruling::Taken,
            Self::Probed { at, .. } | Self::Answered { at, .. } => now.millis_since(at),
        };
        if matches!(*self, Self::Probed { by, .. } if by == id) {
            // The holder has no session for a probe, and did not return to open one.
            let is_over = age_ms > retry.patience_ms() && !has_session;
            return if is_over {
                Ruling::Admit
            } else {
                Ruling::Wait { probe: false }
            };
        }
        // One challenge at a time: the challenger asks again within an interval. Then the next
        // challenge may begin.
        if age_ms > 2 * u64::from(retry.interval_ms) {
            return self.begin(id, now);
        }
        Ruling::Wait { probe: false }
    }

    fn begin(&mut self, by: u64, at: Instant) -> Ruling {
        *self = Self::Probed { by, at };
        Ruling::Wait { probe: true }
    }

    /// Records that the holder of the name was heard from.
    pub(super) fn on_heard(&mut self) {
        if let Self::Probed { by, at } = *self {
            *self = Self::Answered { by, at };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: RetryPolicy = RetryPolicy::DEFAULT;

    fn ask(challenge: &mut Challenge, id: u64, has_session: bool, at_ms: u64) -> Ruling {
        challenge.challenge(id, has_session, Instant::from_millis(at_ms), RETRY)
    }

    #[test]
    fn leaves_the_name_to_a_holder_that_answers() {
        let mut challenge = Challenge::None;
        challenge.on_heard();
        assert_eq!(
            ask(&mut challenge, 7, true, 0),
            Ruling::Wait { probe: true }
        );
        assert_eq!(
            ask(&mut challenge, 7, true, 500),
            Ruling::Wait { probe: false }
        );
        challenge.on_heard();
        assert_eq!(ask(&mut challenge, 7, true, 600), Ruling::Taken);
        assert_eq!(
            ask(&mut challenge, 8, true, 700),
            Ruling::Wait { probe: false }
        );
        assert_eq!(
            ask(&mut challenge, 8, true, 1_001),
            Ruling::Wait { probe: true }
        );
    }

    #[test]
    fn admits_the_challenger_without_a_session() {
        let mut challenge = Challenge::None;
        ask(&mut challenge, 7, false, 0);
        let patience_ms = RETRY.patience_ms();
        let wait = Ruling::Wait { probe: false };
        assert_eq!(ask(&mut challenge, 7, false, patience_ms), wait);
        assert_eq!(ask(&mut challenge, 7, true, patience_ms + 1), wait);
        assert_eq!(
            ask(&mut challenge, 7, false, patience_ms + 1),
            Ruling::Admit
        );
    }
}
