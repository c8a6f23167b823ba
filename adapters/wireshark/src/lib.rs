//! Shows ChatApp's traffic in Wireshark.
//!
//! - [`Capture`]: writes datagrams to a capture file.
//! - [`KeyLog`]: writes the keys that decrypt them.
//! - [`DISSECTOR`]: names every field; a Lua script for Wireshark's folder of plugins.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod capture;
mod key_log;

pub use capture::Capture;
pub use key_log::KeyLog;

/// The dissector for Wireshark and tshark, 4.0 or newer.
pub const DISSECTOR: &str = include_str!("../chatapp.lua");
