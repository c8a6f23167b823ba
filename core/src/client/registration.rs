//! The registration: its state, commands that wait for it, and keep-alives.

use core::fmt;

use super::command::CommandId;
use super::outbox_slot::OutboxSlot;
use crate::containers::{Queue, Slots};
use crate::time::Instant;

/// Milliseconds without a result, or without the first roster, until a keep-alive asks the server
/// for an answer.
const RESULT_PATIENCE_MS: u32 = 2_000;

/// The number of sessions that a registration has asked for. In a closed room no Reset says that a
/// session is gone, so a registration asks for a second one, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    First,
    Second,
}

/// The state of a client in the room.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Not registered, or deregistered.
    Outside,
    /// The client has asked for a registration.
    Registering(CommandId, Attempt),
    /// The server has accepted the registration. Stored messages come first, then the roster.
    Arriving(CommandId, Attempt),
    /// The roster has arrived. The client stays active while the server is down: peers chat on.
    Active,
    /// Refused or evicted, for good.
    Ended,
}

/// The registration, and the commands that wait for it.
pub(super) struct Registration {
    state: State,
    /// The server has accepted a registration of this process.
    was_accepted: bool,
    /// The deregistration, which waits for all other commands.
    leaving: Option<u32>,
    /// Commands that wait for the first roster.
    early: Queue,
    keep_alive_ms: u32,
    keep_alive_at: Instant,
}

impl fmt::Debug for Registration {
    /// Prints the state alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}

impl Registration {
    /// Creates an unregistered state, with the interval between two keep-alives.
    pub(super) fn new(keep_alive_ms: u32) -> Self {
        Self {
            state: State::Outside,
            was_accepted: false,
            leaving: None,
            early: Queue::EMPTY,
            keep_alive_ms: keep_alive_ms.max(1),
            keep_alive_at: Instant::ZERO,
        }
    }

    // ---- the state ----

    /// Returns whether the first roster has arrived.
    pub(super) fn is_active(&self) -> bool {
        matches!(self.state, State::Active)
    }

    /// Returns whether the registration was accepted and the roster has not arrived.
    pub(super) fn is_arriving(&self) -> bool {
        matches!(self.state, State::Arriving(..))
    }

    /// Returns whether a registration is in progress.
    pub(super) fn is_in_progress(&self) -> bool {
        matches!(self.state, State::Registering(..)) || self.is_arriving()
    }

    /// Returns whether the client is registered, or a registration is in progress.
    pub(super) fn is_in_room(&self) -> bool {
        self.is_active() || self.is_in_progress()
    }

    /// Returns whether the client has ended for good.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Starts a registration by this command.
    pub(super) fn start(&mut self, id: CommandId, now: Instant) {
        self.state = State::Registering(id, Attempt::First);
        self.restart_keep_alive(now);
    }

    /// Handles a session that the server accepted; returns whether it is the first of this process.
    pub(super) fn accept(&mut self, now: Instant) -> bool {
        let is_registering = if let State::Registering(id, attempt) = self.state {
            self.state = State::Arriving(id, attempt);
            true
        } else {
            false
        };
        self.restart_keep_alive(now);
        is_registering && !core::mem::replace(&mut self.was_accepted, true)
    }

    /// Starts the second attempt of a registration that the server accepted before it fell silent;
    /// false if there is none.
    pub(super) fn try_again(&mut self) -> bool {
        let State::Arriving(id, Attempt::First) = self.state else {
            return false;
        };
        self.state = State::Registering(id, Attempt::Second);
        true
    }

    /// Handles a complete roster; returns whether it is the first of this registration.
    pub(super) fn arrive(&mut self, now: Instant) -> bool {
        let is_first = self.is_arriving();
        if is_first {
            self.state = State::Active;
            self.restart_keep_alive(now);
        }
        is_first
    }

    /// Fails a registration in progress, if there is one; returns its command.
    pub(super) fn fail(&mut self) -> Option<CommandId> {
        let (State::Registering(id, _) | State::Arriving(id, _)) = self.state else {
            return None;
        };
        self.state = State::Outside;
        Some(id)
    }

    /// Completes the deregistration.
    pub(super) fn leave(&mut self) {
        self.state = State::Outside;
        self.leaving = None;
    }

    /// Ends the client for good.
    pub(super) fn end(&mut self) {
        self.state = State::Ended;
    }

