//! What a client is told when it is made.

use core::net::SocketAddr;

use crate::name::Name;
use crate::retry::RetryPolicy;

/// The configuration of a client.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The name to register.
    pub name: Name,
    /// Where the server receives.
    pub server: SocketAddr,
    /// How everything that waits for an answer is repeated.
    pub retry: RetryPolicy,
    /// Numbered frames that each peer may have in flight to this client, at least 1.
    pub window: u16,
    /// Milliseconds between two keep-alives to the server.
    pub keep_alive_ms: u32,
}

impl ClientConfig {
    /// The protocol's default times, and a window of 128 frames.
    pub fn new(name: Name, server: SocketAddr) -> Self {
        Self {
            name,
            server,
            retry: RetryPolicy::DEFAULT,
            window: 128,
            keep_alive_ms: 20_000,
        }
    }
}
