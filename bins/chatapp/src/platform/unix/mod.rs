//! Unix: Linux, macOS and the BSDs. See [the parent](super) for the modules.

pub(crate) mod admin;
pub(crate) mod background;
pub(crate) mod files;
pub(crate) mod output;
pub(crate) mod signals;
pub(crate) mod supervisor;
pub(crate) mod terminal_mode;
