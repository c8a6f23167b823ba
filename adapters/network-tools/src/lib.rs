//! Layers around a [`Network`](chatapp_core::Network), for tests and for debugging.
//!
//! - [`FaultInjector`]: drops, duplicates, corrupts and delays datagrams.
//! - [`PcapWriter`]: writes each datagram to a capture file for Wireshark.
//! - [`KeyLogger`]: writes the keys that decrypt the capture. It wraps an
//!   [`Endpoint`](chatapp_core::Endpoint), because sessions have keys, and networks have none.
//!
//! Layers nest: a fault injector around a capture captures the traffic that the faults leave. With
//! the feature `mio`, layers around a transport of `chatapp-mio` are transports, too.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod fault_injector;
mod key_logger;
mod pcap_writer;
#[cfg(feature = "mio")]
mod transport;

pub use fault_injector::{FaultInjector, Faults};
pub use key_logger::{KeyLogger, Logged};
pub use pcap_writer::PcapWriter;
