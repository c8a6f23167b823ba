//! Keeps what belongs to a session in step with it.

use crate::client::machine::Client;
use crate::session::connection::{Connection, Wants};

impl Client<'_> {
    /// Puts a session into the lists it belongs to, after anything about it has changed.
    pub(super) fn attend(&mut self, peer: u32) {
        let connection = self.sessions.at(peer);
        let is_ready = connection.wants() != Wants::Nothing;
        let has_frames = connection.outstanding() != 0;
        self.sessions.reschedule(peer, is_ready, has_frames);
    }

    /// Notes that the session with a peer is another one, or none.
    pub(super) fn session_changed(&mut self, peer: u32) {
        self.peers.at_mut(peer).sending_mut().restart();
        self.inbox.forget_session_of(peer);
        self.attend(peer);
    }

    pub(super) fn close_connection(&mut self, peer: u32) {
        self.sessions.change(peer, Connection::close);
        self.session_changed(peer);
    }
}
