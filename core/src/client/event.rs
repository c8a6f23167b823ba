//! The events that a client reports to its user.

use super::command::CommandId;
use crate::crypto::PublicKey;
use crate::time::UnixSeconds;
use crate::wire::Refusal;

/// Something to show. Texts and names are exactly as sent: a program that shows them on a terminal
/// makes control characters visible first ([`drives_display`](crate::drives_display)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// The first registration of this process was accepted.
    Registered,
    /// The roster has changed, and is consistent.
    TableUpdated,
    /// The messages that follow with a stamp were stored while the client was away; once for each
    /// return.
    KeptMessages,
    /// A message, direct or through the server. Taking this event acknowledges the message.
    Message {
        /// The sender.
        from: &'a str,
        /// The number of the message and its sender's process.
        id: MessageId,
        /// The text.
        text: &'a str,
        /// It was sent to the channel.
        channel: bool,
        /// When the server accepted it, if that was before the current registration.
        kept_at: Option<UnixSeconds>,
    },
    /// A private message came that is not shown, and never will be.
    NotShown {
        /// The name that the message gives for its sender, unproved.
        from: &'a str,
        /// The name has another key than it had; otherwise the message was encrypted for another
        /// key, or changed.
        foreign_key: bool,
    },
    /// Older channel messages were dropped before the client could get them.
    ChannelDropped {
        /// The number of messages.
        count: u32,
    },
    /// A message for the channel is in the log. Final.
    Posted {
        /// The command.
        id: CommandId,
    },
    /// The server has no room for, or could not store, a message for the channel. Final.
    NotPosted {
        /// The command.
        id: CommandId,
        /// The server could not store it; otherwise it had no room.
        store_failed: bool,
    },
    /// The server takes nothing more for the moment, because of its rate limits. Requests wait;
    /// told once for each time.
    Throttled,
    /// The progress or the end of a direct message.
    MessageStatus {
        /// The command.
        id: CommandId,
        /// The recipient.
        to: &'a str,
        /// The progress.
        status: MessageStatus,
    },
    /// The server was silent to all retries. Final for the command.
    ServerNotResponding {
        /// The command.
        id: CommandId,
        /// The kind of command.
        request: Request,
    },
    /// A command waited for a registration, which failed. Final.
    Offline {
        /// The command.
        id: CommandId,
    },
    /// The deregistration is done. Final.
    Deregistered {
        /// The command.
        id: CommandId,
    },
    /// The server refuses this client, which does nothing any more.
    Refused {
        /// The reason.
        reason: Refusal,
    },
    /// The server has another key than it had: it is another server, or an attacker is in between.
    /// Nothing was sent to it; the client does nothing any more.
    ServerKeyChanged {
        /// The new key.
        key: PublicKey,
    },
    /// The server speaks another version of the protocol; the client does nothing any more.
    ForeignVersion {
        /// The server's version.
        version: u8,
    },
}

/// Identifies a message: no other has the same number, on any path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The sender's process.
    pub incarnation: u64,
    /// The number of the message, over all recipients and the channel.
    pub counter: u32,
}

/// The progress of a direct message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageStatus {
    /// The recipient did not acknowledge, or is offline: the message went to the server.
    SentToServer,
    /// The recipient is online after all: the message goes out again.
    Exists,
    /// The recipient's program has taken it to show it. Final.
    Delivered,
    /// The server has stored it for the recipient. Final.
    Saved,
    /// The recipient's mailbox is full. Final.
    MailboxFull,
    /// The server could not store it. Final.
    NotStored,
    /// No client has that name. Final.
    NoSuchClient,
    /// The server did not answer either. Final.
    NotDelivered,
    /// The name has another key than the one that was pinned: nothing was sent. Final.
    ForeignKey,
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
    /// A registration.
    Register,
    /// A deregistration.
    Deregister,
    /// A message for the channel.
    SendAll,
}

impl ClientEvent<'_> {
    /// Returns the command that this event settles. Each command ends in exactly one such event.
    pub const fn settles(&self) -> Option<CommandId> {
        match *self {
            Self::Posted { id }
            | Self::NotPosted { id, .. }
            | Self::ServerNotResponding { id, .. }
            | Self::Offline { id }
            | Self::Deregistered { id } => Some(id),
            Self::MessageStatus { id, status, .. } if status.is_final() => Some(id),
            _ => None,
        }
    }
}
