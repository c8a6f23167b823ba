//! The destination and the length of a datagram to send.

use core::net::SocketAddr;

/// A datagram to send, in the buffer of the caller: its destination and its length.
#[must_use = "a datagram that is not sent is lost"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Destination of the datagram.
    pub to: SocketAddr,
    /// Length of the datagram, in bytes.
    pub len: usize,
}
