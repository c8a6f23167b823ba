//! What a client reports to the person in front of it.

use super::command::CommandId;
use crate::crypto::PublicKey;
use crate::time::UnixSeconds;
use crate::wire::Refusal;

/// Something to show. Texts and names are exactly as sent: whoever shows them on a terminal makes
/// control characters visible first ([`drives_display`](crate::drives_display)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// The first registration of this process was accepted.
    Registered,
    /// The table has changed, and is consistent.
    TableUpdated,
    /// What follows with a stamp was kept while one was away; once for each return.
    KeptMessages,
    /// A message, direct or through the server. Taking this event is what acknowledges the message.
    Message {
        /// The sender.
        from: &'a str,
        /// Which of the sender's messages it is.
        id: MessageId,
        /// The text.
        text: &'a str,
        /// It was sent to the channel.
        channel: bool,
        /// When the server accepted it, if that was before one's current registration.
        kept_at: Option<UnixSeconds>,
    },
    /// A private message came that is not shown, and never will be.
    NotShown {
        /// Who is said to have sent it.
        from: &'a str,
        /// The name has another key than it had; otherwise the message was sealed for somebody
        /// else, or changed.
        foreign_key: bool,
    },
    /// This many older channel messages were dropped before one could get them.
    ChannelDropped {
        /// How many.
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
    /// The server takes nothing more for the moment: more is asked of it from here than its limits
    /// allow. What was asked waits; told once for each time.
    Throttled,
    /// What became of a direct message.
    MessageStatus {
        /// The command.
        id: CommandId,
        /// The recipient.
        to: &'a str,
        /// How far it is.
        status: MessageStatus,
    },
    /// The server was silent to all retries. Final for the command.
    ServerNotResponding {
        /// The command.
        id: CommandId,
        /// What it was.
        request: Request,
    },
    /// A command that waited for a registration found none. Final.
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
        /// Why.
        reason: Refusal,
    },
    /// The server has another key than it had: it is another server, or somebody is in between.
    /// Nothing was said to it; the client does nothing any more.
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

/// Which one of a sender's messages this is: no other has the same, on whichever way it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The sender's process.
    pub incarnation: u64,
    /// The number of the message, over all recipients and the channel.
    pub counter: u32,
}

/// How far a direct message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageStatus {
    /// The recipient did not acknowledge, or is offline: the message went to the server.
    SentToServer,
    /// The recipient is online after all: the message goes out again.
    Exists,
    /// The recipient's program took it over to show it. Final.
    Delivered,
    /// The server has it for the recipient. Final.
    Saved,
    /// The recipient's mailbox is full. Final.
    MailboxFull,
    /// The server could not store it. Final.
    NotStored,
    /// Nobody has that name. Final.
    NoSuchClient,
    /// The server was silent as well. Final.
    NotDelivered,
    /// The name has another key than it had when one talked to it: nothing was sent. Final.
    ForeignKey,
}

impl MessageStatus {
    /// Whether no other status follows.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::SentToServer | Self::Exists)
    }
}

/// What the server was asked for.
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
    /// The command that is settled by this event, if one is: each ends in exactly one such event.
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
