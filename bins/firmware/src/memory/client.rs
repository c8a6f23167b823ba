//! The memory of a client.

use chatapp_core::{ClientStorage, OutboxSlot, PeerSlot, WindowSlot};

use super::ROOM;

/// Everybody in the room, and the session with the server.
const PEERS: usize = ROOM + 1;
/// Commands that are not settled.
const COMMANDS: usize = 2;

/// The memory of one client. All of it is zero at first.
#[derive(Debug)]
pub struct ClientMemory {
    peers: [PeerSlot; PEERS],
    names: [u32; 2 * PEERS],
    sessions: [u32; 4 * PEERS],
    outbox: [OutboxSlot; COMMANDS],
    windows: [WindowSlot; ROOM],
}

impl ClientMemory {
    /// Unused memory.
    pub const VACANT: Self = Self {
        peers: [PeerSlot::VACANT; PEERS],
        names: [0; 2 * PEERS],
        sessions: [0; 4 * PEERS],
        outbox: [OutboxSlot::VACANT; COMMANDS],
        windows: [WindowSlot::VACANT; ROOM],
    };

    /// What to hand to the client.
    pub fn storage(&mut self) -> ClientStorage<'_> {
        ClientStorage {
            peers: &mut self.peers,
            names: &mut self.names,
            sessions: &mut self.sessions,
            outbox: &mut self.outbox,
            windows: &mut self.windows,
        }
    }
}
