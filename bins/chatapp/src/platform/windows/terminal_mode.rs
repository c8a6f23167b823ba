//! Modes of the console: the editor sets its own for each line, and restores the original one.

/// Returns whether a console can place a cursor: it needs no variable `TERM`.
pub(crate) fn is_capable_without_name() -> bool {
    true
}

/// Nothing is to be done before the first line.
pub(crate) fn take() {}

/// The editor remembers its mode itself.
pub(crate) fn note_editing() {}

/// A console does not stop programs, so none continues.
pub(crate) fn resume_editing() {}

/// A console does not stop programs, so none continues.
pub(crate) fn resume_between() {}

/// The editor has restored the original mode.
pub(crate) fn give_back() {}

/// A paste is read as it arrives.
pub(crate) fn discard_input() {}
