//! Runs a ChatApp [`Client`](chatapp_core::Client) or [`Server`](chatapp_core::Server) over [smoltcp]: any
//! [`Device`](smoltcp::phy::Device) that moves Ethernet frames or IP packets is enough. No standard library, no
//! allocation, no operating system.
//!
//! There is no protocol here, only what the core leaves to its caller:
//!
//! - [`Stack`]: one UDP socket on one interface, and one turn of the loop over it.
//! - [`StackStorage`]: its memory, handed in by the caller.
//!
//! A porter provides a `Device` (his Ethernet or radio), a clock in milliseconds, and 8 random bytes; see the test
//! `two_stacks` for two complete machines in one process.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod parked;
mod stack;

pub use parked::ParkedSlot;
pub use smoltcp;
pub use stack::{Stack, StackConfig, StackError, StackStorage};
