//! The events that a server reports for its log. No event contains a text.

use core::fmt;
use core::net::SocketAddr;

use crate::wire::Refusal;

/// An event that the operator of a server may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent<'a> {
    /// A client registered.
    Registered {
        /// The name of the client.
        name: &'a str,
        /// The address that the client receives at.
        address: SocketAddr,
        /// Whether the name was known before.
        returning: bool,
    },
    /// A client left the room.
    Departed {
        /// The name of the client.
        name: &'a str,
        /// The reason of the departure.
        reason: Departure,
    },
    /// A registration was refused.
    Refused {
        /// The name that was asked for.
        name: &'a str,
        /// The address that the request came from.
        address: SocketAddr,
        /// The reason of the refusal.
        reason: Refusal,
    },
    /// A datagram of another protocol version arrived.
    ForeignVersion {
        /// The address of its sender.
        address: SocketAddr,
        /// The protocol version of the datagram.
        version: u8,
    },
    /// A client exceeds the rate limit of its source, and has to wait between its requests.
    Throttled {
        /// The name of the client.
        name: &'a str,
    },
    /// A name was offline for too long, or was never used while the room was full, and the server
    /// forgot it.
    Forgotten {
        /// The forgotten name.
        name: &'a str,
    },
    /// The store failed; the server acknowledged nothing that depends on it. Reported once until
    /// the store works again.
    StoreFailed,
    /// The store works again.
    StoreRecovered,
    /// Events were lost because they were not polled in time.
    EventsLost {
        /// The number of lost events.
        count: u32,
    },
}

/// The reason why a client left the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// The client deregistered.
    Left,
    /// The client did not answer any retransmission.
    Silent,
    /// The process of the client has ended.
    Gone,
    /// Another process took over the client's name.
    Evicted,
    /// The allow list has no entry for the client any more.
    NotAllowed,
    /// The operator has put the client out.
    PutOut,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Silent => "does not respond",
            Self::Gone => "its process is gone",
            Self::Evicted => "replaced by another process",
            Self::PutOut => "put out by the operator",
            Self::NotAllowed => "not on the allow list any more",
        })
    }
}
