//! The memory of a client, provided by the caller.

use super::dedup::DedupSlot;
use super::outbox_slot::OutboxSlot;
use super::peer_slot::PeerSlot;
use super::pins::PinSlot;
use crate::session::ConnectionSlot;

/// The slices that a client works in. The caller sizes them once: statics on a microcontroller, the
/// heap elsewhere. All slots must be `VACANT`, all words zero.
#[derive(Debug)]
pub struct ClientStorage<'a> {
    /// One slot for the server, and one for each client that the roster can hold.
    pub peers: &'a mut [PeerSlot],
    /// One slot for each peer slot.
    pub connections: &'a mut [ConnectionSlot],
    /// At least two words for each peer slot.
    pub names: &'a mut [u32],
    /// At least two words for each peer slot.
    pub addresses: &'a mut [u32],
    /// At least four words for each peer slot.
    pub sessions: &'a mut [u32],
    /// One slot for each command that may be unsettled at a time; also bounds the messages in
    /// flight.
    pub outbox: &'a mut [OutboxSlot],
    /// One slot for each process outside of the roster whose duplicates the client still detects.
    pub dedup: &'a mut [DedupSlot],
    /// One slot for each name whose key the client can pin. A pin is never evicted: without a free
    /// slot, the client sends nothing to further names, and shows no private message of theirs.
    pub pins: &'a mut [PinSlot],
    /// At least two words for each pin slot.
    pub pin_names: &'a mut [u32],
}
