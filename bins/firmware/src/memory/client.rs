//! The memory of a client.

use super::sizes::ROOM;

/// Everybody in the room, and the session with the server.
const PEERS: usize = ROOM + 1;
/// Commands that are not settled.
const COMMANDS: usize = 2;

/// The memory of one client.
pub type ClientMemory = chatapp_core::ClientMemory<PEERS, COMMANDS, ROOM>;
