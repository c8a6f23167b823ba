//! The memory of a client, handed in by the caller.

use super::dedup::DedupSlot;
use super::outbox_slot::OutboxSlot;
use super::peer_slot::PeerSlot;
use crate::session::ConnectionSlot;

/// The slices that a client works in, sized once by the caller: statics on a microcontroller, the
/// heap elsewhere. All slots must be `VACANT`, all numbers zero.
#[derive(Debug)]
pub struct ClientStorage<'a> {
    /// The server, and one slot for each client of the room that the table can hold.
    pub peers: &'a mut [PeerSlot],
    /// One for each peer slot.
    pub connections: &'a mut [ConnectionSlot],
    /// At least two for each peer slot.
    pub names: &'a mut [u32],
    /// At least four for each peer slot.
    pub sessions: &'a mut [u32],
    /// Commands that may be unsettled at a time; also how many messages may be in flight.
    pub outbox: &'a mut [OutboxSlot],
    /// Processes that left the table, or never were in it, whose messages are still recognised as
    /// repetitions.
    pub dedup: &'a mut [DedupSlot],
}
