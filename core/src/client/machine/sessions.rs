//! Changes of a session, and of the state that depends on it.

use crate::client::machine::Client;
use crate::client::receipts::SessionReceipts;
use crate::session::connection::{Connection, Needs, Wants};

/// Peers that one keep-alive looks at, for old sessions: a large table takes several.
const LOOKED_AT: u32 = 256;

impl Client<'_> {
    /// Updates the lists that a session is in, after a change.
    pub(super) fn reschedule(&mut self, peer: u32) {
        self.sessions.reschedule(peer, |connection| Needs {
            is_ready: connection.wants() != Wants::Nothing,
            asks_for_window: connection.outstanding() != 0,
        });
    }

    /// Resets what depends on the session with a peer, which was replaced or closed.
    pub(super) fn session_changed(&mut self, peer: u32) {
        self.peers.at_mut(peer).sending_mut().restart();
        self.inbox.drop_frames_of(peer);
        *self.peers.at_mut(peer).receipts_mut() = SessionReceipts::NONE;
        self.reschedule(peer);
    }

    /// Closes the sessions with peers that are over: nobody has used them for long. Cost: looks at
    /// [`LOOKED_AT`] peers.
    //= PROTOCOL.md#5.9
    pub(super) fn close_old_sessions(&mut self) {
        for peer in self.peers.look_further(LOOKED_AT) {
            let is_idle = self.sessions.at(peer).outstanding() == 0;
            if is_idle && self.sessions.is_over(peer) {
                self.close_connection(peer);
            }
        }
    }

    /// Closes the session with a peer.
    pub(super) fn close_connection(&mut self, peer: u32) {
        self.sessions.change(peer, Connection::close);
        self.session_changed(peer);
    }
}
