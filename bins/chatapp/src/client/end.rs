//! How a client ends.

use chatapp_core::PublicKey;

use crate::exit::Exit;

/// Reasons for the end of a client.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Exit(Exit),
    /// The server did not answer the first registration.
    Silent,
    /// The server answered the first registration in another protocol version.
    ForeignVersion(u8),
    /// The server proved this key; an earlier process knew another one.
    ServerKeyChanged(PublicKey),
}

impl End {
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Exit(exit) => exit,
            Self::Silent | Self::ForeignVersion(_) => Exit::NoServer,
            Self::ServerKeyChanged(_) => Exit::ServerKeyChanged,
        }
    }
}
