//! Events as JSON, one object per line. `JSON.md` in this crate describes them. Later versions only
//! add fields and events.

use chatapp_core::wire::Refusal;
use chatapp_core::{ClientEvent, Command, CommandError, CommandId, MessageStatus, NotShownReason};
use serde::Serialize;
use serde_json::Value;

use super::ledger::Open;
use super::word::Word;

/// One object of the output.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    Registered,
    TableUpdated,
    KeptMessages,
    Message {
        from: &'a str,
        message_id: String,
        text: &'a str,
        channel: bool,
        /// Seconds since 1970, UTC.
        kept_at: Option<u32>,
        /// Seconds since 1970, UTC.
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at: Option<u32>,
    },
    Announcement {
        message_id: String,
        text: &'a str,
        /// Seconds since 1970, UTC.
        kept_at: Option<u32>,
    },
    NotShown {
        from: &'a str,
        foreign_key: bool,
        channel: bool,
        reason: &'static str,
    },
    ChannelDropped {
        count: u32,
    },
    KeptDelivered {
        to: &'a str,
        count: u32,
    },
    Throttled,
    ServerSilent,
    ServerBack,
    KeyPinned {
        /// `None` for the server.
        name: Option<&'a str>,
        key: String,
        fingerprint: String,
    },
    Verification {
        name: &'a str,
        code: String,
        verified: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        tag: Option<&'a Value>,
    },
    /// All ignored keys, after a command about them.
    Ignored {
        keys: Vec<IgnoredKey<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tag: Option<&'a Value>,
    },
    Taken {
        id: u32,
        command: Word,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tag: Option<&'a Value>,
    },
    Status {
        id: u32,
        command: Word,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<&'a str>,
        status: &'static str,
        #[serde(rename = "final")]
        is_final: bool,
    },
    Rejected {
        reason: &'static str,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        tag: Option<&'a Value>,
    },
    Refused {
        reason: &'static str,
        message: String,
        /// Seconds since 1970, UTC.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u32>,
    },
    ServerKeyChanged {
        key: String,
    },
    ForeignVersion {
        version: u8,
    },
    Table {
        clients: Vec<Entry<'a>>,
        /// Seconds since the silent server was heard last.
        #[serde(skip_serializing_if = "Option::is_none")]
        age_s: Option<u64>,
    },
    Help {
        lines: &'a [&'a str],
    },
    End {
        exit_code: u8,
    },
}

/// One row of the table.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) address: String,
    pub(super) online: bool,
    pub(super) foreign_key: bool,
    pub(super) verified: bool,
    /// There only if the name is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ignored: Option<bool>,
}

/// An ignored key, and the name that it had when it was ignored.
#[derive(Debug, Serialize)]
pub(super) struct IgnoredKey<'a> {
    pub(super) name: &'a str,
    pub(super) key: String,
}

/// Returns the objects for an event and for the command that it settles: none, one or two.
pub(super) fn events<'a>(
    event: &ClientEvent<'a>,
    settled: Option<&'a (CommandId, Open)>,
) -> impl Iterator<Item = Event<'a>> {
    let happened = match *event {
        ClientEvent::Registered => Some(Event::Registered),
        ClientEvent::TableUpdated => Some(Event::TableUpdated),
        ClientEvent::KeptMessages => Some(Event::KeptMessages),
        ClientEvent::Message { .. } => message(event),
        ClientEvent::NotShown {
            from,
            channel,
            reason,
            ..
        } => Some(Event::NotShown {
            from,
            foreign_key: reason == NotShownReason::ForeignKey,
            channel,
            reason: not_shown(reason),
        }),
        ClientEvent::ChannelDropped { count, .. } => Some(Event::ChannelDropped { count }),
        ClientEvent::KeptDelivered { to, count } => Some(Event::KeptDelivered { to, count }),
        ClientEvent::Throttled => Some(Event::Throttled),
        ClientEvent::ServerSilent => Some(Event::ServerSilent),
        ClientEvent::ServerBack => Some(Event::ServerBack),
        ClientEvent::Refused { reason } => Some(Event::Refused {
            reason: refusal(reason),
            message: reason.to_string(),
            until: end_of_ban(reason),
        }),
        ClientEvent::ServerKeyChanged { key } => Some(Event::ServerKeyChanged {
            key: key.to_string(),
        }),
        ClientEvent::ForeignVersion { version } => Some(Event::ForeignVersion { version }),
        ClientEvent::MessageStatus { id, to, status } if !status.is_final() => {
            Some(Event::Status {
                id: id.number(),
                command: Word::Send,
                to: Some(to),
                status: message_status(status),
                is_final: false,
            })
        }
        _ => None,
    };
    let outcome = settled.map(|(id, open)| Event::Status {
        id: id.number(),
        command: Word::of_kind(open.kind),
        to: open.to.as_deref(),
        status: outcome(event),
        is_final: true,
    });
    happened.into_iter().chain(outcome)
}

