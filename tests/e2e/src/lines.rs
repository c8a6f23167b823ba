//! Lines of the program that tests wait for, and the time limit.

use std::time::Duration;

/// The time after which a wait fails the test: far beyond the 6 s of retries in two sessions.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Line of a client when the server accepted its registration.
pub const WELCOME: &str = "[Welcome, You are registered.]";
/// Line of a client when its table changed.
pub const TABLE: &str = "[Client table updated.]";
/// Line of a client when the server has stored its message for the recipient.
pub const SAVED: &str = "[Messages received by the server and saved]";
/// Line of a client when the server has its channel message.
pub const POSTED: &str = "[Message received by Server.]";
/// Line of a client when it has left the room.
pub const BYE: &str = "[You are Offline. Bye.]";
/// Line of a client when the server answered no retransmission.
pub const SILENT: &str = "[Server not responding]";
/// Line of a client before its stored messages.
pub const KEPT: &str = "[You have messages]";

/// Returns the line of a client when `name` has received its message.
pub fn received_by(name: &str) -> String {
    format!("[Message received by {name}.]")
}

/// Returns the line of a client when it sends to the server instead of `name`.
pub fn no_ack_from(name: &str) -> String {
    format!("[No ACK from {name}, message sent to server.]")
}
