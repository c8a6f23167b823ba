//! The notices of a command, and their order.

use super::command::CommandId;
use super::event::{ClientEvent, MessageStatus, Request};
use crate::name::Name;

/// The result of a command. No tag is zero, so that "not yet" is all zero bits and takes no room in
/// an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Final {
    Message(MessageStatus) = 1,
    /// A message to the client itself: it is shown, then delivered.
    ToSelf,
    Posted,
    NotPosted {
        store_failed: bool,
    },
    #[cfg(feature = "moderation")]
    Muted,
    Silent(Request),
    Offline,
    Deregistered,
}

impl Final {
    /// Builds the event for a command with this id and recipient.
    pub(super) fn event(self, id: CommandId, to: &Name) -> ClientEvent<'_> {
        let message = |status| ClientEvent::MessageStatus {
            id,
            to: to.as_str(),
            status,
        };
        match self {
            Self::Message(status) => message(status),
            Self::ToSelf => message(MessageStatus::Delivered),
            Self::Posted => ClientEvent::Posted { id },
            Self::NotPosted { store_failed } => ClientEvent::NotPosted { id, store_failed },
            #[cfg(feature = "moderation")]
            Self::Muted => ClientEvent::Muted { id },
            Self::Silent(request) => ClientEvent::ServerNotResponding { id, request },
            Self::Offline => ClientEvent::Offline { id },
            Self::Deregistered => ClientEvent::Deregistered { id },
        }
    }
}

/// A notice of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// A message to the client itself is shown.
    Show,
    Status(MessageStatus),
    Final(Final),
}

/// The notices of one command that were not reported yet.
#[derive(Clone, Debug)]
pub(super) struct Notices {
    sent_to_server: bool,
    exists: bool,
    settled: Option<Final>,
}

impl Notices {
    /// No notices; all zero bits.
    pub(super) const NONE: Self = Self {
        sent_to_server: false,
        exists: false,
        settled: None,
    };

    /// Returns whether there is no notice.
    pub(super) fn is_empty(&self) -> bool {
        !self.sent_to_server && !self.exists && self.settled.is_none()
    }

    /// Returns whether the command has ended and its result was not reported yet.
    pub(super) fn is_settled(&self) -> bool {
        self.settled.is_some()
    }

    /// Adds the notice that a message went to the server.
    pub(super) fn sent_to_server(&mut self) {
        self.sent_to_server = true;
    }

    /// Adds the notice that the recipient is online, and the message is sent again.
    pub(super) fn exists(&mut self) {
        self.exists = true;
    }

    /// Adds the result of the command.
    pub(super) fn settle(&mut self, result: Final) {
        self.settled = Some(result);
    }

    /// Takes the next notice.
    pub(super) fn take(&mut self) -> Option<Notice> {
        if matches!(self.settled, Some(Final::ToSelf)) {
            self.settled = Some(Final::Message(MessageStatus::Delivered));
            return Some(Notice::Show);
        }
        if core::mem::take(&mut self.sent_to_server) {
            return Some(Notice::Status(MessageStatus::SentToServer));
        }
        if core::mem::take(&mut self.exists) {
            return Some(Notice::Status(MessageStatus::Exists));
        }
        self.settled.take().map(Notice::Final)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_progress_before_end() {
        let mut notices = Notices::NONE;
        assert_eq!(notices.take(), None);
        let saved = Final::Message(MessageStatus::Saved);
        notices.settle(saved);
        notices.exists();
        notices.sent_to_server();
        let taken = [(); 4].map(|()| notices.take());
        let expected = [
            Some(Notice::Status(MessageStatus::SentToServer)),
            Some(Notice::Status(MessageStatus::Exists)),
            Some(Notice::Final(saved)),
            None,
        ];
        assert_eq!(taken, expected);
        assert!(notices.is_empty());
    }

    #[test]
    fn shows_message_to_self_before_delivered() {
        let mut notices = Notices::NONE;
        notices.settle(Final::ToSelf);
        assert_eq!(notices.take(), Some(Notice::Show));
        let delivered = Final::Message(MessageStatus::Delivered);
        assert_eq!(notices.take(), Some(Notice::Final(delivered)));
        assert!(notices.is_empty());
    }
}
