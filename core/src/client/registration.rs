//! Where the client stands with the room, what waits for it, and when a keep-alive is due.

use core::fmt;

use super::command::CommandId;
use super::outbox_slot::OutboxSlot;
use crate::containers::{Queue, Slots};
use crate::time::Instant;

/// How long a result may be out before a keep-alive asks the server for an answer.
const RESULT_PATIENCE_MS: u64 = 2_000;

/// Which session of a registration this is. In a closed room nothing says that a session is gone,
/// so a registration asks for another one, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    First,
    Second,
}

/// Where a client stands with the room.
#[derive(Clone, Copy, Debug)]
enum Standing {
    /// Not registered yet, or not any more.
    Outside,
    /// A registration was asked for.
    Registering(CommandId, Attempt),
    /// The registration was accepted; kept messages come first, then the roster.
    Arriving(CommandId, Attempt),
    /// The roster has arrived. Stays so while the server is down: peers chat on.
    Active,
    /// Refused or displaced, for good.
    Ended,
}

/// The registration, and what waits for it.
pub(super) struct Registration {
    standing: Standing,
    /// The server has accepted a registration of this process.
    was_accepted: bool,
    /// The deregistration, which waits for all other commands.
    leaving: Option<u32>,
    /// Commands that wait for the first roster.
    early: Queue,
    keep_alive_ms: u64,
    keep_alive_at: Instant,
}

impl fmt::Debug for Registration {
    /// Prints the standing alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.standing.fmt(f)
    }
}

impl Registration {
    /// Creates it outside of the room, with the interval between two keep-alives.
    pub(super) fn new(keep_alive_ms: u32) -> Self {
        Self {
            standing: Standing::Outside,
            was_accepted: false,
            leaving: None,
            early: Queue::EMPTY,
            keep_alive_ms: keep_alive_ms.max(1).into(),
            keep_alive_at: Instant::ZERO,
        }
    }

    // ---- standing ----

    /// Returns whether the first roster has arrived.
    pub(super) fn is_active(&self) -> bool {
        matches!(self.standing, Standing::Active)
    }

    /// Returns whether the registration was accepted and the roster has not arrived.
    pub(super) fn is_arriving(&self) -> bool {
        matches!(self.standing, Standing::Arriving(..))
    }

    /// Returns whether a registration is going on.
    pub(super) fn is_on_the_way(&self) -> bool {
        matches!(self.standing, Standing::Registering(..)) || self.is_arriving()
    }

    pub(super) fn is_in_room(&self) -> bool {
        self.is_active() || self.is_on_the_way()
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.standing, Standing::Ended)
    }

    /// Starts a registration by this command.
    pub(super) fn start(&mut self, id: CommandId, now: Instant) {
        self.standing = Standing::Registering(id, Attempt::First);
        self.restart_keep_alive(now);
    }

    /// The server accepted a session. Returns whether it is the first of this process.
    pub(super) fn accept(&mut self, now: Instant) -> bool {
        self.restart_keep_alive(now);
        let Standing::Registering(id, attempt) = self.standing else {
            return false;
        };
        self.standing = Standing::Arriving(id, attempt);
        !core::mem::replace(&mut self.was_accepted, true)
    }

    /// The server was silent after it accepted the registration. Returns whether another session is
    /// to be asked for.
    pub(super) fn try_again(&mut self) -> bool {
        let Standing::Arriving(id, Attempt::First) = self.standing else {
            return false;
        };
        self.standing = Standing::Registering(id, Attempt::Second);
        true
    }

    /// The roster has arrived. Returns whether it is the first of this registration.
    pub(super) fn arrive(&mut self) -> bool {
        let is_first = self.is_arriving();
        if is_first {
            self.standing = Standing::Active;
        }
        is_first
    }

    /// The server is silent: a registration that is going on fails. Returns its command.
    pub(super) fn fail(&mut self) -> Option<CommandId> {
        let (Standing::Registering(id, _) | Standing::Arriving(id, _)) = self.standing else {
            return None;
        };
        self.standing = Standing::Outside;
        Some(id)
    }

    /// The client is deregistered.
    pub(super) fn leave(&mut self) {
        self.standing = Standing::Outside;
        self.leaving = None;
    }

    /// Nothing more is to be expected of this client.
    pub(super) fn end(&mut self) {
        self.standing = Standing::Ended;
    }

    // ---- what waits ----

    /// Returns the deregistration that was asked for.
    pub(super) fn leaving(&self) -> Option<u32> {
        self.leaving
    }

    pub(super) fn set_leaving(&mut self, slot: u32) {
        self.leaving = Some(slot);
    }

    pub(super) fn take_leaving(&mut self) -> Option<u32> {
        self.leaving.take()
    }

    /// A command waits for the first roster.
    pub(super) fn hold(&mut self, outbox: &mut Slots<'_, OutboxSlot>, slot: u32) {
        self.early.push(outbox, slot);
    }

    /// Takes the oldest command that has waited for the first roster.
    pub(super) fn pop_held(&mut self, outbox: &Slots<'_, OutboxSlot>) -> Option<u32> {
        self.early.pop(outbox)
    }

    // ---- keep-alives ----

    /// Returns when a keep-alive is due; `None` outside of the room.
    pub(super) fn keep_alive_at(&self) -> Option<Instant> {
        self.is_in_room().then_some(self.keep_alive_at)
    }

    /// The next keep-alive is due a whole interval from now on.
    pub(super) fn restart_keep_alive(&mut self, now: Instant) {
        self.keep_alive_at = now.plus_millis(self.keep_alive_ms);
    }

    /// A result is awaited: the next keep-alive is due sooner.
    pub(super) fn hasten_keep_alive(&mut self, now: Instant) {
        let soon = now.plus_millis(RESULT_PATIENCE_MS);
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
        assert!(!registration.try_again(), "it was not accepted");
        assert!(registration.accept(Instant::ZERO));
        assert!(registration.try_again());
        assert!(!registration.accept(Instant::ZERO), "it was told");
        assert!(!registration.try_again(), "once");
        assert_eq!(registration.fail(), Some(ID));
        assert!(!registration.is_in_room() && registration.fail().is_none());
    }

    #[test]
    fn arrives_once_and_stays() {
        let mut registration = Registration::new(20_000);
        assert!(!registration.arrive());
        registration.start(ID, Instant::ZERO);
        assert!(!registration.arrive() && registration.is_on_the_way());
        registration.accept(Instant::ZERO);
        assert!(registration.arrive() && !registration.arrive());
        assert!(!registration.accept(Instant::ZERO), "a renewed session");
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
}
