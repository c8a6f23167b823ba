//! The time zone of this machine.

use chatapp_core::UnixSeconds;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Returns local time minus UTC at a given time, in seconds.
pub(crate) fn utc_offset(at: UnixSeconds) -> i32 {
    Timestamp::from_second(at.0.into()).map_or(0, |timestamp| {
        TimeZone::system().to_offset(timestamp).seconds()
    })
}
