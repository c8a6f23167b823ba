//! Numbers of names, processes and messages in a world.

/// The number of a name.
pub type NameId = usize;
/// The number of a process, in the order of their starts.
pub type ProcessId = usize;
/// The number of a message, in the order of the commands.
pub type MessageId = usize;
