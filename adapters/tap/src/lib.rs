//! Runs a ChatApp [`Client`](chatapp_core::Client) or [`Server`](chatapp_core::Server) on a TAP
//! device of Linux: the kernel moves Ethernet frames, and `chatapp-smoltcp` does the rest.
//!
//! - [`Tap`]: a [`Transport`](chatapp_mio::Transport) for [`Driver`](chatapp_mio::Driver).
//! - [`TapMemory`]: its memory, which the caller owns.
//! - [`TapConfig`]: the device, and the addresses of the stack.
//! - [`TapError`]: an error of the device or the addresses, with the command that fixes it.
#![cfg(target_os = "linux")]
#![deny(missing_docs)]

mod config;
mod device;
mod error;
mod tap;

pub use chatapp_smoltcp::smoltcp::wire::IpCidr;
pub use config::TapConfig;
pub use error::TapError;
pub use tap::{Tap, TapMemory};
