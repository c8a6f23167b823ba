//! ChatApp on a microcontroller: the common parts of the images `client` and `server`.
//!
//! The protocol is `chatapp-core`, the network stack `chatapp-smoltcp`, the console
//! `chatapp-console`. This crate has the rest:
//!
//! - `board`: the drivers; a port to another board replaces only these
//! - [`settings`]: identity and addresses of the board, from its console
//! - [`memory`]: the size of the room, and the memory for everything
//! - [`replay`]: plays scripts, whose results are the same bytes on every machine
//! - `machine`: connects these parts and starts the board
#![cfg_attr(not(test), no_std)]
#![deny(missing_docs)]

pub mod memory;
pub mod replay;
pub mod settings;

#[cfg(target_os = "none")]
pub mod board;
#[cfg(target_os = "none")]
pub mod machine;