/// Returns the object for a message of a client, or an announcement of the server.
fn message<'a>(event: &ClientEvent<'a>) -> Option<Event<'a>> {
    let ClientEvent::Message {
        from,
        id,
        text,
        channel,
        kept_at,
        sent_at,
        ..
    } = *event
    else {
        return None;
    };
    let message_id = format!("{:016x}-{}", id.incarnation, id.counter);
    let kept_at = kept_at.map(|at| at.0);
    Some(if from.is_empty() && channel {
        Event::Announcement {
            message_id,
            text,
            kept_at,
        }
    } else {
        Event::Message {
            from,
            message_id,
            text,
            channel,
            kept_at,
            sent_at: sent_at.map(|at| at.0),
        }
    })
}

/// Returns the outcome of the command that the event settles.
fn outcome(event: &ClientEvent<'_>) -> &'static str {
    match *event {
        ClientEvent::MessageStatus { status, .. } => message_status(status),
        ClientEvent::Posted { .. } => "posted",
        ClientEvent::NotPosted {
            store_failed: true, ..
        } => "not_stored",
        ClientEvent::NotPosted { .. } => "channel_full",
        ClientEvent::Muted { .. } => "muted",
        ClientEvent::ServerNotResponding { .. } => "server_not_responding",
        ClientEvent::Offline { .. } => "offline",
        ClientEvent::Deregistered { .. } => "deregistered",
        ClientEvent::TableUpdated => "registered",
        ClientEvent::Refused { .. } => "refused",
        ClientEvent::ServerKeyChanged { .. } => "server_key_changed",
        ClientEvent::ForeignVersion { .. } => "foreign_version",
        _ => "unknown",
    }
}

fn message_status(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::SentToServer => "sent_to_server",
        MessageStatus::Exists => "exists",
        MessageStatus::Delivered => "delivered",
        MessageStatus::Saved => "saved",
        MessageStatus::MailboxFull => "mailbox_full",
        MessageStatus::Muted => "muted",
        MessageStatus::NotStored => "not_stored",
        MessageStatus::NoSuchClient => "no_such_client",
        MessageStatus::NotDelivered => "not_delivered",
        MessageStatus::ForeignKey => "foreign_key",
        MessageStatus::PinsFull => "pins_full",
        _ => "unknown",
    }
}

/// Returns the word for the reason why a message is not shown.
fn not_shown(reason: NotShownReason) -> &'static str {
    match reason {
        NotShownReason::ForeignKey => "foreign_key",
        NotShownReason::Unreadable => "unreadable",
        NotShownReason::PinsFull => "pins_full",
        _ => "unknown",
    }
}

fn end_of_ban(reason: Refusal) -> Option<u32> {
    match reason {
        Refusal::Banned(until) => Some(until.0).filter(|until| *until != 0),
        _ => None,
    }
}

fn refusal(reason: Refusal) -> &'static str {
    match reason {
        Refusal::NameTaken => "name_taken",
        Refusal::Evicted => "displaced",
        Refusal::RoomFull => "room_full",
        Refusal::NotStored => "not_stored",
        Refusal::BadName => "bad_name",
        Refusal::ForeignKey => "foreign_key",
        Refusal::NotAllowed => "not_allowed",
        Refusal::Banned(_) => "banned",
        _ => "unknown",
    }
}

/// Returns why the client rejected a command.
pub(super) fn rejection(error: CommandError) -> &'static str {
    match error {
        CommandError::Busy => "busy",
        CommandError::BadName(_) => "bad_name",
        CommandError::EmptyText => "empty_text",
        CommandError::TextTooLong(_) => "text_too_long",
        CommandError::NotYourName => "not_your_name",
        CommandError::Offline => "offline",
        CommandError::AlreadyRegistered => "already_registered",
        CommandError::TableFull => "table_full",
        CommandError::Ended => "ended",
        CommandError::NumbersUsedUp => "numbers_used_up",
        _ => "unknown",
    }
}

/// Returns the recipient of a private message.
pub(super) fn recipient(command: Command<'_>) -> Option<&str> {
    match command {
        Command::Send { to, .. } => Some(to),
        _ => None,
    }
}
