//! Changes of a session, and what depends on them.

use crate::client::machine::Client;
use crate::session::connection::{Connection, Needs, Wants};

impl Client<'_> {
    /// Puts a session into the right lists again after it has changed.
    pub(super) fn reschedule(&mut self, peer: u32) {
        self.sessions.reschedule(peer, |connection| Needs {
            is_ready: connection.wants() != Wants::Nothing,
            asks_for_window: connection.outstanding() != 0,
        });
    }

    /// Notes that the session with a peer is another one, or none.
    pub(super) fn session_changed(&mut self, peer: u32) {
        self.peers.at_mut(peer).sending_mut().restart();
        self.inbox.forget_session_of(peer);
        self.reschedule(peer);
    }

    pub(super) fn close_connection(&mut self, peer: u32) {
        self.sessions.change(peer, Connection::close);
        self.session_changed(peer);
    }
}
