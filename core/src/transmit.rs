//! A datagram that is ready to be sent.

use core::net::SocketAddr;

/// A datagram that was built: where it goes, and how many bytes of the buffer it has.
#[must_use = "a datagram that is not sent is lost"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The destination.
    pub to: SocketAddr,
    /// Its length in bytes.
    pub len: usize,
}