    // ---- waiting commands ----

    /// Returns the slot of the deregistration, if there is one.
    pub(super) fn leaving(&self) -> Option<u32> {
        self.leaving
    }

    pub(super) fn set_leaving(&mut self, slot: u32) {
        self.leaving = Some(slot);
    }

    pub(super) fn take_leaving(&mut self) -> Option<u32> {
        self.leaving.take()
    }

    /// Queues a command that waits for the first roster.
    pub(super) fn enqueue(&mut self, outbox: &mut Slots<'_, OutboxSlot>, slot: u32) {
        self.early.push(outbox, slot);
    }

    /// Takes the oldest command that waited for the first roster.
    pub(super) fn pop_waiting(&mut self, outbox: &Slots<'_, OutboxSlot>) -> Option<u32> {
        self.early.pop(outbox)
    }

    // ---- keep-alives ----

    /// Returns when a keep-alive is due; `None` outside of the room.
    pub(super) fn keep_alive_at(&self) -> Option<Instant> {
        self.is_in_room().then_some(self.keep_alive_at)
    }

    /// Makes the next keep-alive due one interval from now. Until the roster has arrived, it is due
    /// sooner: the server may have given up the session before its Accept arrived.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn restart_keep_alive(&mut self, now: Instant) {
        let interval_ms = if self.is_arriving() {
            RESULT_PATIENCE_MS.min(self.keep_alive_ms)
        } else {
            self.keep_alive_ms
        };
        self.keep_alive_at = now.plus_millis(interval_ms.into());
    }

    /// Makes the next keep-alive due sooner: a request waits for its result.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn hasten_keep_alive(&mut self, now: Instant) {
        let soon = now.plus_millis(RESULT_PATIENCE_MS.into());
        self.keep_alive_at = self.keep_alive_at.min(soon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: CommandId = CommandId(1);

    #[test]
    fn asks_for_another_session_once() {
        let mut registration = Registration::new(20_000);
        registration.start(ID, Instant::ZERO);
        assert!(
            !registration.try_again(),
            "a second session without an accepted registration"
        );
        assert!(registration.accept(Instant::ZERO));
        assert!(registration.try_again());
        assert!(
            !registration.accept(Instant::ZERO),
            "two first registrations of a process"
        );
        assert!(!registration.try_again(), "a third session");
        assert_eq!(registration.fail(), Some(ID));
        assert!(!registration.is_in_room() && registration.fail().is_none());
    }

    #[test]
    fn arrives_once_and_stays() {
        let mut registration = Registration::new(20_000);
        assert!(!registration.arrive(Instant::ZERO));
        registration.start(ID, Instant::ZERO);
        assert!(!registration.arrive(Instant::ZERO) && registration.is_in_progress());
        registration.accept(Instant::ZERO);
        assert!(registration.arrive(Instant::ZERO) && !registration.arrive(Instant::ZERO));
        assert!(
            !registration.accept(Instant::ZERO),
            "a renewed session counts as a registration"
        );
        assert!(registration.is_active() && registration.fail().is_none());
        registration.set_leaving(3);
        registration.leave();
        assert!(!registration.is_in_room() && registration.leaving().is_none());
    }

    #[test]
    fn keeps_alive_sooner_for_a_result() {
        let mut registration = Registration::new(20_000);
        let at = |ms| Some(Instant::ZERO.plus_millis(ms));
        assert_eq!(registration.keep_alive_at(), None);
        registration.start(ID, Instant::ZERO);
        assert_eq!(registration.keep_alive_at(), at(20_000));
        registration.hasten_keep_alive(Instant::ZERO);
        registration.hasten_keep_alive(Instant::ZERO.plus_millis(500));
        assert_eq!(registration.keep_alive_at(), at(2_000));
    }

    #[test]
    fn keeps_alive_sooner_until_the_roster_arrives() {
        let mut registration = Registration::new(20_000);
        let at = |ms| Instant::ZERO.plus_millis(ms);
        registration.start(ID, at(0));
        registration.accept(at(100));
        assert_eq!(registration.keep_alive_at(), Some(at(2_100)));
        registration.restart_keep_alive(at(2_100));
        assert_eq!(registration.keep_alive_at(), Some(at(4_100)));
        registration.arrive(at(3_000));
        assert_eq!(registration.keep_alive_at(), Some(at(23_000)));
    }
}
