//! The memory of a client as one value.

use super::dedup::DedupSlot;
use super::outbox_slot::OutboxSlot;
use super::peer_slot::PeerSlot;
use super::pins::PinSlot;
use super::storage::ClientStorage;
use crate::session::ConnectionSlot;

/// All memory of one client, sized at compile time: a static on a microcontroller, or a value on
/// the stack or the heap. New memory is all zero bits, so a static takes no room in an image.
///
/// * `PEERS`: the server and the clients that the roster can hold, at least 2.
/// * `COMMANDS`: commands that may be unsettled at a time, at least 1.
/// * `FORMER`: former processes whose duplicates the client still detects.
/// * `PINS`: names whose key the client can pin, at least 1; no pin is ever evicted.
///
/// Only this type is generic: [`Client`](crate::Client) borrows slices.
#[derive(Debug)]
pub struct ClientMemory<
    const PEERS: usize,
    const COMMANDS: usize,
    const FORMER: usize,
    const PINS: usize,
> {
    peers: [PeerSlot; PEERS],
    connections: [ConnectionSlot; PEERS],
    names: [[u32; 2]; PEERS],
    addresses: [[u32; 2]; PEERS],
    sessions: [[u32; 4]; PEERS],
    outbox: [OutboxSlot; COMMANDS],
    dedup: [DedupSlot; FORMER],
    pins: [PinSlot; PINS],
    pin_names: [[u32; 2]; PINS],
}

impl<const PEERS: usize, const COMMANDS: usize, const FORMER: usize, const PINS: usize>
    ClientMemory<PEERS, COMMANDS, FORMER, PINS>
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
        const { assert!(PINS >= 1, "a client needs a slot for a pinned key") };
        Self {
            peers: [PeerSlot::VACANT; PEERS],
            connections: [ConnectionSlot::VACANT; PEERS],
            names: [[0; 2]; PEERS],
            addresses: [[0; 2]; PEERS],
            sessions: [[0; 4]; PEERS],
            outbox: [OutboxSlot::VACANT; COMMANDS],
            dedup: [DedupSlot::VACANT; FORMER],
            pins: [PinSlot::VACANT; PINS],
            pin_names: [[0; 2]; PINS],
        }
    }

    /// Returns the slices for [`Client::new`](crate::Client::new).
    pub fn storage(&mut self) -> ClientStorage<'_> {
        ClientStorage {
            peers: &mut self.peers,
            connections: &mut self.connections,
            names: self.names.as_flattened_mut(),
            addresses: self.addresses.as_flattened_mut(),
            sessions: self.sessions.as_flattened_mut(),
            outbox: &mut self.outbox,
            dedup: &mut self.dedup,
            pins: &mut self.pins,
            pin_names: self.pin_names.as_flattened_mut(),
        }
    }
}

impl<const PEERS: usize, const COMMANDS: usize, const FORMER: usize, const PINS: usize> Default
    for ClientMemory<PEERS, COMMANDS, FORMER, PINS>
{
    fn default() -> Self {
        Self::new()
    }
}
