//! The names of the commands.

/// The commands, those first that are typed most.
pub const COMMANDS: [&str; 7] = ["send", "send_all", "table", "help", "reg", "dereg", "quit"];
