//! What it takes to watch ChatApp's traffic in Wireshark.
//!
//! - [`Capture`]: writes datagrams as a capture file.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod capture;

pub use capture::Capture;
