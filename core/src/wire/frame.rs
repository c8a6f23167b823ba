//! Frames: the numbered contents of a data datagram.
//!
//! Fields that consecutive ones have in common may be [left out](super::delta) on the wire.

use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::address::PackedAddress;
use crate::crypto::PublicKey;
use crate::time::UnixSeconds;

/// One numbered frame. The order of the variants is their number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// Client to client: a direct message.
    Text {
        /// Number of the message among all of its sender's process.
        counter: u32,
        /// The text: UTF-8, and not empty, if its sender is honest.
        #[serde(with = "serde_bytes")]
        text: &'a [u8],
    },
    /// Client to server: keep a message for a recipient.
    Store {
        /// Number of the request among all of this process.
        request: u32,
        /// Number of the message among all of this process.
        counter: u32,
        /// Incarnation that was tried directly in vain; 0 if none was.
        #[serde(with = "postcard::fixint::le")]
        tried: u64,
        /// If the recipient is online, has nothing kept from this sender, and is not the one that
        /// was tried: do not keep the message, but say so.
        bounce: bool,
        /// The recipient.
        to: &'a str,
        /// The key that the sender's stored messages are opened with, and the
        /// [stored message](crate::crypto::MessageKey).
        #[serde(with = "serde_bytes")]
        ciphertext: &'a [u8],
    },
    /// Client to server: a channel message.
    Post {
        /// Number of the request among all of this process.
        request: u32,
        /// Number of the message among all of this process.
        counter: u32,
        /// The text.
        text: &'a str,
    },
    /// Client to server: deregister.
    Leave {
        /// Number of the request among all of this process.
        request: u32,
    },
    /// Client to server: what is the entry of this name?
    Lookup {
        /// Comes back with the answer.
        query: u32,
        /// The name.
        name: &'a str,
    },
    /// Server to client: what became of a request.
    Result {
        /// Number of the request.
        request: u32,
        /// The outcome.
        outcome: Outcome,
    },
    /// Server to client: the recipient has acknowledged every message kept from you up to this
    /// counter.
    Receipt {
        /// The recipient.
        to: &'a str,
        /// Counter of the last one.
        counter: u32,
    },
    /// Server to client: a message that was kept for you.
    Mail {
        /// Number of the message among all that the server kept in this epoch.
        serial: u64,
        /// Incarnation of the sender.
        #[serde(with = "postcard::fixint::le")]
        incarnation: u64,
        /// Number of the message among all of its sender's process.
        counter: u32,
        /// When the server accepted it.
        stamp: UnixSeconds,
        /// It was accepted before your current registration.
        kept: bool,
        /// The sender's key.
        key: PublicKey,
        /// The sender.
        from: &'a str,
        /// The key that the sender's stored messages are opened with; none, and no stored message, if what is kept
        /// is too short for it.
        message_key: PublicKey,
        /// The [stored message](crate::crypto::MessageKey).
        #[serde(with = "serde_bytes")]
        ciphertext: &'a [u8],
    },
    /// Server to client: an entry of the channel log.
    Channel {
        /// Number of the entry in the log of this epoch.
        number: u32,
        /// Incarnation of the sender.
        #[serde(with = "postcard::fixint::le")]
        incarnation: u64,
        /// Number of the message among all of its sender's process.
        counter: u32,
        /// When the server accepted it.
        stamp: UnixSeconds,
        /// It was accepted before your current registration.
        kept: bool,
        /// The sender.
        from: &'a str,
        /// The text.
        text: &'a str,
    },
    /// Server to client: this many entries of the channel log were dropped before you could get
    /// them.
    Skipped {
        /// How many, not counting your own.
        count: u32,
    },
    /// Server to client: a part of the table.
    Page {
        /// The table up to this version is with you once you have this page.
        version: u32,
        /// This page begins the whole table; what it does not name does not exist.
        restart: bool,
        /// There is no newer version at this moment: the table is consistent.
        complete: bool,
        /// [Entries](Entry), one behind the other.
        #[serde(with = "serde_bytes")]
        entries: &'a [u8],
    },
    /// Server to client, in answer to a [`Lookup`](Self::Lookup): the entry.
    Found {
        /// From the lookup.
        query: u32,
        /// The entry.
        #[serde(borrow)]
        entry: Entry<'a>,
    },
    /// Server to client, in answer to a [`Lookup`](Self::Lookup): nobody has that name.
    Missing {
        /// From the lookup.
        query: u32,
    },
    /// Server to client: the table does not fit into yours. From here on, look up what you need.
    Partial,
}

