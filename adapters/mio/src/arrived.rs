//! Result of one call that receives.

use std::net::{IpAddr, SocketAddr};

/// Datagrams that the kernel returned.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// Length of all datagrams.
    pub(crate) len: usize,
    /// Length of each datagram except the last.
    pub(crate) segment_len: usize,
    pub(crate) from: SocketAddr,
    /// The local address that they were sent to, if the kernel says so.
    pub(crate) to: Option<IpAddr>,
}
