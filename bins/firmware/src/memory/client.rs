//! The memory of a client.

use chatapp_core::{ClientStorage, OutboxSlot, PeerSlot, WindowSlot};

use super::{ROOM, take};

/// Everybody in the room, and the session with the server.
const PEERS: usize = ROOM + 1;
/// Commands that are not settled.
const COMMANDS: usize = 2;

/// The memory of the client; `None` if it is taken.
pub fn client() -> Option<ClientStorage<'static>> {
    Some(ClientStorage {
        peers: take!(PeerSlot, PeerSlot::VACANT, PEERS),
        names: take!(u32, 0, 2 * PEERS),
        sessions: take!(u32, 0, 4 * PEERS),
        outbox: take!(OutboxSlot, OutboxSlot::VACANT, COMMANDS),
        windows: take!(WindowSlot, WindowSlot::VACANT, ROOM),
    })
}
