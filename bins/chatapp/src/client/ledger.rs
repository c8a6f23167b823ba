//! Commands whose outcome is pending.

use std::collections::BTreeMap;

use chatapp_core::{ClientEvent, Command, CommandId, Instant, MessageStatus, Request};

/// Time that a command may be pending before the client reports it. The first retransmission is on
/// its way by then.
const PATIENCE_MS: u64 = 1_000;

/// Kinds of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Send,
    SendAll,
    Register,
    Deregister,
}

/// A pending command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) kind: Kind,
    /// Recipient, if it is a private message.
    pub(super) to: Option<String>,
    since: Instant,
}

/// Commands that have been pending for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    ForServer,
    For(String),
    ForMany(usize),
}

/// All pending commands, and whether a message failed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<CommandId, Open>,
    /// How many pending commands were reported, if they were.
    announced: Option<usize>,
    has_failed: bool,
}

impl Ledger {
    /// Enters an accepted command.
    pub(super) fn enter(&mut self, id: CommandId, command: Command<'_>, now: Instant) {
        let (kind, to) = match command {
            Command::Send { to, .. } => (Kind::Send, Some(to.into())),
            Command::SendAll { .. } => (Kind::SendAll, None),
            Command::Register { .. } => (Kind::Register, None),
            Command::Deregister { .. } => (Kind::Deregister, None),
        };
        let since = now;
        self.open.insert(id, Open { kind, to, since });
    }

    /// Notes that the client rejected a command.
    pub(super) fn reject(&mut self, command: Command<'_>) {
        self.has_failed |= matches!(command, Command::Send { .. } | Command::SendAll { .. });
    }

    /// Notes a line that is no valid command: it may have been meant to send a message.
    pub(super) fn reject_line(&mut self) {
        self.has_failed = true;
    }

    /// Notes an event. Returns the command that it settles, with its number.
    pub(super) fn note(&mut self, event: &ClientEvent<'_>) -> Option<(CommandId, Open)> {
        self.has_failed |= is_failure(event);
        let id = event.settles().or_else(|| match event {
            // A registration has no event of its own that settles it.
            ClientEvent::TableUpdated
            | ClientEvent::Refused { .. }
            | ClientEvent::ServerKeyChanged { .. }
            | ClientEvent::ForeignVersion { .. } => self.registration(),
            _ => None,
        })?;
        self.open.remove(&id).map(|open| (id, open))
    }

    /// Returns whether a registration is pending.
    pub(super) fn is_registering(&self) -> bool {
        self.registration().is_some()
    }

    fn registration(&self) -> Option<CommandId> {
        self.open
            .iter()
            .find(|(_, open)| open.kind == Kind::Register)
            .map(|(id, _)| *id)
    }

    /// Returns whether a message failed: it was neither delivered nor stored for its recipient.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Returns when the pending commands are due to be reported.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.announced.is_some() {
            return None;
        }
        let oldest = self.open.values().map(|open| open.since).min()?;
        Some(oldest.plus_millis(PATIENCE_MS))
    }

    /// Returns the commands that have been pending for long: once, until all of them are settled.
    pub(super) fn announce(&mut self, now: Instant) -> Option<Waiting> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.announced = Some(self.open.len());
        let mut all = self.open.values();
        let first = all.next()?;
        Some(match (all.next(), &first.to) {
            (Some(_), _) => Waiting::ForMany(self.open.len()),
            (None, Some(to)) => Waiting::For(to.clone()),
            (None, None) => Waiting::ForServer,
        })
    }

    /// Returns true once when all reported commands are settled, if there were several.
    pub(super) fn is_over(&mut self) -> bool {
        self.open.is_empty() && self.announced.take().is_some_and(|count| count > 1)
    }
}

/// Returns whether the event reports a failed message.
fn is_failure(event: &ClientEvent<'_>) -> bool {
    match *event {
        ClientEvent::NotPosted { .. } | ClientEvent::Muted { .. } | ClientEvent::Offline { .. } => {
            true
        }
        ClientEvent::ServerNotResponding { request, .. } => request == Request::SendAll,
        ClientEvent::MessageStatus { status, .. } => {
            status.is_final() && !matches!(status, MessageStatus::Delivered | MessageStatus::Saved)
        }
        _ => false,
    }
}
