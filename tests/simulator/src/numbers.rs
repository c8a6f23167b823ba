//! Numbers of what is in a world.

/// Number of a name.
pub type NameId = usize;
/// Number of a process, in the order of their starts.
pub type ProcessId = usize;
/// Number of a message, in the order of the commands.
pub type MessageId = usize;
