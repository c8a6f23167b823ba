//! The events that a client reports to its user.

use super::command::CommandId;
use super::receipts::Receipt;
use crate::crypto::PublicKey;
use crate::time::UnixSeconds;
use crate::wire::Refusal;

/// An event for the user. Texts and names are exactly as sent. A program that shows them on a
/// terminal makes control characters visible first ([`drives_display`](crate::drives_display)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// The first registration of this process was accepted.
    Registered,
    /// The roster has changed, and is consistent.
    TableUpdated,
    /// The messages that follow with a timestamp were stored while the client was offline. Reported
    /// once for each return.
    KeptMessages,
    /// A message arrived, directly or through the server. It is acknowledged when the caller
    /// returns its receipt.
    Message {
        /// The name of the sender. It is empty for an announcement of the server to all, which no
        /// name has sent.
        from: &'a str,
        /// The identity of the message.
        id: MessageId,
        /// The text of the message.
        text: &'a str,
        /// Whether the message was sent to the channel.
        channel: bool,
        /// When the server accepted the message, if that was before the current registration.
        kept_at: Option<UnixSeconds>,
        /// When a stored message was sent, by the clock of its sender. `None` if the server
        /// accepted it within ten minutes of that. Otherwise the sender was cut off, a clock is
        /// wrong, or the server delivers an old message.
        sent_at: Option<UnixSeconds>,
        /// The receipt; none for a message of this client to itself.
        receipt: Option<&'a Receipt>,
    },
    /// A message arrived that is not shown. Channel messages of a name are reported once, until the
    /// name has its pinned key again.
    NotShown {
        /// The sender's name in the message, without proof.
        from: &'a str,
        /// Whether the message was sent to the channel.
        channel: bool,
        /// The reason.
        reason: NotShownReason,
        /// The receipt of the message.
        receipt: Option<&'a Receipt>,
    },
    /// Older channel messages were dropped before the client could get them.
    ChannelDropped {
        /// The number of lost messages.
        count: u32,
        /// The receipt of this report.
        receipt: Option<&'a Receipt>,
    },
    /// The server has stored a channel message. Final.
    Posted {
        /// The id of the command.
        id: CommandId,
    },
    /// The server has no room for a channel message, or could not store it. Final.
    NotPosted {
        /// The id of the command.
        id: CommandId,
        /// Whether the store failed; otherwise the server had no room.
        store_failed: bool,
    },
    /// The operator of the server has muted this client: a channel message was not sent. Final.
    #[cfg(feature = "moderation")]
    Muted {
        /// The id of the command.
        id: CommandId,
    },
    /// The rate limits of the server delay this client's requests. Reported once for each such
    /// period.
    Throttled,
    /// The server answered no retransmission, so that the roster may be out of date. Follows the
    /// events of all requests that fail for it. Direct messages still work; the client keeps
    /// trying. Reported once, until [`ServerBack`](Self::ServerBack).
    ServerSilent,
    /// The server answers again.
    ServerBack,
    /// The progress or the end of a direct message.
    MessageStatus {
        /// The id of the command.
        id: CommandId,
        /// The name of the recipient.
        to: &'a str,
        /// The progress of the message.
        status: MessageStatus,
    },
    /// The recipient has acknowledged messages of this process that the server stored for it: each
    /// is counted once, in one of these events. They are delivered; nobody knows whether they are
    /// read. Comes when the last of them was acknowledged (feature `kept-receipts`).
    KeptDelivered {
        /// The name of the recipient.
        to: &'a str,
        /// The number of messages, at least 1.
        count: u32,
    },
    /// The server did not answer any retransmission. Final for the command.
    ServerNotResponding {
        /// The id of the command.
        id: CommandId,
        /// The kind of the command.
        request: Request,
    },
    /// A command waited for a registration that failed. Final.
    Offline {
        /// The id of the command.
        id: CommandId,
    },
    /// The client is deregistered. Final.
    Deregistered {
        /// The id of the command.
        id: CommandId,
    },
    /// The server refused this client, which has ended.
    Refused {
        /// The reason of the refusal.
        reason: Refusal,
    },
    /// The server has another key than before: it is another server, or an attacker is on the path.
    /// The client sent nothing to it, and has ended.
    ServerKeyChanged {
        /// The new key of the server.
        key: PublicKey,
    },
    /// The server speaks another version of the protocol; the client has ended.
    ForeignVersion {
        /// The protocol version of the server.
        version: u8,
    },
}

/// Identifies a message: no other message has the same identity, on any path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The incarnation of the sender's process.
    pub incarnation: u64,
    /// The sender's number of the message, over all recipients and the channel.
    pub counter: u32,
}

/// Why a message is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NotShownReason {
    /// The name has another key than the pinned one.
    ForeignKey,
    /// The message was encrypted for another key, or changed.
    Unreadable,
    /// The key of the name cannot be pinned: all pins are in use.
    PinsFull,
}

/// The progress of a direct message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageStatus {
    /// The recipient did not acknowledge, or is offline: the message went to the server.
    SentToServer,
    /// The recipient is online after all: the client sends the message again.
    Exists,
    /// The recipient has acknowledged the message. Final.
    Delivered,
    /// The server has stored the message for the recipient. Final.
    Saved,
    /// The recipient's mailbox is full. Final.
    MailboxFull,
    /// The server could not store the message. Final.
    NotStored,
    /// The operator of the server has muted this client: the message was not stored. Final.
    #[cfg(feature = "moderation")]
    Muted,
    /// No client has the name. Final.
    NoSuchClient,
    /// The server did not answer either. Final.
    NotDelivered,
    /// The name has another key than the pinned one: nothing was sent. Final.
    ForeignKey,
    /// The key of the name cannot be pinned, because all pins are in use: nothing was sent. Final.
    PinsFull,
}

impl MessageStatus {
    /// Returns whether no other status follows.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::SentToServer | Self::Exists)
    }
}

/// A kind of request to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// A request to register.
    Register,
    /// A request to deregister.
    Deregister,
    /// A request to send a channel message.
    SendAll,
}

impl ClientEvent<'_> {
    /// Returns the receipt to give to [`Client::handle_shown`](crate::Client::handle_shown) once
    /// the output has written the lines of this event.
    pub fn receipt(&self) -> Option<Receipt> {
        match *self {
            Self::Message { receipt, .. }
            | Self::NotShown { receipt, .. }
            | Self::ChannelDropped { receipt, .. } => receipt.copied(),
            _ => None,
        }
    }

    /// Returns the command that this event settles. Each command ends in exactly one such event.
    pub const fn settles(&self) -> Option<CommandId> {
        match *self {
            Self::Posted { id }
            | Self::NotPosted { id, .. }
            | Self::ServerNotResponding { id, .. }
            | Self::Offline { id }
            | Self::Deregistered { id } => Some(id),
            #[cfg(feature = "moderation")]
            Self::Muted { id } => Some(id),
            Self::MessageStatus { id, status, .. } if status.is_final() => Some(id),
            _ => None,
        }
    }
}
