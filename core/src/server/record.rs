//! The records that a server hands to its store.

use core::fmt;
use core::net::SocketAddr;

use crate::crypto::PublicKey;
use crate::time::UnixSeconds;

/// Identifies a record on its way to the store: 1, 2, 3 and so on, in the order in which they must
/// be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// A ticket with this number, for those who drive a store without a server.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A record, and the ticket to report its fate under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persist<'a> {
    /// For [`Server::handle_stored`](crate::Server::handle_stored).
    pub ticket: Ticket,
    /// What to store.
    pub record: Record<'a>,
}

/// A record could not be stored, and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailed;

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record could not be stored")
    }
}

impl core::error::Error for StoreFailed {}

/// One fact for the store. Given back in their order to
/// [`Server::restore`](crate::Server::restore), the records make the
/// same room again; so do the latest `Name` and `Progress` of each name in front of the `Mail` and
/// `Channel` records that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The life of this store: the first record of an empty one.
    Epoch {
        /// 64 random bits.
        epoch: u64,
        /// Stored messages had numbers up to this one, and log entries below the next: later ones
        /// have higher numbers, also if nothing of those is left.
        serial: u64,
        /// See `serial`.
        log_next: u32,
    },
    /// A name as it is now; replaces what was stored of it.
    Name(NameRecord<'a>),
    /// A message is stored. In the same step, the sender's request takes effect: a store keeps the
    /// record for a minute after the message was handed over, so that a server that starts again
    /// knows that, and repeats nothing out of order.
    Mail {
        /// Number of the message in this store: rising.
        serial: u64,
        /// The recipient.
        to: &'a str,
        /// The sender.
        from: &'a str,
        /// The sender's process.
        incarnation: u64,
        /// The sender's number of the message.
        counter: u32,
        /// The sender's number of the request.
        request: u32,
        /// When it was accepted.
        stamp: UnixSeconds,
        /// The sender's key, then the encrypted message as in
        /// [`Frame::Store`](crate::wire::Frame::Store), which only the recipient can read.
        ciphertext: &'a [u8],
    },
    /// A channel message is in the log. In the same step, the sender's request takes effect.
    Channel {
        /// Number of the entry in this epoch: rising.
        number: u32,
        /// The sender.
        from: &'a str,
        /// The sender's process.
        incarnation: u64,
        /// The sender's number of the message.
        counter: u32,
        /// The sender's number of the request.
        request: u32,
        /// When it was accepted.
        stamp: UnixSeconds,
        /// The text.
        text: &'a str,
    },
    /// What a client has acknowledged: its stored messages up to `handed_over` can go.
    Progress {
        /// The client.
        name: &'a str,
        /// Serial number of the last message that it acknowledged.
        handed_over: u64,
        /// The next log entry that it has not acknowledged.
        log_next: u32,
    },
    /// A name is forgotten, with the messages for it.
    Forget {
        /// The name.
        name: &'a str,
        /// As in `Epoch`, which these numbers replace.
        serial: u64,
        /// See `serial`.
        log_next: u32,
    },
}

/// What is stored of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRecord<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether it is registered.
    pub registered: bool,
    /// Where it receives.
    pub address: SocketAddr,
    /// Its process.
    pub incarnation: u64,
    /// The key that the name belongs to.
    pub key: PublicKey,
    /// Number of the process's latest session.
    pub session_sequence: u32,
    /// The id that the process writes to the server in that session; 0 for none. A server that has
    /// started again uses it to tell the process so.
    pub session: u64,
    /// Processes that were displaced, in short.
    pub previous: [u32; 4],
    /// The latest request, and the outcomes of the last 32 in four bits each.
    pub last_request: u32,
    /// See `last_request`.
    pub outcomes: u128,
    /// The next log entry that it has not acknowledged.
    pub log_next: u32,
    /// For how many seconds it has been offline, now: when it is given back, the store has added
    /// the time since. Names that are offline longest should come first then, or are forgotten
    /// late.
    pub away_s: u32,
}

/// Why a record cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is not enough storage for what was stored.
    Full,
    /// The record refers to a name that no record before it has made known, or is damaged.
    Inconsistent,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the limits are too small for the stored records: raise them",
            Self::Inconsistent => "the records are inconsistent",
        })
    }
}

impl core::error::Error for RestoreError {}
