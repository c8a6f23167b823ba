//! Runs a ChatApp [`Client`](chatapp_core::Client) or [`Server`](chatapp_core::Server) over
//! [smoltcp]: any [`Device`](smoltcp::phy::Device) that moves Ethernet frames or IP packets is
//! enough. No standard library, no allocation, no operating system.
//!
//! There is no protocol here, only the parts that the core leaves to its caller:
//!
//! - [`Stack`]: one UDP socket on one interface; [on its device](Stack::on) it is the
//!   [`Network`](chatapp_core::Network) for the [event loop](chatapp_core::EventLoop) of the core.
//! - [`StackStorage`]: its memory, handed in by the caller.
//!
//! A porter provides a `Device` (an Ethernet or radio driver), a clock in milliseconds, and 8
//! random bytes beside those of the core. The test `two_stacks` has two complete machines in one
//! process.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod pending;
mod stack;

pub use pending::PendingSlot;
pub use smoltcp;
pub use stack::{OnDevice, Stack, StackConfig, StackError, StackStorage};
