//! The records that a server gives to its store.

use core::fmt;
use core::net::SocketAddr;

use super::restriction::{Restriction, RestrictionKind, Subject};
use crate::crypto::PublicKey;
use crate::time::UnixSeconds;

/// Identifies a record on its way to the store: 1, 2, 3 and so on, in the order in which they must
/// be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// Creates a ticket with this number, for callers that drive a store without a server.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number of the ticket.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A record, and the ticket to report its result with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persist<'a> {
    /// The ticket for [`Server::handle_stored`](crate::Server::handle_stored).
    pub ticket: Ticket,
    /// The record to store.
    pub record: Record<'a>,
}

/// An error: the store gave a record up for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailed;

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record could not be stored")
    }
}

impl core::error::Error for StoreFailed {}

/// One record for the store. The same records in the same order restore the room, by
/// [`Server::restore`](crate::Server::restore). A shorter sequence does, too: the latest `Name` and
/// `Progress` of each name, then the `Mail` and `Channel` records that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The store epoch: the first record of an empty store.
    Epoch {
        /// The store epoch, 64 random bits.
        epoch: u64,
        /// The highest number of a stored message so far. Later messages have higher numbers, even
        /// if none of the earlier ones is left.
        serial: u64,
        /// The number of the next log entry. Later entries have at least this number.
        log_next: u32,
    },
    /// The state of a name; replaces its earlier record.
    Name(NameRecord<'a>),
    /// A stored message. The record also proves that the sender's request took effect. So a store
    /// keeps it for a minute after the delivery: a restarted server then repeats nothing out of
    /// order.
    Mail {
        /// The number of the message in this store epoch: rising.
        serial: u64,
        /// The name of the recipient.
        to: &'a str,
        /// The name of the sender.
        from: &'a str,
        /// The incarnation of the sender's process.
        incarnation: u64,
        /// The sender's number of the message.
        counter: u32,
        /// The sender's number of the request.
        request: u32,
        /// When the server accepted the message.
        stamp: UnixSeconds,
        /// The sender's public key, then the encrypted message as in
        /// [`Frame::Store`](crate::wire::Frame::Store); empty if it was withdrawn.
        ciphertext: &'a [u8],
    },
    /// A channel log entry. The record also proves that the sender's request took effect.
    Channel {
        /// The number of the entry in this store epoch: rising.
        number: u32,
        /// The name of the sender; empty for an announcement of the server.
        from: &'a str,
        /// The incarnation of the sender's process.
        incarnation: u64,
        /// The sender's number of the message.
        counter: u32,
        /// The sender's number of the request.
        request: u32,
        /// When the server accepted the message.
        stamp: UnixSeconds,
        /// The text of the message; empty if it was withdrawn.
        text: &'a str,
    },
    /// The cursors of a client: the store may remove its messages up to `handed_over`.
    Progress {
        /// The name of the client.
        name: &'a str,
        /// The number of the last stored message that the client acknowledged.
        handed_over: u64,
        /// The next log entry that the client has not acknowledged.
        log_next: u32,
    },
    /// A name is forgotten, and the messages stored for it.
    Forget {
        /// The name itself.
        name: &'a str,
        /// As in `Epoch`; replaces that number.
        serial: u64,
        /// The number of the next log entry. Later entries have at least this number.
        log_next: u32,
    },
    /// A restriction is in force. It replaces an earlier one of its kind for the same clients. A
    /// store may leave it out when it has ended.
    Restrict(&'a Restriction),
    /// The messages of a name are withdrawn from those that do not have them: its stored messages
    /// up to `serial`, and its log entries before `log_next`. A store may drop their content, and
    /// keeps them with none: they prove that the requests of the name took effect.
    Withdraw {
        /// The name of the sender.
        name: &'a str,
        /// The number of the last stored message.
        serial: u64,
        /// The number of the next log entry.
        log_next: u32,
    },
    /// A restriction is lifted.
    Lift {
        /// The kind of the restriction.
        kind: RestrictionKind,
        /// The clients that it concerned.
        subject: &'a Subject,
    },
}

/// The stored state of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRecord<'a> {
    /// The name itself.
    pub name: &'a str,
    /// Whether the name is registered.
    pub registered: bool,
    /// The address that the client receives at.
    pub address: SocketAddr,
    /// The incarnation of the client's process.
    pub incarnation: u64,
    /// The key that the name belongs to.
    pub key: PublicKey,
    /// The session sequence of the process's latest session.
    pub session_sequence: u32,
    /// The session id that the process sends to in that session; 0 for none. A restarted server
    /// sends a restart notice with it.
    pub session: u64,
    /// Replaced processes, by 32 bits of their incarnations.
    pub previous: [u32; 4],
    /// The number of the latest request.
    pub last_request: u32,
    /// The outcomes of the last 32 requests, four bits each.
    pub outcomes: u128,
    /// The next log entry that the client has not acknowledged.
    pub log_next: u32,
    /// Seconds for which the name has been offline. For a restore, the store adds the time since it
    /// took the record. Names that are offline longest should come first, or the server forgets
    /// them late.
    pub away_s: u32,
    /// The medium-term key that the client has published; [`PublicKey::NONE`] for none.
    pub medium_key: PublicKey,
}

/// The reason why a record cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The storage is too small for the records.
    Full,
    /// The record refers to a name without an earlier record, or is damaged.
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
