//! The events that a server reports for its log; never texts.

use core::fmt;
use core::net::SocketAddr;

use crate::wire::Refusal;

/// An event that the operator of a server may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent<'a> {
    /// A client registered.
    Registered {
        /// Its name.
        name: &'a str,
        /// Where it receives.
        address: SocketAddr,
        /// The name was known before.
        returning: bool,
    },
    /// A client left the room.
    Departed {
        /// Its name.
        name: &'a str,
        /// The reason.
        reason: Departure,
    },
    /// A registration was refused.
    Refused {
        /// The name that was asked for.
        name: &'a str,
        /// The address that asked.
        address: SocketAddr,
        /// The reason.
        reason: Refusal,
    },
    /// A datagram of another version of the protocol came.
    ForeignVersion {
        /// Its sender.
        address: SocketAddr,
        /// The version.
        version: u8,
    },
    /// A client asks for more than its source's share: it has to wait between its requests.
    Throttled {
        /// Its name.
        name: &'a str,
    },
    /// A name was offline for too long, and is forgotten.
    Forgotten {
        /// The name.
        name: &'a str,
    },
    /// The store failed; nothing that depends on it was acknowledged. Reported once until it works
    /// again.
    StoreFailed,
    /// The store works again.
    StoreRecovered,
    /// This many events were lost because they were not polled.
    EventsLost {
        /// How many.
        count: u32,
    },
}

/// Why a client left the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// It deregistered.
    Left,
    /// It was silent to all retries.
    Silent,
    /// Its process is gone.
    Gone,
    /// Another process took over its name.
    Displaced,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Silent => "does not respond",
            Self::Gone => "its process is gone",
            Self::Displaced => "replaced by another process",
        })
    }
}
