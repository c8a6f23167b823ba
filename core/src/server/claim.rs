//! Decides whether a process may have a known name.

use super::challenge::Ruling;
use super::name_slot::NameSlot;
use super::process::SessionStart;
use crate::address::PackedAddress;
use crate::drop_reason::DropReason;
use crate::retry::RetryPolicy;
use crate::time::Instant;
use crate::wire::Refusal;

/// A process that asks for a name, and the time of its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    /// The session id that the process chose.
    pub(super) id: u64,
    pub(super) session: &'a SessionStart,
    pub(super) now: Instant,
    pub(super) retry: RetryPolicy,
}

/// The reason why a process does not get a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// The server refuses it.
    Refuse(Refusal),
    /// The key, or the source, has too many names.
    TooMany,
    /// The process waits until the server has probed the holder of the name.
    Probe,
    /// Its cookie is too old to tell the request from a replay: the server sends a new one.
    Renew,
    /// The server drops the request.
    Ignore(DropReason),
}

const WAIT: Result<bool, Denial> = Err(Denial::Refuse(Refusal::Wait));

impl Claim<'_> {
    /// Decides whether the process gets a name; returns whether the name was known before. The
    /// present holder receives at `remote`; `has_session` says whether its session is open.
    pub(super) fn evaluate(
        &self,
        name: &mut NameSlot,
        remote: &PackedAddress,
        has_session: bool,
    ) -> Result<bool, Denial> {
        let (membership, process, asked) = (name.membership(), name.process(), self.session);
        if membership.is_expiring() {
            return WAIT;
        }
        if membership.is_gone() {
            return Ok(false);
        }
        let is_registering = membership.is_registering();
        if process.has_other_key(&asked.key) {
            let is_settled = membership.is_known() || !is_registering;
            return if is_settled {
                Err(Denial::Refuse(Refusal::ForeignKey))
            } else {
                WAIT
            };
        }
        let is_same = name.has_process(asked.incarnation);
        // The request was replayed, or a later one overtook it.
        if is_same && asked.session_sequence <= process.session_sequence() {
            return Err(Denial::Ignore(DropReason::Duplicate));
        }
        if is_registering {
            return WAIT;
        }
        if is_same {
            return Ok(true);
        }
        let is_provisional = membership.is_provisional();
        if process.was_evicted(asked.incarnation, is_provisional) {
            return Err(Denial::Refuse(Refusal::Evicted));
        }
        // A replayed request of an earlier process, whose cookie is still valid.
        if process.has_newer_cookie(asked.cookie_issued_at_ms) {
            return Err(Denial::Renew);
        }
        // A process at the same address replaces the old one: two cannot receive there. So does any
        // process, one that has not proved that it is there.
        let is_held = membership.is_here() && !is_provisional;
        if !is_held || *remote == asked.address {
            return Ok(true);
        }
        match name.challenge(self.id, has_session, self.now, self.retry) {
            Ruling::Taken => Err(Denial::Refuse(Refusal::NameTaken)),
            Ruling::Admit => Ok(true),
            Ruling::Wait { probe: true } => Err(Denial::Probe),
            Ruling::Wait { probe: false } => WAIT,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;
    use crate::crypto::PublicKey;

    fn session(incarnation: u64, session_sequence: u32, port: u16) -> SessionStart {
        SessionStart {
            incarnation,
            session_sequence,
            key: PublicKey([1; 32]),
            address: SocketAddr::from(([192, 0, 2, 1], port)).into(),
            cookie_issued_at_ms: 50,
        }
    }

    /// Returns a name that process 7 has, at port 1.
    fn name() -> NameSlot {
        let mut name = NameSlot::VACANT;
        name.begin_session(&session(7, 1, 1), 0);
        name.admit();
        name.confirm();
        name
    }

    fn evaluate(name: &mut NameSlot, session: &SessionStart) -> Result<bool, Denial> {
        let remote = name.process().address();
        let claim = Claim {
            id: 9,
            session,
            now: Instant::ZERO,
            retry: RetryPolicy::DEFAULT,
        };
        claim.evaluate(name, &remote, true)
    }

    #[test]
    fn gives_the_name_to_its_process_and_successors() {
        let mut name = name();
        let repeated = Err(Denial::Ignore(DropReason::Duplicate));
        assert_eq!(evaluate(&mut name, &session(7, 1, 1)), repeated);
        assert_eq!(evaluate(&mut name, &session(7, 2, 2)), Ok(true));
        assert_eq!(evaluate(&mut name, &session(8, 1, 1)), Ok(true));
        name.begin_session(&session(8, 1, 1), 0);
        name.admit();
        assert_eq!(evaluate(&mut name, &session(7, 2, 1)), Ok(true));
        name.confirm();
        let evicted = Err(Denial::Refuse(Refusal::Evicted));
        assert_eq!(evaluate(&mut name, &session(7, 2, 1)), evicted);
        name.leave();
        assert_eq!(evaluate(&mut name, &session(9, 1, 2)), Ok(true));
    }

    #[test]
    fn probes_the_holder_of_the_name() {
        let mut name = name();
        assert_eq!(evaluate(&mut name, &session(8, 1, 2)), Err(Denial::Probe));
        assert_eq!(evaluate(&mut name, &session(8, 1, 2)), WAIT);
        name.on_heard();
        let taken = Err(Denial::Refuse(Refusal::NameTaken));
        assert_eq!(evaluate(&mut name, &session(8, 1, 2)), taken);
    }

    #[test]
    fn refuses_other_keys_and_replayed_requests() {
        let mut name = name();
        let other = SessionStart {
            key: PublicKey([2; 32]),
            ..session(8, 1, 2)
        };
        let foreign = Err(Denial::Refuse(Refusal::ForeignKey));
        assert_eq!(evaluate(&mut name, &other), foreign);
        let replayed = SessionStart {
            cookie_issued_at_ms: 49,
            ..session(8, 1, 2)
        };
        assert_eq!(evaluate(&mut name, &replayed), Err(Denial::Renew));
        name.leave();
        name.begin_session(&session(7, 2, 1), 0);
        assert_eq!(evaluate(&mut name, &session(8, 1, 2)), WAIT);
        name.forget();
        assert_eq!(evaluate(&mut name, &other), Ok(false), "the name is free");
    }
}
