//! The memory of a server.

use super::sizes::{ROOM, WINDOW};

/// In-flight frames to each client.
const FRAMES: usize = 2 * WINDOW as usize;
/// Words of four bytes for the texts of stored messages, and for those of the channel log.
const TEXT_WORDS: usize = 752;
/// Records on the way to the store, which is immediate.
const RECORDS: usize = 8;

/// Memory of one server.
pub type ServerMemory = chatapp_core::ServerMemory<ROOM, FRAMES, ROOM, TEXT_WORDS, RECORDS>;
