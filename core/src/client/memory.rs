//! The memory of a client as one value.

use super::dedup::DedupSlot;
use super::outbox_slot::OutboxSlot;
use super::peer_slot::PeerSlot;
use super::storage::ClientStorage;
use crate::session::ConnectionSlot;

/// All memory of one client, sized at compile time: a static on a microcontroller, or a value on
/// the stack or the heap. New memory is all zero bits, so a static takes no room in an image.
///
/// * `PEERS`: the server and the clients that the roster can hold, at least 2.
/// * `COMMANDS`: commands that may be unsettled at a time, at least 1.
/// * `FORMER`: former processes whose duplicates the client still detects.
///
/// Only this type is generic: [`Client`](crate::Client) borrows slices.
#[derive(Debug)]
pub struct ClientMemory<const PEERS: usize, const COMMANDS: usize, const FORMER: usize> {
    peers: [PeerSlot; PEERS],
    connections: [ConnectionSlot; PEERS],
    names: [[u32; 2]; PEERS],
    sessions: [[u32; 4]; PEERS],
    outbox: [OutboxSlot; COMMANDS],
    dedup: [DedupSlot; FORMER],
}

impl<const PEERS: usize, const COMMANDS: usize, const FORMER: usize>
    ClientMemory<PEERS, COMMANDS, FORMER>
{
    /// Creates unused memory.
    pub const fn new() -> Self {
        const {
            assert!(
                PEERS >= 2,
                "a client needs a slot for the server and one for itself"
            );
        };
        const { assert!(COMMANDS >= 1, "a client needs a slot for a command") };
        Self {
            peers: [PeerSlot::VACANT; PEERS],
            connections: [ConnectionSlot::VACANT; PEERS],
            names: [[0; 2]; PEERS],
            sessions: [[0; 4]; PEERS],
            outbox: [OutboxSlot::VACANT; COMMANDS],
            dedup: [DedupSlot::VACANT; FORMER],
        }
    }

    /// Returns the slices for [`Client::new`](crate::Client::new).
    pub fn storage(&mut self) -> ClientStorage<'_> {
        ClientStorage {
            peers: &mut self.peers,
            connections: &mut self.connections,
            names: self.names.as_flattened_mut(),
            sessions: self.sessions.as_flattened_mut(),
            outbox: &mut self.outbox,
            dedup: &mut self.dedup,
        }
    }
}

impl<const PEERS: usize, const COMMANDS: usize, const FORMER: usize> Default
    for ClientMemory<PEERS, COMMANDS, FORMER>
{
    fn default() -> Self {
        Self::new()
    }
}
