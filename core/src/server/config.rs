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
    /// Maximum number of names of one key; 0 for no limit.
    pub names_per_key: u32,
    /// Maximum number of names that were registered from one source, an IPv4 address or the upper
    /// 64 bits of an IPv6 address; 0 for no limit. Loopback addresses are not counted.
    pub names_per_source: u32,
    /// Maximum number of messages stored for one name.
    pub mail_per_name: u32,
    /// The percentage of one mailbox, and of the memory for all stored messages, that one sender
    /// may use. The last tenth of each is for senders that use nothing of it. 100 for no quotas.
    pub mail_share: u32,
    /// The percentage of the channel log that one sender may use. Beyond it, the sender pushes out
    /// its own entries, those of senders with as many, and those that are a day old. 100 for no
    /// quota.
    pub log_share: u32,
    /// Number of the last entries of the channel log that a new name gets; 0 for none.
    pub recent_entries: u32,
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
            names_per_key: 4,
            names_per_source: 1_024,
            mail_per_name: 1_000,
            mail_share: 20,
            log_share: 20,
            recent_entries: 0,
            silence_ms: 60_000,
            rates: RateLimits::default(),
            keep_s: 30 * 24 * 60 * 60,
            is_name_allowed: |_| true,
        }
    }
}
