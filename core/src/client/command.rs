//! The commands of the user.

use core::fmt;

use crate::limits::TEXT_LEN_MAX;
use crate::name::NameError;

/// A command for a [`Client`](super::Client).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Sends a message to one client; ends in one final event.
    Send {
        /// The name of the recipient.
        to: &'a str,
        /// The text of the message.
        text: &'a str,
    },
    /// Sends a message to the channel; ends in one final event.
    SendAll {
        /// The text of the message.
        text: &'a str,
    },
    /// Registers the client under its own name.
    Register {
        /// The name that was typed; only the client's own is allowed.
        name: &'a str,
    },
    /// Deregisters the client; its process continues. Waits until all earlier commands are settled.
    Deregister {
        /// The name that was typed; only the client's own is allowed.
        name: &'a str,
    },
}

/// Identifies a command in the events that follow it: 1, 2, 3 and so on for one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(crate) u32);

impl CommandId {
    /// Returns the number of the command.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The reason why a client did not accept a command. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no room, or an earlier command has to be settled first. Give the same command again
    /// after the next event.
    Busy,
    /// The recipient's name is not valid.
    BadName(NameError),
    /// The text is empty.
    EmptyText,
    /// The text has this many bytes, more than [`TEXT_LEN_MAX`].
    TextTooLong(usize),
    /// Only the client's own name can be registered or deregistered.
    NotYourName,
    /// The client is not registered.
    Offline,
    /// The client is registered already.
    AlreadyRegistered,
    /// All slots of the roster are in use by names that commands or pinned keys need.
    TableFull,
    /// The client was refused or evicted, and has ended.
    Ended,
    /// The client has numbered almost 2^32 commands, and a number never serves two messages. It
    /// still registers and deregisters; messages need another process.
    NumbersUsedUp,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("busy: wait for an earlier command to be settled"),
            Self::BadName(error) => error.fmt(f),
            Self::EmptyText => f.write_str("the text is empty"),
            Self::TextTooLong(len) => {
                write!(f, "the text has {len} bytes, the limit is {TEXT_LEN_MAX}")
            }
            Self::NotYourName => f.write_str("that is not your name"),
            Self::Offline => f.write_str("you are offline"),
            Self::AlreadyRegistered => f.write_str("you are registered already"),
            Self::TableFull => f.write_str("the table of clients is full"),
            Self::Ended => f.write_str("this client has ended"),
            Self::NumbersUsedUp => {
                f.write_str("all numbers for messages are used up: start the client again")
            }
        }
    }
}

impl core::error::Error for CommandError {}
