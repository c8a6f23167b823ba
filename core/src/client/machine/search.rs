//! Finds the server among several addresses.

use core::net::SocketAddr;

use crate::client::machine::Client;
use crate::client::peers::SERVER;
use crate::session::connection::Phase;
use crate::time::Instant;

impl Client<'_> {
    /// Returns whether this client wants a session with the server, and no address has answered
    /// yet.
    pub fn awaits_server(&self) -> bool {
        let is_unanswered = match self.sessions.at(SERVER).phase() {
            Phase::Closed => true,
            Phase::Handshaking => !self.server.has_answered(),
            Phase::Accepted | Phase::Open => false,
        };
        is_unanswered && self.registration.is_in_room()
    }

    /// Looks for the server at this address too, while the client
    /// [awaits](Self::awaits_server) it; returns whether it does. The first address that answers is
    /// the server's from then on. A known key of the server still has to be proved.
    ///
    /// A caller with several addresses gives them one after the other: each call sends one request
    /// and postpones the next retransmission, which goes to the latest address.
    //= PROTOCOL.md#4.9
    pub fn try_server_at(&mut self, now: Instant, address: SocketAddr) -> bool {
        self.sessions.advance(now);
        if !self.awaits_server() {
            return false;
        }
        let is_handshaking = self.sessions.at(SERVER).phase() == Phase::Handshaking;
        let awaits_cookie = is_handshaking && self.server.hello().is_none();
        self.server.try_at(address);
        if awaits_cookie {
            // The id stays: an earlier address may still answer.
            let connection = self.sessions.at_mut(SERVER);
            connection.set_remote(address.into());
            connection.handshake_mut().send();
            self.reschedule(SERVER);
        } else {
            self.open_server();
        }
        true
    }
}