/// Names of the kinds of frames, in the order of their numbers. One that leaves something out on
/// the wire is of the kind that it is without that.
pub const FRAME_KINDS: [&str; 14] = [
    "text", "store", "post", "leave", "lookup", "result", "receipt", "mail", "channel", "skipped",
    "page", "found", "missing", "partial",
];

impl Frame<'_> {
    /// A page that said something when it was first sent, which the server does not remember. The
    /// whole table follows behind it, and nothing is missing until then. No other page of
    /// version 0 is complete.
    pub const EMPTIED_PAGE: Self = Self::Page {
        version: 0,
        restart: false,
        complete: true,
        entries: &[],
    };

    /// The number of its kind: on the wire, and in [`FRAME_KINDS`].
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
    /// The message is kept, or the channel message is in the log, and will survive.
    Saved,
    /// The recipient is online; the message was not kept.
    Exists,
    /// The recipient's mailbox, or the memory for kept messages, is full; the message was not kept.
    Full,
    /// Nobody has that name; the message was not kept.
    NoSuchClient,
    /// The server could not store the message; it was not kept.
    NotStored,
    /// The name is deregistered.
    Left,
}

/// Whether a client is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
pub enum Status {
    /// Deregistered, gone, or just returning.
    Offline,
    /// Active.
    Online,
    /// The name was forgotten; the entry leaves the table.
    Gone,
}

/// One entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// Name of the client.
    pub name: &'a str,
    /// Whether it is there.
    pub status: Status,
    /// Incarnation: which process has the name.
    #[serde(with = "postcard::fixint::le")]
    pub incarnation: u64,
    /// The key that the name belongs to.
    pub key: PublicKey,
    pub(crate) address: PackedAddress,
}

impl<'a> Entry<'a> {
    /// An entry.
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

    /// The address of the client.
    pub fn address(&self) -> SocketAddr {
        self.address.get()
    }

    /// The entries of a [`Frame::Page`]; ends at the first that is damaged.
    pub fn parse_all(mut bytes: &'a [u8]) -> impl Iterator<Item = Entry<'a>> {
        core::iter::from_fn(move || {
            let (entry, rest) = postcard::take_from_bytes(bytes).ok()?;
            bytes = rest;
            Some(entry)
        })
    }

    /// Appends the entry to a page; returns its length, or 0 if it does not fit.
    pub fn emit(&self, out: &mut [u8]) -> usize {
        postcard::to_slice(self, out).map_or(0, |bytes| bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_the_numbers_on_the_wire() {
        let entry = Entry::new(
            "ann",
            Status::Online,
            1,
            PublicKey([7; 32]),
            ([192, 0, 2, 1], 9).into(),
        );
        let frames = [
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
            Frame::Found { query: 1, entry },
            Frame::Missing { query: 1 },
            Frame::Partial,
        ];
        assert_eq!(frames.len(), FRAME_KINDS.len());
        for (number, frame) in frames.iter().enumerate() {
            let mut out = [0; 128];
            postcard::to_slice(frame, &mut out).unwrap();
            assert_eq!(usize::from(out[0]), number, "{frame:?}");
            assert_eq!(frame.kind(), number, "{frame:?}");
        }
    }
}
