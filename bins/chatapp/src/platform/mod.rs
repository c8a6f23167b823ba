//! All that differs by operating system, and nothing else of the program does.
//!
//! `unix` and `windows` have the same modules with the same functions:
//!
//! - `admin`: the channel of `ChatApp admin` to a server
//! - `background`: reading and writing in the background of a terminal
//! - `files`: files and folders that only their owner reads
//! - `output`: standard output without a buffer
//! - `signals`: requests of the system and the user to exit, to reload and to show counters
//! - `supervisor`: the service manager
//! - `terminal_mode`: modes of the terminal
//!
//! `tap` is there on Linux alone, `no_tap` is its counterpart elsewhere. `requests` is the part of
//! `signals` that all systems share.

mod requests;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{admin, background, files, output, signals, supervisor, terminal_mode};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{admin, background, files, output, signals, supervisor, terminal_mode};

#[cfg(not(target_os = "linux"))]
pub(crate) mod no_tap;
#[cfg(target_os = "linux")]
pub(crate) mod tap;
#[cfg(not(target_os = "linux"))]
pub(crate) use no_tap as tap;

pub(crate) use requests::{Hooks, Requests};
