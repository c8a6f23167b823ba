//! The names of the commands.

/// Names of all commands, the most frequent ones first.
pub const COMMANDS: [&str; 7] = ["send", "send_all", "table", "help", "reg", "dereg", "quit"];
