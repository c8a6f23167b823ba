//! Frames: the numbered contents of a data datagram.
//!
//! On the wire, a [delta frame](super::delta) omits the fields of the frame before it.

use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::address::PackedAddress;
use crate::crypto::PublicKey;
use crate::time::UnixSeconds;

/// One frame. The order of the variants is their number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// Client to client: a direct message.
    Text {
        /// Counter of the message, in the sender's process.
        counter: u32,
        /// The text; the parser does not check that it is valid.
        #[serde(with = "serde_bytes")]
        text: &'a [u8],
    },
    /// Client to server: store a message for a recipient.
    Store {
        /// Number of the request, in the client's process.
        request: u32,
        /// Counter of the message, in the client's process.
        counter: u32,
        /// Incarnation of the recipient whose direct path failed; 0 for none.
        #[serde(with = "postcard::fixint::le")]
        tried: u64,
        /// Do not store the message if the recipient is reachable: online, not the `tried`
        /// incarnation, and without stored messages from this sender.
        bounce: bool,
        /// Name of the recipient.
        to: &'a str,
        /// Ephemeral public key of the sender's process, and the
        /// [encrypted message](crate::crypto::MessageKey).
        #[serde(with = "serde_bytes")]
        ciphertext: &'a [u8],
    },
    /// Client to server: a channel message.
    Post {
        /// Number of the request, in the client's process.
        request: u32,
        /// Counter of the message, in the client's process.
        counter: u32,
        /// Text of the message.
        text: &'a str,
    },
    /// Client to server: deregister.
    Leave {
        /// Number of the request, in the client's process.
        request: u32,
    },
    /// Client to server: look up the roster entry of a name.
    Lookup {
        /// Number that the client chose: the answer carries it.
        query: u32,
        /// The name to look up.
        name: &'a str,
    },
    /// Server to client: the outcome of a request.
    Result {
        /// Number of the request.
        request: u32,
        /// The outcome of the request.
        outcome: Outcome,
    },
    /// Server to client: a recipient has acknowledged all stored messages of this client up to a
    /// counter.
    Receipt {
        /// Name of the recipient.
        to: &'a str,
        /// Counter of the last acknowledged message.
        counter: u32,
    },
    /// Server to client: a stored message for this client.
    Mail {
        /// Number of the message in this store epoch.
        serial: u64,
        /// Incarnation of the sender.
        #[serde(with = "postcard::fixint::le")]
        incarnation: u64,
        /// Counter of the message, in the sender's process.
        counter: u32,
        /// When the server accepted the message.
        stamp: UnixSeconds,
        /// The server accepted the message before the client's present registration.
        kept: bool,
        /// Static public key of the sender.
        key: PublicKey,
        /// Name of the sender.
        from: &'a str,
        /// Ephemeral public key of the sender's process; zeros, with an empty ciphertext, if the
        /// server stored less than a key and a message.
        message_key: PublicKey,
        /// The [encrypted message](crate::crypto::MessageKey).
        #[serde(with = "serde_bytes")]
        ciphertext: &'a [u8],
    },
    /// Server to client: an entry of the channel log.
    Channel {
        /// Number of the entry in this store epoch.
        number: u32,
        /// Incarnation of the sender.
        #[serde(with = "postcard::fixint::le")]
        incarnation: u64,
        /// Counter of the message, in the sender's process.
        counter: u32,
        /// When the server accepted the message.
        stamp: UnixSeconds,
        /// The server accepted the message before the client's present registration.
        kept: bool,
        /// Name of the sender; empty for an announcement of the server.
        from: &'a str,
        /// Text of the message.
        text: &'a str,
    },
    /// Server to client: entries fell out of the channel log before the client could get them.
    Skipped {
        /// Number of these entries, without the client's own.
        count: u32,
    },
    /// Server to client: changes of the roster, or a part of the whole roster.
    Page {
        /// The client has the roster up to this version once it has this page.
        version: u32,
        /// The whole roster begins with this page.
        restart: bool,
        /// There is no newer version at this moment.
        complete: bool,
        /// [Entries](Entry), one behind the other.
        #[serde(with = "serde_bytes")]
        entries: &'a [u8],
    },
    /// Server to client, in answer to a [`Lookup`](Self::Lookup): the entry of the name.
    Found {
        /// Number of the [`Lookup`](Self::Lookup).
        query: u32,
        /// The roster entry of the name.
        #[serde(borrow)]
        entry: Entry<'a>,
    },
    /// Server to client, in answer to a [`Lookup`](Self::Lookup): no client has that name.
    Missing {
        /// Number of the [`Lookup`](Self::Lookup).
        query: u32,
    },
    /// Server to client: the roster exceeds the client's capacity. The server sends no more pages,
    /// and the client looks names up.
    Partial,
}

/// Names of the kinds of frames, in the order of their numbers. A delta frame has the kind of the
/// full frame that it stands for.
pub const FRAME_KINDS: [&str; 14] = [
    "text", "store", "post", "leave", "lookup", "result", "receipt", "mail", "channel", "skipped",
    "page", "found", "missing", "partial",
];

