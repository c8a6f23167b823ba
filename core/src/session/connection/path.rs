//! Probes of a peer, and the doubt about its address: until that is proved, little goes there.

use super::{Connection, Phase};
use crate::address::PackedAddress;

impl Connection {
    /// Probes the peer, unless the timer is armed: then a datagram already waits for an answer.
    pub(crate) fn probe(&mut self) {
        if self.is_open() && !self.retry.is_armed() {
            self.sender.probe();
        }
    }

    /// Replaces the session id of a request that was not sent yet.
    pub(crate) fn rename(&mut self, local_id: u64) {
        self.local_id = local_id;
    }

    /// Sends no frame before the peer has sent data from its present address. Until then, small
    /// probes ask for that.
    //= PROTOCOL.md#4.10
    pub(crate) fn doubt_path(&mut self) {
        self.sender.doubt_path();
    }

    /// Migrates the session, without a proof that the peer receives there.
    pub(crate) fn move_unproved(&mut self, remote: PackedAddress) {
        self.set_remote(remote);
        self.doubt_path();
        if self.outstanding() != 0 {
            self.sender.probe();
        }
    }

    /// Returns whether the peer has not sent data from its present address.
    pub(crate) fn is_path_doubted(&self) -> bool {
        self.sender.is_path_doubted()
    }

    /// Returns whether an acknowledgement has to go now. One that waits for a receipt does not go
    /// to an address that is not proved: the caller may return many.
    //= PROTOCOL.md#4.10
    pub(super) fn owes_ack(&self) -> bool {
        self.acks.is_due_now() && !self.sender.is_path_doubted()
    }

    /// Returns whether the peer has answered from this address in the present session.
    pub(crate) fn is_proved_at(&self, address: &PackedAddress) -> bool {
        self.phase == Phase::Open && !self.is_path_doubted() && self.remote == *address
    }

    /// Returns how many times the request for a session was sent.
    pub(crate) fn requests(&self) -> u16 {
        self.retry.transmissions()
    }
}
