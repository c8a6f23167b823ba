//! Reading and writing in the background of a terminal: a console has no jobs that it stops.

/// Nothing stops the process for its use of the console.
pub(crate) fn hold_stops() {}

/// Returns whether standard input failed only because the process is in the background: never.
pub(crate) fn waits_for_foreground() -> bool {
    false
}
