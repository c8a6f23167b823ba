//! The path of messages to a peer: directly, or through the server.
//!
//! A message goes directly if its recipient is reachable: online, on a usable path, and without
//! stored messages from this client that it has not acknowledged. Otherwise the first message goes
//! to the server as a probe. Later messages wait for its result and then follow it, so that no
//! message overtakes another on a different path.

use super::kept_count::KeptCount;
use super::listing::Presence;
use super::outbox_slot::{Form, OutboxSlot};
use crate::containers::{Queue, Slots};
use crate::time::Instant;

/// Milliseconds until the client tries a failed direct path again, in the background.
const PATH_RETRY_MS: u64 = 20_000;

/// The next step for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The message waits for the probe.
    Wait,
    /// The message goes to the server, after others without a result.
    Follow,
    /// The client looks up the recipient first.
    LookUp,
    Direct,
    /// The message goes to the server; others wait for its result.
    Probe,
}

/// Whether a probe is at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Probe {
    None,
    Out,
}

/// Whether the peer's process answers on the direct path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Path {
    Usable,
    /// The process did not answer any retransmission.
    Failed,
}

/// Whether the peer is known to have the session still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Session {
    Confirmed,
    /// The session stayed when the peer went offline, and nothing came in it since.
    Unconfirmed,
}

/// The path to one peer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Route {
    waiting: Queue,
    probe: Probe,
    path: Path,
    session: Session,
    /// Number of messages at the server without a result.
    at_server: u32,
    /// Highest counter of a message that the server has stored for this peer.
    kept: u32,
    /// Highest counter that this peer has acknowledged to the server.
    receipt: u32,
    count: KeptCount,
    /// When the direct path was last tried.
    tried_at: Instant,
}

impl Route {
    /// The path to an unknown peer; all zero bits.
    pub(super) const VACANT: Self = Self {
        waiting: Queue::EMPTY,
        probe: Probe::None,
        path: Path::Usable,
        session: Session::Confirmed,
        at_server: 0,
        kept: 0,
        receipt: 0,
        count: KeptCount::NONE,
        tried_at: Instant::ZERO,
    };

    /// Returns the next step for a message to a peer with this roster entry.
    //= PROTOCOL.md#10.2
    pub(super) fn way(&self, presence: Presence, incarnation: u64) -> Way {
        let is_reachable = presence == Presence::Online
            && self.receipt >= self.kept
            && self.path == Path::Usable
            && incarnation != 0;
        if self.probe == Probe::Out {
            Way::Wait
        } else if self.at_server != 0 {
            Way::Follow
        } else if presence == Presence::Unknown {
            Way::LookUp
        } else if is_reachable {
            Way::Direct
        } else {
            Way::Probe
        }
    }

    // ---- waiting messages ----

    /// Queues a message until the probe has its result.
    pub(super) fn enqueue(&mut self, outbox: &mut Slots<'_, OutboxSlot>, slot: u32) {
        self.waiting.push(outbox, slot);
    }

    /// Takes the oldest message that waits.
    pub(super) fn pop_waiting(&mut self, outbox: &Slots<'_, OutboxSlot>) -> Option<u32> {
        self.waiting.pop(outbox)
    }

    /// Records that a probe goes to the server.
    pub(super) fn start_probe(&mut self) {
        self.probe = Probe::Out;
    }

    /// Records that the probe has its result.
    pub(super) fn end_probe(&mut self) {
        self.probe = Probe::None;
    }

    /// Returns whether a probe is at the server.
    pub(super) fn has_probe(&self) -> bool {
        self.probe == Probe::Out
    }

    // ---- stored messages ----

    /// Records that a message goes to the server to be stored.
    pub(super) fn start_store(&mut self, form: Form) {
        self.at_server += 1;
        if form == Form::Probe {
            self.start_probe();
        }
    }

    /// Records that a message at the server has its result.
    pub(super) fn end_store(&mut self) {
        self.at_server -= 1;
    }

    /// Records that the server has stored the message with this counter.
    pub(super) fn note_stored(&mut self, counter: u32) {
        self.kept = self.kept.max(counter);
        self.count.add(counter <= self.receipt);
    }

    /// Records that the server has no stored message for this peer.
    pub(super) fn note_nothing_stored(&mut self) {
        self.receipt = self.kept;
        self.count.end_keeping();
    }

    /// Records that the peer acknowledged its stored messages up to this counter.
    pub(super) fn note_receipt(&mut self, counter: u32) {
        self.receipt = self.receipt.max(counter);
        if self.receipt >= self.kept {
            self.count.deliver();
        }
    }

    /// Returns the count of stored messages that the peer got since.
    pub(super) fn count_mut(&mut self) -> &mut KeptCount {
        &mut self.count
    }

