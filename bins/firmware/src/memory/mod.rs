//! Size of the room, and the memory for everything.

mod client;
mod server;
mod sizes;
mod stack;

pub use client::ClientMemory;
pub use server::ServerMemory;
pub use sizes::{ROOM, WINDOW};
pub use stack::{StackBuffers, StackTables};
