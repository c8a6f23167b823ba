//! Time and entropy from the operating system.

use std::io;
use std::time::SystemTime;

use chatapp_core::{Instant, Seed, UnixSeconds};

/// Monotonic clock of the machine; zero is the creation of this value.
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
    /// Creates a clock that shows [`Instant::ZERO`] now.
    pub fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }

    /// Returns the milliseconds since the creation.
    pub fn now(&self) -> Instant {
        let millis = self.start.elapsed().as_millis();
        Instant::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// Returns the time of day, clamped to the years 1970 to 2106.
    pub fn wall(&self) -> UnixSeconds {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        UnixSeconds(u32::try_from(since.as_secs()).unwrap_or(u32::MAX))
    }
}

/// Fills a buffer with random bytes, such as those of a key.
///
/// # Errors
/// Returns an error if the operating system has no random bytes. There is no fallback, because
/// nothing else would be secure.
pub fn fill_random(buffer: &mut [u8; 32]) -> io::Result<()> {
    getrandom::fill(buffer).map_err(io::Error::from)
}

/// Returns a fresh seed for one client or server. The buffer holds its bytes until it is dropped,
/// which wipes them.
///
/// # Errors
/// As [`fill_random`].
pub fn seed(buffer: &mut [u8; 32]) -> io::Result<Seed<'_>> {
    fill_random(buffer)?;
    Ok(Seed::new(buffer))
}
