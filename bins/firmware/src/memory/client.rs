//! The memory of a client.

use super::sizes::ROOM;

/// Entries for all names in the room, and the session with the server.
const PEERS: usize = ROOM + 1;
/// Pending commands.
const COMMANDS: usize = 2;
/// Names whose keys can be pinned: everybody in the room.
const PINS: usize = ROOM;

/// Memory of one client.
pub type ClientMemory = chatapp_core::ClientMemory<PEERS, COMMANDS, ROOM, PINS>;
