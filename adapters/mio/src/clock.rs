//! Time and entropy from the operating system.

use std::io;
use std::time::SystemTime;

use chatapp_core::{Instant, Seed, UnixSeconds};

/// The machine's monotonic clock, counted from when this was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock that starts at [`Instant::ZERO`] now.
    pub fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }

    /// Milliseconds since the start.
    pub fn now(&self) -> Instant {
        let millis = self.start.elapsed().as_millis();
        Instant::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// The calendar's time; its ends stand for what lies outside of 1970 to 2106.
    pub fn wall(&self) -> UnixSeconds {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        UnixSeconds(u32::try_from(since.as_secs()).unwrap_or(u32::MAX))
    }
}

/// A fresh seed for one client or server.
///
/// # Errors
/// The operating system gives no random bytes. There is no fallback: nothing else would be safe.
pub fn seed() -> io::Result<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    Ok(Seed(bytes))
}
