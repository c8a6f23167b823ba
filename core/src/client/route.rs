//! Which way a message to a peer goes: directly, or through the server.
//!
//! A message goes directly if its recipient is online, can be reached, and has acknowledged
//! everything that the server keeps for it from this client. Otherwise the first one goes to the
//! server as a probe of the path. Others are held until its result is known and then follow it,
//! so that no message overtakes another on a different path.

use super::listing::Presence;
use super::outbox_slot::{Form, OutboxSlot};
use crate::containers::{Queue, Slots};
use crate::time::Instant;

/// How long after the direct path failed it is tried again in the background.
const PATH_RETRY_MS: u64 = 20_000;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It waits for the probe.
    Hold,
    /// To the server, behind others that have no result yet.
    Follow,
    /// The server is asked for the entry of the recipient first.
    LookUp,
    Direct,
    /// To the server; others wait for its result.
    Probe,
}

/// Whether a message is at the server to find the way.
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
    /// It was silent to all retries.
    Failed,
}

/// Whether the other side is known to have the session still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Session {
    Sure,
    /// It was kept over the news that the peer is offline, and nothing came in it since.
    Unsure,
}

/// The way to one peer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Route {
    held: Queue,
    probe: Probe,
    path: Path,
    session: Session,
    /// Messages with the server that have no result yet.
    at_server: u32,
    /// Highest counter that the server keeps, or kept, for this peer.
    kept: u32,
    /// Highest counter that this peer has acknowledged to the server.
    receipt: u32,
    /// When the direct path was last tried.
    tried_at: Instant,
}

impl Route {
    /// Nothing is known of the way; all zero bits.
    pub(super) const VACANT: Self = Self {
        held: Queue::EMPTY,
        probe: Probe::None,
        path: Path::Usable,
        session: Session::Sure,
        at_server: 0,
        kept: 0,
        receipt: 0,
        tried_at: Instant::ZERO,
    };

    /// Returns the way of the next message to a peer of which the roster says this.
    //= PROTOCOL.md#10.2
    pub(super) fn way(&self, presence: Presence, incarnation: u64) -> Way {
        let is_reachable = presence == Presence::Online
            && self.receipt >= self.kept
            && self.path == Path::Usable
            && incarnation != 0;
        if self.probe == Probe::Out {
            Way::Hold
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

    // ---- what waits ----

    /// Holds a message until the probe has its result.
    pub(super) fn hold(&mut self, outbox: &mut Slots<'_, OutboxSlot>, slot: u32) {
        self.held.push(outbox, slot);
    }

    /// Takes the oldest message that was held.
    pub(super) fn pop_held(&mut self, outbox: &Slots<'_, OutboxSlot>) -> Option<u32> {
        self.held.pop(outbox)
    }

    /// A probe goes to the server.
    pub(super) fn start_probe(&mut self) {
        self.probe = Probe::Out;
    }

    /// The probe has its result.
    pub(super) fn end_probe(&mut self) {
        self.probe = Probe::None;
    }

    pub(super) fn has_probe(&self) -> bool {
        self.probe == Probe::Out
    }

    // ---- what the server keeps ----

    /// A message goes to the server to be stored.
    pub(super) fn start_store(&mut self, form: Form) {
        self.at_server += 1;
        if form == Form::Probe {
            self.start_probe();
        }
    }

    /// A message that went to be stored has its result.
    pub(super) fn end_store(&mut self) {
        self.at_server -= 1;
    }

    /// The server keeps the message of this number.
    pub(super) fn note_kept(&mut self, counter: u32) {
        self.kept = self.kept.max(counter);
    }

    /// The server keeps nothing for this peer.
    pub(super) fn note_nothing_kept(&mut self) {
        self.receipt = self.kept;
    }

    /// The peer acknowledged what the server kept, up to this number.
    pub(super) fn note_receipt(&mut self, counter: u32) {
        self.receipt = self.receipt.max(counter);
    }

    /// The server keeps nothing for a name that left the roster.
    pub(super) fn forget_kept(&mut self) {
        (self.kept, self.receipt) = (0, 0);
    }

    /// Returns whether the server keeps something that the peer did not acknowledge.
    pub(super) fn has_kept(&self) -> bool {
        self.kept > self.receipt
    }

    // ---- the direct path ----

    /// The direct path is tried.
    pub(super) fn note_try(&mut self, now: Instant) {
        self.tried_at = now;
    }

    /// The peer answered on the direct path.
    pub(super) fn note_answer(&mut self) {
        self.path = Path::Usable;
        self.session = Session::Sure;
    }

    /// The peer asked for a session, and has it.
    pub(super) fn note_session(&mut self) {
        self.session = Session::Sure;
    }

    /// The session is kept over the news that the peer is offline.
    pub(super) fn doubt_session(&mut self) {
        self.session = Session::Unsure;
    }

    /// Returns whether the other side is known to have the session still.
    pub(super) fn is_sure(&self) -> bool {
        self.session == Session::Sure
    }

    /// The peer was silent on the direct path.
    pub(super) fn note_silence(&mut self) {
        self.path = Path::Failed;
    }

    /// The peer is at another address, or is back: nothing was tried there. No path leads to
    /// another address family.
    pub(super) fn note_move(&mut self, is_same_family: bool) {
        self.path = if is_same_family {
            Path::Usable
        } else {
            Path::Failed
        };
    }

    /// Returns the incarnation that was silent on the direct path; 0 if this one was not.
    pub(super) fn tried(&self, incarnation: u64) -> u64 {
        match self.path {
            Path::Usable => 0,
            Path::Failed => incarnation,
        }
    }

    /// Returns whether the direct path, which failed, is to be tried again.
    pub(super) fn is_retry_due(&self, now: Instant) -> bool {
        now.millis_since(self.tried_at) >= PATH_RETRY_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_directly_only_to_reachable_peer() {
        let mut route = Route::VACANT;
        assert_eq!(route.way(Presence::Unknown, 0), Way::LookUp);
        assert_eq!(route.way(Presence::Online, 0), Way::Probe, "no process");
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
    fn goes_directly_when_kept_messages_are_received() {
        let mut route = Route::VACANT;
        route.note_kept(5);
        route.note_kept(3);
        assert!(route.has_kept());
        assert_eq!(route.way(Presence::Online, 7), Way::Probe);
        route.note_receipt(4);
        assert_eq!(route.way(Presence::Online, 7), Way::Probe);
        route.note_receipt(5);
        assert_eq!(route.way(Presence::Online, 7), Way::Direct);
        route.note_kept(6);
        route.note_nothing_kept();
        assert!(!route.has_kept());
        assert_eq!(route.way(Presence::Online, 7), Way::Direct);
    }

    #[test]
    //= PROTOCOL.md#10.2
    fn overtakes_nothing_at_the_server() {
        let mut route = Route::VACANT;
        route.start_store(Form::Probe);
        assert_eq!(route.way(Presence::Online, 7), Way::Hold);
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
