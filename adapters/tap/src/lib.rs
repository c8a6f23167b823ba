//! Runs a ChatApp [`Client`](chatapp_core::Client) or [`Server`](chatapp_core::Server) on a TAP
//! device of Linux: the kernel moves Ethernet frames, everything above them is `chatapp-smoltcp`.
//!
//! - [`Tap`]: a [`Transport`](chatapp_mio::Transport), so that [`Driver`](chatapp_mio::Driver)
//!   drives it.
//! - [`TapMemory`]: what it needs, to be kept by the caller.
//! - [`TapConfig`]: which device, and who this program is on its link.
//! - [`TapError`]: what is wrong with the device or the addresses, and the command that mends it.
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
