//! The events of a world.

use std::net::SocketAddr;

use crate::numbers::{NameId, ProcessId};

/// An event of the future.
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
        /// Whether it differs from each datagram that a process has sent.
        changed: bool,
    },
    /// A process has reached its deadline.
    Wake(Node),
    /// The store has synced for this server process.
    Synced {
        /// The number of the server process.
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
    /// A fault of this kind begins.
    Fault(FaultKind),
    /// A fault ends.
    End(Ending),
}

/// The kinds of faults that a run can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of the plan describe them")]
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
    Order,
    Ignore,
}

/// The end of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A person starts a client under this name again.
    Return(NameId),
    /// The server starts again.
    ServerReturn,
    /// A process continues.
    Resume(Node),
    /// One direction of the network opens again.
    Reconnect(SocketAddr, SocketAddr),
    /// A display or a socket takes output again.
    Unclog(Node),
    /// A person loses the key of this name, and makes a new one.
    LoseKey(NameId),
}
