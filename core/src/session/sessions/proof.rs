//! Proofs of addresses in session ids, for requests without room for a cookie.

use super::Sessions;
use crate::crypto::TAG_LEN;
use crate::session::cookies::SHORT_BITS;
use crate::wire::Cookie;

impl Sessions<'_> {
    /// Returns whether the request for a session has the proof that a cookie gives.
    pub(crate) fn has_proof(&self, slot: u32, cookie: Cookie) -> bool {
        self.at(slot).local_id() >> SHORT_BITS == cookie.mac >> SHORT_BITS
    }

    /// Puts the proof that a cookie gives into a request that was not sent yet; returns its token.
    pub(crate) fn prove(&mut self, slot: u32, cookie: Cookie) -> [u8; TAG_LEN] {
        let random = self.at(slot).local_id() & ((1 << SHORT_BITS) - 1);
        let id = cookie.mac >> SHORT_BITS << SHORT_BITS | random;
        self.change(slot, |connection| connection.rename(id));
        self.identity().reset_token(id)
    }

    /// Counts a request as sent that is held back: its timer goes on.
    pub(crate) fn hold_request(&mut self, slot: u32) {
        let (now, retry) = (self.clock.now(), self.clock.retry());
        self.connections.at_mut(slot).on_handshake_sent(now, retry);
    }
}
