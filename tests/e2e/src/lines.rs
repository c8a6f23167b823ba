//! The lines of the program that tests wait for, and how long they wait.

use std::time::Duration;

/// The time after which a wait fails the test: far beyond the 6 s of retries in two sessions.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// The line of a client when its registration was accepted.
pub const WELCOME: &str = "[Welcome, You are registered.]";
/// The line of a client when its table changed.
pub const TABLE: &str = "[Client table updated.]";
/// The line of a client when the server has a message for the recipient.
pub const SAVED: &str = "[Messages received by the server and saved]";
/// The line of a client when the server has a channel message.
pub const POSTED: &str = "[Message received by Server.]";
/// The line of a client when it left the room.
pub const BYE: &str = "[You are Offline. Bye.]";
/// The line of a client when the server is silent to all retries.
pub const SILENT: &str = "[Server not responding]";
/// The line of a client in front of its stored messages.
pub const KEPT: &str = "[You have messages]";

/// The line of a client when `name` has its message.
pub fn received_by(name: &str) -> String {
    format!("[Message received by {name}.]")
}

/// The line of a client when it turns to the server instead of `name`.
pub fn no_ack_from(name: &str) -> String {
    format!("[No ACK from {name}, message sent to server.]")
}