impl Frame<'_> {
    /// The empty page. It replaces a repeated page whose content the server does not remember; the
    /// whole roster follows. No other page of version 0 is complete.
    pub const EMPTIED_PAGE: Self = Self::Page {
        version: 0,
        restart: false,
        complete: true,
        entries: &[],
    };

    /// A frame without an effect. It replaces a repeated frame whose message was withdrawn.
    pub const WITHDRAWN: Self = Self::Receipt { to: "", counter: 0 };

    /// Returns the number of its kind: on the wire, and in [`FRAME_KINDS`].
    pub const fn kind(&self) -> usize {
        match self {
            Self::Text { .. } => 0,
            Self::Store { .. } => 1,
            Self::Post { .. } => 2,
            Self::Leave { .. } => 3,
            Self::Lookup { .. } => 4,
            Self::Result { .. } => 5,
            Self::Receipt { .. } => 6,
            Self::Mail { .. } => 7,
            Self::Channel { .. } => 8,
            Self::Skipped { .. } => 9,
            Self::Page { .. } => 10,
            Self::Found { .. } => 11,
            Self::Missing { .. } => 12,
            Self::Partial => 13,
        }
    }
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// The private message is stored, or the channel message is in the log, and the store has it.
    Saved,
    /// The recipient is online; the server did not store the message.
    Exists,
    /// The recipient's mailbox, or the memory for stored messages, is full; the message is not
    /// stored.
    Full,
    /// No client has that name; the message is not stored.
    NoSuchClient,
    /// The store did not take the message.
    NotStored,
    /// The name is deregistered.
    Left,
    /// The operator has muted the client; the message is not stored.
    Muted,
}

/// The status of a client in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub enum Status {
    /// The client is deregistered, departed, or just returning.
    Offline,
    /// The client is active.
    Online,
    /// The name has expired; the entry leaves the roster.
    Gone,
}

/// One entry of the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// Name of the client.
    pub name: &'a str,
    /// Status of the client.
    pub status: Status,
    /// Incarnation of the client: the process that has the name.
    #[serde(with = "postcard::fixint::le")]
    pub incarnation: u64,
    /// Static public key that the name belongs to.
    pub key: PublicKey,
    pub(crate) address: PackedAddress,
}

impl<'a> Entry<'a> {
    /// Creates an entry.
    pub fn new(
        name: &'a str,
        status: Status,
        incarnation: u64,
        key: PublicKey,
        address: SocketAddr,
    ) -> Self {
        Self {
            name,
            status,
            incarnation,
            key,
            address: address.into(),
        }
    }

    /// Returns the address of the client.
    pub fn address(&self) -> SocketAddr {
        self.address.get()
    }

    /// Parses the entries of a [`Frame::Page`]; ends at the first malformed one.
    pub fn parse_all(mut bytes: &'a [u8]) -> impl Iterator<Item = Entry<'a>> {
        core::iter::from_fn(move || {
            let (entry, rest) = postcard::take_from_bytes(bytes).ok()?;
            bytes = rest;
            Some(entry)
        })
    }

    /// Writes the entry to the start of `out`; returns its length, or 0 if it does not fit.
    pub fn emit(&self, out: &mut [u8]) -> usize {
        postcard::to_slice(self, out).map_or(0, |bytes| bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry<'static> {
        let address = ([192, 0, 2, 1], 9).into();
        Entry::new("ann", Status::Online, 1, PublicKey([7; 32]), address)
    }

    /// One frame of each kind, in the order of their numbers.
    fn one_of_each() -> [Frame<'static>; 14] {
        [
            Frame::Text {
                counter: 1,
                text: b"hi",
            },
            Frame::Store {
                request: 1,
                counter: 1,
                tried: 0,
                bounce: false,
                to: "bob",
                ciphertext: b"hi",
            },
            Frame::Post {
                request: 1,
                counter: 1,
                text: "hi",
            },
            Frame::Leave { request: 1 },
            Frame::Lookup {
                query: 1,
                name: "bob",
            },
            Frame::Result {
                request: 1,
                outcome: Outcome::Saved,
            },
            Frame::Receipt {
                to: "bob",
                counter: 1,
            },
            Frame::Mail {
                serial: 1,
                incarnation: 1,
                counter: 1,
                stamp: UnixSeconds(1),
                kept: false,
                key: PublicKey([7; 32]),
                from: "bob",
                message_key: PublicKey([8; 32]),
                ciphertext: b"hi",
            },
            Frame::Channel {
                number: 1,
                incarnation: 1,
                counter: 1,
                stamp: UnixSeconds(1),
                kept: false,
                from: "bob",
                text: "hi",
            },
            Frame::Skipped { count: 1 },
            Frame::Page {
                version: 1,
                restart: false,
                complete: false,
                entries: &[],
            },
            Frame::Found {
                query: 1,
                entry: entry(),
            },
            Frame::Missing { query: 1 },
            Frame::Partial,
        ]
    }

    #[test]
    fn numbers_kinds_as_on_the_wire() {
        let frames = one_of_each();
        assert_eq!(frames.len(), FRAME_KINDS.len());
        for (number, frame) in frames.iter().enumerate() {
            let mut out = [0; 128];
            postcard::to_slice(frame, &mut out).unwrap();
            assert_eq!(usize::from(out[0]), number, "{frame:?}");
            assert_eq!(frame.kind(), number, "{frame:?}");
        }
    }
}
