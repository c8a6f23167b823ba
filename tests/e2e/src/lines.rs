//! The lines of the program that tests wait for, and how long they wait.

use std::time::Duration;

/// How long anything is waited for before the test fails: far beyond the 6 s that two hops of
/// retries take.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// What a client prints when its registration was accepted.
pub const WELCOME: &str = "[Welcome, You are registered.]";
/// What a client prints when its table changed.
pub const TABLE: &str = "[Client table updated.]";
/// What a client prints when the server has a message for the recipient.
pub const SAVED: &str = "[Messages received by the server and saved]";
/// What a client prints when the server has a channel message.
pub const POSTED: &str = "[Message received by Server.]";
/// What a client prints when it left the room.
pub const BYE: &str = "[You are Offline. Bye.]";
/// What a client prints when the server is silent to all retries.
pub const SILENT: &str = "[Server not responding]";
/// What a client prints in front of what was kept for it.
pub const KEPT: &str = "[You have messages]";

/// What a client prints when `name` has its message.
pub fn received_by(name: &str) -> String {
    format!("[Message received by {name}.]")
}

/// What a client prints when it turns to the server instead of `name`.
pub fn no_ack_from(name: &str) -> String {
    format!("[No ACK from {name}, message sent to server.]")
}
