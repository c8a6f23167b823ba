//! A line that begins with its command.

/// A typed line, with the command that a conversation may leave out.
pub(super) struct Line {
    pub(super) text: String,
    /// The name in it is that of a sender, and no spelling of another one.
    pub(super) is_exact: bool,
}

impl Line {
    pub(super) fn typed(text: String) -> Self {
        let is_exact = false;
        Self { text, is_exact }
    }

    pub(super) fn exact(text: String) -> Self {
        let is_exact = true;
        Self { text, is_exact }
    }
}
