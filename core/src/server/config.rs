//! The settings of a server.

use super::quotas::RateLimits;
use crate::retry::RetryPolicy;

/// The settings of a server, fixed when it is created.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The interval and the number of retransmissions.
    pub retry: RetryPolicy,
    /// Frames that each client may have in flight to the server, at least 1.
    pub window: u16,
    /// Maximum number of messages stored for one name.
    pub mail_per_name: u32,
    /// Milliseconds of silence after which the server probes a client; by default three keep-alive
    /// intervals.
    pub silence_ms: u32,
    /// The rate limits of each source.
    pub rates: RateLimits,
    /// Seconds after which the server forgets an offline name and the messages stored for it.
    pub keep_s: u32,
    /// Decides whether a name that is new in the room may register, on top of the rules of
    /// [`Name`](crate::Name); by default all may. A server of people refuses names that look like
    /// others, which takes tables that a board has no room for.
    pub is_name_allowed: fn(&str) -> bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::DEFAULT,
            window: 32,
            mail_per_name: 1_000,
            silence_ms: 60_000,
            rates: RateLimits::default(),
            keep_s: 30 * 24 * 60 * 60,
            is_name_allowed: |_| true,
        }
    }
}