    /// Forgets the stored messages for a name that left the roster.
    pub(super) fn forget_stored(&mut self) {
        (self.kept, self.receipt) = (0, 0);
        self.count.forget();
    }

    /// Returns whether the server has stored messages that the peer did not acknowledge.
    pub(super) fn has_stored(&self) -> bool {
        self.kept > self.receipt
    }

    // ---- the direct path ----

    /// Records that the client tries the direct path now.
    pub(super) fn note_try(&mut self, now: Instant) {
        self.tried_at = now;
    }

    /// Records that the peer answered on the direct path.
    pub(super) fn note_answer(&mut self) {
        self.path = Path::Usable;
        self.session = Session::Confirmed;
    }

    /// Records that the peer asked for a session, and has it.
    pub(super) fn note_session(&mut self) {
        self.session = Session::Confirmed;
    }

    /// Marks the session as unconfirmed: it stays although the peer went offline.
    pub(super) fn mark_unconfirmed(&mut self) {
        self.session = Session::Unconfirmed;
    }

    /// Returns whether the peer is known to have the session still.
    pub(super) fn is_confirmed(&self) -> bool {
        self.session == Session::Confirmed
    }

    /// Records that the direct path failed: the peer was silent.
    pub(super) fn note_silence(&mut self) {
        self.path = Path::Failed;
    }

    /// Resets the path: the peer has another address, or is back. A path to another address family
    /// counts as failed.
    pub(super) fn note_move(&mut self, is_same_family: bool) {
        self.path = if is_same_family {
            Path::Usable
        } else {
            Path::Failed
        };
    }

    /// Returns the incarnation if its direct path failed; otherwise 0.
    pub(super) fn tried(&self, incarnation: u64) -> u64 {
        match self.path {
            Path::Usable => 0,
            Path::Failed => incarnation,
        }
    }

    /// Returns whether to try a failed direct path again.
    pub(super) fn is_retry_due(&self, now: Instant) -> bool {
        now.millis_since(self.tried_at) >= PATH_RETRY_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_directly_only_to_a_reachable_peer() {
        let mut route = Route::VACANT;
        assert_eq!(route.way(Presence::Unknown, 0), Way::LookUp);
        assert_eq!(
            route.way(Presence::Online, 0),
            Way::Probe,
            "without a process"
        );
        assert_eq!(route.way(Presence::Offline, 7), Way::Probe);
        assert_eq!(route.way(Presence::Online, 7), Way::Direct);
        route.note_silence();
        assert_eq!(route.way(Presence::Online, 7), Way::Probe);
        assert_eq!(route.tried(7), 7);
        route.note_move(true);
        assert_eq!(
            (route.way(Presence::Online, 8), route.tried(8)),
            (Way::Direct, 0)
        );
        route.note_move(false);
        assert_eq!(route.way(Presence::Online, 8), Way::Probe, "another family");
        route.note_answer();
        assert_eq!(route.way(Presence::Online, 8), Way::Direct);
    }

    #[test]
    fn sends_directly_after_stored_messages() {
        let mut route = Route::VACANT;
        route.note_stored(5);
        route.note_stored(3);
        assert!(route.has_stored());
        assert_eq!(route.way(Presence::Online, 7), Way::Probe);
        route.note_receipt(4);
        assert_eq!(route.way(Presence::Online, 7), Way::Probe);
        route.note_receipt(5);
        assert_eq!(route.way(Presence::Online, 7), Way::Direct);
        route.note_stored(6);
        route.note_nothing_stored();
        assert!(!route.has_stored());
        assert_eq!(route.way(Presence::Online, 7), Way::Direct);
    }

    #[test]
    //= PROTOCOL.md#10.2
    fn overtakes_no_message_at_the_server() {
        let mut route = Route::VACANT;
        route.start_store(Form::Probe);
        assert_eq!(route.way(Presence::Online, 7), Way::Wait);
        route.end_probe();
        assert_eq!(route.way(Presence::Online, 7), Way::Follow);
        route.start_store(Form::Store);
        assert!(!route.has_probe());
        route.end_store();
        assert_eq!(route.way(Presence::Unknown, 7), Way::Follow);
        route.end_store();
        assert_eq!(route.way(Presence::Online, 7), Way::Direct);
    }

    #[test]
    fn retries_failed_path_after_20_seconds() {
        let mut route = Route::VACANT;
        let start = Instant::ZERO.plus_millis(1_000);
        route.note_try(start);
        assert!(!route.is_retry_due(start.plus_millis(19_999)));
        assert!(route.is_retry_due(start.plus_millis(20_000)));
    }
}
