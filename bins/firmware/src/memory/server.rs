//! The memory of a server.

use super::sizes::{ROOM, WINDOW};

/// Frames on the way to each client.
const FRAMES: usize = 2 * WINDOW as usize;
/// Words of four bytes for the texts of messages, and for those of the channel log.
const TEXT_WORDS: usize = 768;
/// Records on the way to the store, which takes each at once.
const RECORDS: usize = 8;

/// The memory of one server.
pub type ServerMemory = chatapp_core::ServerMemory<ROOM, FRAMES, ROOM, TEXT_WORDS, RECORDS>;
