//! The events and refusals of a client, for the trace and for tests.

use chatapp_core::{ClientEvent, CommandError, MessageStatus, Request};

use crate::trace::Kind;

pub(crate) fn refusal_kind(error: CommandError) -> Kind {
    match error {
        CommandError::Busy => Kind::Busy,
        CommandError::Offline => Kind::CommandOffline,
        CommandError::AlreadyRegistered => Kind::Repetitious,
        CommandError::TableFull => Kind::NoRoomInTable,
        _ => Kind::Invalid,
    }
}

/// Returns the kind of an event.
pub(crate) fn kind_of(event: &ClientEvent<'_>) -> Kind {
    match event {
        ClientEvent::Registered => Kind::Registered,
        ClientEvent::TableUpdated => Kind::TableUpdated,
        ClientEvent::KeptMessages => Kind::KeptMessages,
        ClientEvent::Message {
            channel, kept_at, ..
        } => match (channel, kept_at) {
            (false, None) => Kind::Direct,
            (true, None) => Kind::Channel,
            (false, Some(_)) => Kind::KeptDirect,
            (true, Some(_)) => Kind::KeptChannel,
        },
        ClientEvent::ChannelDropped { .. } => Kind::ChannelDropped,
        ClientEvent::Throttled => Kind::Throttled,
        ClientEvent::ServerSilent => Kind::ServerSilent,
        ClientEvent::ServerBack => Kind::ServerBack,
        ClientEvent::Posted { .. } => Kind::Posted,
        ClientEvent::NotPosted { .. } => Kind::NotPosted,
        ClientEvent::Muted { .. } => Kind::Muted,
        ClientEvent::MessageStatus { status, .. } => match status {
            MessageStatus::SentToServer => Kind::SentToServer,
            MessageStatus::Exists => Kind::Exists,
            MessageStatus::Delivered => Kind::Delivered,
            MessageStatus::Saved => Kind::Saved,
            MessageStatus::MailboxFull => Kind::MailboxFull,
            MessageStatus::NotStored => Kind::NotStored,
            MessageStatus::NoSuchClient => Kind::NoSuchClient,
            MessageStatus::Muted => Kind::Muted,
            MessageStatus::ForeignKey => Kind::ForeignKey,
            MessageStatus::PinsFull => Kind::PinsFull,
            _ => Kind::NotDelivered,
        },
        ClientEvent::ServerNotResponding { request, .. } => match request {
            Request::Register => Kind::RegisterUnanswered,
            Request::Deregister => Kind::DeregisterUnanswered,
            Request::SendAll => Kind::PostUnanswered,
        },
        ClientEvent::Offline { .. } => Kind::Offline,
        ClientEvent::Deregistered { .. } => Kind::Deregistered,
        ClientEvent::NotShown { .. } => Kind::NotShown,
        ClientEvent::KeptDelivered { .. } => Kind::KeptDelivered,
        ClientEvent::ServerKeyChanged { .. } => Kind::ServerKeyChanged,
        _ => Kind::Refused,
    }
}

/// Describes an event for tests.
pub(crate) fn describe(event: &ClientEvent<'_>) -> String {
    match event {
        ClientEvent::Message {
            from,
            text,
            channel,
            kept_at,
            sent_at,
            ..
        } => {
            let kept = if kept_at.is_some() { "kept " } else { "" };
            let other_time = if sent_at.is_some() { "other time " } else { "" };
            let channel = if *channel { "channel " } else { "" };
            format!("{kept}{other_time}{channel}{from}: {text}")
        }
        ClientEvent::MessageStatus { to, status, .. } => format!("{status:?} {to}"),
        ClientEvent::ServerNotResponding { request, .. } => {
            format!("ServerNotResponding {request:?}")
        }
        ClientEvent::ChannelDropped { count, .. } => format!("ChannelDropped {count}"),
        ClientEvent::KeptDelivered { to, count } => format!("KeptDelivered {count} {to}"),
        ClientEvent::Throttled => "Throttled".into(),
        ClientEvent::NotShown {
            from,
            channel,
            reason,
            ..
        } => {
            let channel = if *channel { "channel " } else { "" };
            format!("NotShown {channel}{from}: {reason:?}")
        }
        ClientEvent::Refused { reason } => format!("Refused {reason:?}"),
        other => format!("{other:?}")
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}
