//! End-to-end tests: the real binary, several processes, real sockets on loopback.
//!
//! - A [`Room`] is a running server; [`Room::join`] starts clients in it.
//! - A [`Process`] reads typed lines and shows lines; a [`Screen`] is a process at a terminal, as
//!   its user sees it.
//! - A [`Board`] is a microcontroller in an emulator.
//! - A [`Relay`] between clients and server counts datagrams and injects faults.
//! - A [`crowd`] is thousands of clients in one process; a [`flood`] is an attack.
//!
//! Nothing here sleeps: each step waits for a condition, and fails with all transcripts after
//! [`PATIENCE`].

mod admin;
mod binary;
#[cfg(target_os = "linux")]
mod board;
#[cfg(target_os = "linux")]
pub mod crowd;
mod disk;
#[cfg(target_os = "linux")]
mod firmware;
#[cfg(target_os = "linux")]
pub mod flood;
mod home;
mod lines;
#[cfg(target_os = "linux")]
pub mod measure;
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

pub use admin::{BANNED, admin, key_of, orders};
pub use binary::{binary, chatapp, example};
#[cfg(target_os = "linux")]
pub use board::{ASKS_SETTINGS, Board};
pub use disk::SmallDisk;
#[cfg(target_os = "linux")]
pub use firmware::{Firmware, can_emulate};
pub use home::Home;
pub use lines::{
    BYE, KEPT, PATIENCE, POSTED, SAVED, SILENT, TABLE, WELCOME, no_ack_from, received_by,
};
#[cfg(target_os = "linux")]
pub use namespaces::{Machine, Namespaces};
pub use peek::Memory;
pub use port::{can_use_ipv6, free_port};
pub use process::{Process, ends};
pub use relay::{Direction, Relay, Seen, Weather};
pub use room::{Room, is_stamped};
#[cfg(unix)]
pub use screen::Screen;
#[cfg(unix)]
pub use terminal::{Terminal, pair};
