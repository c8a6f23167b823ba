//! End-to-end tests: the real binary, several processes, real sockets on loopback.
//!
//! A [`Room`] is a running server; [`Room::join`] starts clients in it. A [`Process`] is typed to and read line by
//! line; a [`Screen`] is one at a terminal, seen as a person sees it. A [`Board`] is a microcontroller in an emulator. A [`Relay`] stands between clients and server, counts what passes and mistreats it. Nothing here sleeps:
//! everything waits for a condition, and fails with all transcripts after [`PATIENCE`].

mod binary;
#[cfg(target_os = "linux")]
mod board;
mod home;
#[cfg(target_os = "linux")]
mod namespaces;
mod peek;
mod port;
mod process;
mod relay;
mod room;
#[cfg(unix)]
mod screen;
#[cfg(unix)]
mod terminal;

use std::time::Duration;

pub use binary::binary;
#[cfg(target_os = "linux")]
pub use board::{ASKS_SETTINGS, Board, build_firmware, can_emulate};
pub use home::Home;
#[cfg(target_os = "linux")]
pub use namespaces::{Machine, Namespaces};
pub use peek::Memory;
pub use port::{can_use_ipv6, free_port};
pub use process::Process;
pub use relay::{Direction, Relay, Seen, Weather};
pub use room::{Room, is_stamped};
#[cfg(unix)]
pub use screen::Screen;
#[cfg(unix)]
pub use terminal::Terminal;

/// How long anything is waited for before the test fails: far beyond the 6 s that two hops of retries take.
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
