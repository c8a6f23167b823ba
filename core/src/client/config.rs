//! The configuration of a client, fixed when it is created.

use core::net::SocketAddr;

use crate::name::Name;
use crate::retry::RetryPolicy;

/// The latest time at which a client renews a session.
pub(super) const RENEW_MAX_MS: u32 = 30 * 60 * 1_000;

/// The default time from one medium-term key to the next: a day.
#[cfg(feature = "medium-keys")]
const MEDIUM_KEY_S: u32 = 24 * 60 * 60;

/// The configuration of a client, fixed when it is created.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The name to register.
    pub name: Name,
    /// The address of the server.
    pub server: SocketAddr,
    /// The interval and the number of retransmissions.
    pub retry: RetryPolicy,
    /// Frames that each peer may have in flight to this client, at least 1.
    pub window: u16,
    /// Milliseconds between two keep-alives to the server.
    pub keep_alive_ms: u32,
    /// Milliseconds after which this client renews a session by a new handshake; at most half an
    /// hour, the default.
    pub renew_ms: u32,
    /// Seconds after which this client makes a new medium-term key.
    #[cfg(feature = "medium-keys")]
    pub medium_key_s: u32,
}

impl ClientConfig {
    /// Creates a configuration with the protocol's default times, and a window of 128 frames.
    pub fn new(name: Name, server: SocketAddr) -> Self {
        Self {
            name,
            server,
            retry: RetryPolicy::DEFAULT,
            window: 128,
            keep_alive_ms: 20_000,
            renew_ms: RENEW_MAX_MS,
            #[cfg(feature = "medium-keys")]
            medium_key_s: MEDIUM_KEY_S,
        }
    }
}
