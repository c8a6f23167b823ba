//! The settings of a server.

use super::quotas::RateLimits;
use crate::retry::RetryPolicy;

/// The settings of a server, which stay as they are.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// How often everything that waits for an answer is repeated.
    pub retry: RetryPolicy,
    /// Numbered frames that each client may have on the way to the server, at least 1.
    pub window: u16,
    /// Messages that are stored for one name at most.
    pub mail_per_name: u32,
    /// Milliseconds of silence after which a client is probed: three of its keep-alives.
    pub silence_ms: u32,
    /// How much one source may ask for.
    pub rates: RateLimits,
    /// Seconds after which a name that is offline is forgotten, with the messages for it.
    pub keep_s: u32,
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
        }
    }
}
