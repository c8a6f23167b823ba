//! ChatApp on a microcontroller: what the images `client` and `server` share.
//!
//! The protocol is `chatapp-core`, the network stack `chatapp-smoltcp`, the console
//! `chatapp-console`. This crate has the rest:
//!
//! - `board`: the drivers. A port replaces them, and nothing else.
//! - [`settings`]: who and where this board is, from its console
//! - [`memory`]: how large the room is, and the memory for everything
//! - [`replay`]: plays scripts, which give the same bytes on every machine
//! - `machine`: puts these together and starts the board
#![cfg_attr(not(test), no_std)]
#![deny(missing_docs)]

pub mod memory;
pub mod replay;
pub mod settings;

#[cfg(target_os = "none")]
pub mod board;
#[cfg(target_os = "none")]
pub mod machine;
