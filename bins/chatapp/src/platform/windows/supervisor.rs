//! The service manager: none waits for reports.

/// The states that Unix has.
pub(crate) enum State {
    Ready,
    Watchdog,
    Reloading,
    Stopping,
}

/// Reports to nobody.
pub(crate) fn tell(_: &[State]) {}

/// Returns the time within which a manager waits for a sign of life: none does.
pub(crate) fn limit_ms() -> Option<u64> {
    None
}
