//! Two processes that ask for one name: the one that has it is probed, and keeps it if it answers.

use crate::retry::RetryPolicy;
use crate::time::Instant;

/// Which process asks for a name that another one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u64)]
pub(super) enum Contest {
    None,
    /// The process that has the name was probed; `by` is the session id that the other one chose.
    Probed {
        by: u64,
        at: Instant,
    },
    /// It was heard of since.
    Answered {
        by: u64,
        at: Instant,
    },
}

/// What the process that asks for the name is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// The name is taken.
    Taken,
    /// The name is its own: the process that had it is silent.
    Admit,
    /// It has to wait; the process that has the name is to be `probe`d.
    Wait { probe: bool },
}

impl Contest {
    /// Decides what a process is told that asks for the name under this session id; `has_session`
    /// if there is one to probe the other process in.
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
            // There is no session to ask in, and its holder did not come back to open one.
            let is_over = age_ms > retry.patience_ms() && !has_session;
            return if is_over {
                Ruling::Admit
            } else {
                Ruling::Wait { probe: false }
            };
        }
        // One contest at a time: its answer is fetched within an interval, then the next one may
        // ask.
        if age_ms > 2 * u64::from(retry.interval_ms) {
            return self.begin(id, now);
        }
        Ruling::Wait { probe: false }
    }

    fn begin(&mut self, by: u64, at: Instant) -> Ruling {
        *self = Self::Probed { by, at };
        Ruling::Wait { probe: true }
    }

    /// Notes that the process that has the name was heard of.
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

    fn ask(contest: &mut Contest, id: u64, has_session: bool, at_ms: u64) -> Ruling {
        contest.challenge(id, has_session, Instant::from_millis(at_ms), RETRY)
    }

    #[test]
    fn leaves_the_name_to_a_process_that_answers() {
        let mut contest = Contest::None;
        contest.on_heard();
        assert_eq!(ask(&mut contest, 7, true, 0), Ruling::Wait { probe: true });
        assert_eq!(
            ask(&mut contest, 7, true, 500),
            Ruling::Wait { probe: false }
        );
        contest.on_heard();
        assert_eq!(ask(&mut contest, 7, true, 600), Ruling::Taken);
        assert_eq!(
            ask(&mut contest, 8, true, 700),
            Ruling::Wait { probe: false }
        );
        assert_eq!(
            ask(&mut contest, 8, true, 1_001),
            Ruling::Wait { probe: true }
        );
    }

    #[test]
    fn gives_the_name_away_without_a_session() {
        let mut contest = Contest::None;
        ask(&mut contest, 7, false, 0);
        let patience_ms = RETRY.patience_ms();
        let wait = Ruling::Wait { probe: false };
        assert_eq!(ask(&mut contest, 7, false, patience_ms), wait);
        assert_eq!(ask(&mut contest, 7, true, patience_ms + 1), wait);
        assert_eq!(ask(&mut contest, 7, false, patience_ms + 1), Ruling::Admit);
    }
}
