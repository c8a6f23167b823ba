//! Keeps what belongs to a session in step with it.

use super::machine::Client;
use crate::retry::note_time;
use crate::session::connection::{Connection, Wants};
use crate::time::Instant;

impl Client<'_> {
    pub(super) fn note_time(&mut self, now: Instant) {
        note_time(&mut self.now, &mut self.woke_at, now, self.retry);
    }

    /// Puts a session into the lists it belongs to, after anything about it has changed.
    pub(super) fn attend(&mut self, peer: u32) {
        let (now, retry) = (self.now, self.retry);
        let connection = self.sessions.at_mut(peer);
        let wants = connection.wants();
        if connection.outstanding() != 0 {
            connection.wait_for_window(now, retry);
        }
        self.sessions.set_ready(peer, wants != Wants::Nothing);
        self.sessions.list_deadline(peer);
    }

    /// Changes the session with a peer: opens, accepts or closes it.
    pub(super) fn change_connection(&mut self, peer: u32, change: impl FnOnce(&mut Connection)) {
        self.sessions.change(peer, change);
        self.peers.at_mut(peer).sending.restart();
        self.inbox.forget_session_of(peer);
        self.attend(peer);
    }

    pub(super) fn close_connection(&mut self, peer: u32) {
        self.change_connection(peer, Connection::close);
    }
}
