//! The service manager, such as systemd. Nothing is sent unless it has set `NOTIFY_SOCKET`.

pub(crate) use sd_notify::NotifyState as State;

/// Sends states in one report. A manager that cannot be reached is no reason to stop.
pub(crate) fn tell(states: &[State<'_>]) {
    let _ = sd_notify::notify(states);
}

/// Returns the time within which the manager waits for a sign of life.
pub(crate) fn limit_ms() -> Option<u64> {
    let limit = sd_notify::watchdog_enabled()?;
    u64::try_from(limit.as_millis()).ok().filter(|ms| *ms > 1)
}
