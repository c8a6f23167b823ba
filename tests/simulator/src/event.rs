//! The events of a world.

use std::net::SocketAddr;

use crate::numbers::{NameId, ProcessId};

/// Something that will happen.
#[derive(Debug)]
pub enum Event {
    /// A datagram arrives at an address.
    Arrive {
        /// Its source address, which may be forged.
        from: SocketAddr,
        /// Its destination address.
        to: SocketAddr,
        /// The payload.
        bytes: Vec<u8>,
        /// It is not what any process has sent.
        changed: bool,
    },
    /// A process wants to be woken.
    Wake(Node),
    /// The store has synced for this life of the server.
    Synced {
        /// Which server process.
        life: u32,
    },
    /// The director of the world is called.
    Cue(Cue),
}

/// A process of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// The server.
    Server,
    /// A client.
    Client(ProcessId),
}

/// A call to the director of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// The person with this name acts.
    Act(NameId),
    /// A fault of this kind happens.
    Fault(FaultKind),
    /// A fault ends.
    End(Ending),
}

/// The kinds of faults that a director lets happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of the plan say what they are")]
pub enum FaultKind {
    Crash,
    ServerCrash,
    Pause,
    Roam,
    Rival,
    Clog,
    Partition,
    Attack,
    LostKey,
}

/// The end of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A person starts a client under this name again.
    Return(NameId),
    /// The server starts again.
    ServerReturn,
    /// A process runs on.
    Resume(Node),
    /// A direction is open again.
    Reconnect(SocketAddr, SocketAddr),
    /// Display and socket take things again.
    Unclog(Node),
    /// A person has lost a key, and makes a new one.
    LoseKey(NameId),
}
