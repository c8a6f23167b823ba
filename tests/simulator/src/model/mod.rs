//! The reference model: the requests of clients, their events, and the consequences. It has maps
//! and lists of what a person in the room sees, and no knowledge of the protocol.

mod announcements;
mod finals;
mod ignored;
mod ignoring;
mod late;
mod orders;
mod promises;
mod restrictions;
mod shown;
mod tenure;
mod trust;
mod withdrawals;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chatapp_core::{
    ClientEvent, CommandId, MessageStatus, NotShownReason, PublicKey, RateLimits, Request,
};

use self::ignored::Ignored;
use self::restrictions::{Announcement, Orders, Withdrawal};
use self::tenure::{Tenure, Trust, Withheld};

pub use crate::numbers::{MessageId, NameId, ProcessId};

use crate::plan::{Plan, Sizes};
use crate::queue::Millis;
use crate::times::wall_clock;
use crate::violation::{Check, Violation};

/// Everything that is known from outside about one run.
pub struct Model {
    names: Vec<String>,
    limits: Limits,
    lives: Vec<Life>,
    messages: Vec<Message>,
    /// Number of times that the server lost its memory.
    memory: u32,
    /// Whether the server lies: clients may get untrue events.
    server_lies: bool,
    /// Number of starts of the server.
    server_starts: u32,
    /// Names whose process was told that it is registered, with the memory of the server at that
    /// time.
    registered_in: BTreeMap<NameId, u32>,
    /// The keys of each name on the server, one after the other.
    tenures: BTreeMap<NameId, Vec<Tenure>>,
    /// The keys that processes with a memory expect of each name.
    folders: BTreeMap<NameId, Trust>,
    /// The orders of the operator.
    orders: Orders,
    announcements: Vec<Announcement>,
    /// The keys that people have ignored.
    ignored: Ignored,
    /// Messages that were not sent for want of a pin. A client reports its pins after the event:
    /// until then, they are not checked.
    pins_full: Vec<MessageId>,
}

/// Limits and faults of the plan that excuse some effects.
struct Limits {
    roomy: bool,
    store_fails: bool,
    names_fit: bool,
    /// The server limits rates.
    throttles: bool,
    /// Whether recipients may forget which messages they showed: the memory for that is smaller
    /// than the number of messages that can be repeated.
    forgetful_dedup: bool,
    /// Whether a name that is new in the room gets earlier channel messages.
    gives_recent: bool,
    /// Names whose keys a client can pin.
    pins: usize,
    attacked: bool,
    /// The longest delay of a datagram, in ms.
    longest_delay: Millis,
}

/// A process, running or ended.
struct Life {
    name: NameId,
    key: PublicKey,
    /// The keys that it expects of each name.
    trust: Trust,
    /// Messages that it got and did not show, by sender and reason.
    withheld: BTreeMap<(String, NotShownReason), Withheld>,
    /// Senders whose channel messages it does not show.
    silenced: BTreeSet<String>,
    /// Whether it has the memory of the processes before it, and adds to that.
    remembers: bool,
    /// Whether the name belongs to another client.
    thief: bool,
    started: Millis,
    ended: Option<Millis>,
    /// Time of the last request to deregister that succeeded.
    left: Option<Millis>,
    commands: BTreeMap<u32, Asked>,
    registering: Option<u32>,
    /// Whether it was told that its first registration was accepted.
    welcomed: bool,
    numbered: u32,
    /// Whether stored messages were announced, and none has followed yet.
    greeted: bool,
    ever_greeted: bool,
    /// The last message shown of each name, direct and channel.
    last_shown: BTreeMap<(NameId, bool), MessageId>,
    /// Number of channel messages that were announced as dropped.
    dropped: u32,
    /// Whether it was told that the server is silent, and not yet that it is back.
    server_is_silent: bool,
    /// Number of stored messages that were reported as delivered later, by recipient.
    delivered_late: BTreeMap<String, u32>,
}

/// A command that the client took.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Millis,
    what: What,
    /// The memory of the server when the command was given.
    memory: u32,
    settled: bool,
}

/// The request of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A registration.
    Register,
    /// A deregistration.
    Deregister,
    /// The sending of this message.
    Message(MessageId),
}

/// The recipient of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One name.
    Name(NameId),
    /// A name that no client has.
    Nobody,
    /// All names that the server knows.
    Channel,
}

/// A message that a process was asked to send.
struct Message {
    process: ProcessId,
    /// Its place among the messages of its process.
    number: u32,
    target: Target,
    text: String,
    at: Millis,
    /// The memory of the server when it was sent.
    memory: u32,
    /// Number of starts of the server when it was sent.
    server_starts: u32,
    /// Names that the server knew, other than the sender's.
    recipients: Vec<NameId>,
    /// Names that were forgotten since.
    forgotten: Vec<NameId>,
    outcome: Option<(Outcome, Millis)>,
    withdrawal: Withdrawal,
    showings: Vec<Showing>,
}

/// The final event of a message at its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Delivered,
    Saved,
    Posted,
    NotPosted,
    ForeignKey,
    PinsFull,
    Other,
}

/// A message that a process has shown.
struct Showing {
    process: ProcessId,
    at: Millis,
    /// Whether it certainly came through the server.
    by_server: bool,
}

impl Model {
    /// Creates a model of a run that has not begun.
    pub fn new(plan: &Plan, names: Vec<String>) -> Self {
        let straggles = plan.network.straggle != 0;
        Self {
            names,
            limits: Limits {
                roomy: plan.is_roomy(),
                store_fails: plan.store.fail != 0,
                names_fit: plan.names_fit(),
                throttles: plan.sizes.rates != RateLimits::NONE,
                forgetful_dedup: plan.sizes.dedup < Sizes::ROOMY.dedup,
                gives_recent: plan.sizes.recent != 0,
                pins: plan.sizes.pins,
                attacked: plan.network.attack != 0,
                longest_delay: if straggles {
                    plan.network.slow
                } else {
                    plan.network.delay
                },
            },
            lives: Vec::new(),
            messages: Vec::new(),
            memory: 0,
            server_lies: false,
            server_starts: 0,
            registered_in: BTreeMap::new(),
            tenures: BTreeMap::new(),
            folders: BTreeMap::new(),
            orders: Orders::default(),
            announcements: Vec::new(),
            ignored: Ignored::default(),
            pins_full: Vec::new(),
        }
    }

    /// Notes the start of a process under a name. If it `remembers`, it knows the shown messages
    /// and the keys of the processes before it.
    pub fn started(
        &mut self,
        name: NameId,
        key: PublicKey,
        remembers: bool,
        thief: bool,
        at: Millis,
    ) -> ProcessId {
        self.ignored.started(self.lives.len(), name, remembers);
        let folder = self.folders.get(&name).filter(|_| remembers);
        self.lives.push(Life {
            name,
            key,
            trust: folder.cloned().unwrap_or_default(),
            withheld: BTreeMap::new(),
            silenced: BTreeSet::new(),
            remembers,
            thief,
            started: at,
            ended: None,
            left: None,
            commands: BTreeMap::new(),
            registering: None,
            welcomed: false,
            numbered: 0,
            greeted: false,
            ever_greeted: false,
            last_shown: BTreeMap::new(),
            dropped: 0,
            server_is_silent: false,
            delivered_late: BTreeMap::new(),
        });
        self.lives.len() - 1
    }

    /// Notes the end of a process.
    pub fn ended(&mut self, process: ProcessId, at: Millis) {
        self.lives[process].ended = Some(at);
    }

    /// Returns the text of the next message, which begins with its number.
    pub fn next_text(&self, filler: &str) -> String {
        format!("#{}{filler}", self.messages.len())
    }

    /// Notes a message that was accepted for sending, while the server knew these names.
    pub fn wrote(
        &mut self,
        process: ProcessId,
        target: Target,
        text: String,
        at: Millis,
        known: &[NameId],
    ) -> MessageId {
        let life = &mut self.lives[process];
        life.numbered += 1;
        let own = life.name;
        let meant = |name: &NameId| match target {
            Target::Channel => *name != own,
            Target::Name(one) => *name == one,
            Target::Nobody => false,
        };
        self.messages.push(Message {
            process,
            number: life.numbered,
            target,
            text,
            at,
            memory: self.memory,
            server_starts: self.server_starts,
            recipients: known.iter().copied().filter(meant).collect(),
            forgotten: Vec::new(),
            outcome: None,
            withdrawal: Withdrawal::None,
            showings: Vec::new(),
        });
        self.messages.len() - 1
    }

    /// Notes a command that a process took.
    ///
    /// # Errors
    /// If the number of the command is not new.
    pub fn asked(
        &mut self,
        process: ProcessId,
        id: CommandId,
        what: What,
        at: Millis,
    ) -> Result<(), Violation> {
        let life = &mut self.lives[process];
        if what == What::Register {
            life.registering = Some(id.number());
        }
        match life.commands.insert(
            id.number(),
            Asked {
                at,
                what,
                memory: self.memory,
                settled: false,
            },
        ) {
            None => Ok(()),
            Some(_) => Err(Violation::new(
                Check::OneFinalEvent,
                format!("command {id} is not a new number"),
            )),
        }
    }

    /// Checks an event that a process took to show.
    ///
    /// # Errors
    /// If the event violates a property.
    pub fn saw(
        &mut self,
        process: ProcessId,
        event: &ClientEvent<'_>,
        at: Millis,
    ) -> Result<(), Violation> {
        match *event {
            ClientEvent::Message {
                from: "",
                text,
                channel: true,
                kept_at,
                ..
            } => self.shown_announcement(process, text, kept_at, at),
            ClientEvent::Message {
                from,
                text,
                channel,
                kept_at,
                ..
            } => self.shown(process, from, text, channel, kept_at, at),
            ClientEvent::KeptMessages => self.greeted(process),
            ClientEvent::ChannelDropped { count, .. } => self.dropped(process, count),
            ClientEvent::TableUpdated => self.registered(process),
            ClientEvent::Registered => self.welcomed(process),
            ClientEvent::NotShown {
                from,
                channel: true,
                ..
            } => self.silenced(process, from),
            ClientEvent::NotShown { from, reason, .. } => self.not_shown(process, from, reason),
            ClientEvent::ServerKeyChanged { .. } => self.server_key_changed(process),
            ClientEvent::Refused { reason } => self.refused(process, reason, at),
            ClientEvent::ForeignVersion { version } => Err(Violation::new(
                Check::RefusalIsTrue,
                format!(
                    "{} was told of version {version}, which no process speaks",
                    self.label(process)
                ),
            )),
            ClientEvent::KeptDelivered { to, count } => self.kept_delivered(process, to, count),
            ClientEvent::Throttled => self.throttled(process),
            ClientEvent::ServerSilent => self.server_silence(process, true),
            ClientEvent::ServerBack => self.server_silence(process, false),
            _ => self.settled(process, event, at),
        }
    }

    /// Notes that the server lies from now on.
    pub fn server_lies(&mut self) {
        self.server_lies = true;
    }

    /// Notes that the server lost its memory.
    pub fn server_forgot(&mut self) {
        self.memory += 1;
        self.orders.forget();
    }

    fn label(&self, process: ProcessId) -> String {
        format!("{}/{process}", self.names[self.lives[process].name])
    }

    fn describe(&self, id: MessageId) -> String {
        let message = &self.messages[id];
        let to = match message.target {
            Target::Name(name) => self.names[name].as_str(),
            Target::Nobody => "nobody",
            Target::Channel => "the channel",
        };
        format!(
            "#{id} (number {} of {} to {to})",
            message.number,
            self.label(message.process)
        )
    }

    /// Returns the name of a process.
    fn name_of(&self, process: ProcessId) -> NameId {
        self.lives[process].name
    }
}

/// Returns the times of the wall clock for an event in this span.
fn stamps(span: RangeInclusive<Millis>) -> RangeInclusive<u32> {
    wall_clock(*span.start()).0..=wall_clock(*span.end()).0
}

/// Returns the outcome that a final status reports.
fn outcome_of(event: &ClientEvent<'_>) -> Outcome {
    match event {
        ClientEvent::MessageStatus {
            status: MessageStatus::Delivered,
            ..
        } => Outcome::Delivered,
        ClientEvent::MessageStatus {
            status: MessageStatus::Saved,
            ..
        } => Outcome::Saved,
        ClientEvent::MessageStatus {
            status: MessageStatus::ForeignKey,
            ..
        } => Outcome::ForeignKey,
        ClientEvent::MessageStatus {
            status: MessageStatus::PinsFull,
            ..
        } => Outcome::PinsFull,
        ClientEvent::Posted { .. } => Outcome::Posted,
        ClientEvent::NotPosted { .. } => Outcome::NotPosted,
        _ => Outcome::Other,
    }
}

/// Returns whether an event answers this request.
fn answers(event: &ClientEvent<'_>, what: What, message: Option<&Message>) -> bool {
    let channel = message.is_some_and(|message| message.target == Target::Channel);
    match event {
        ClientEvent::Posted { .. } | ClientEvent::NotPosted { .. } | ClientEvent::Muted { .. } => {
            channel
        }
        ClientEvent::MessageStatus { .. } => message.is_some() && !channel,
        ClientEvent::Deregistered { .. } => what == What::Deregister,
        ClientEvent::ServerNotResponding { request, .. } => match request {
            Request::Register => what == What::Register,
            Request::Deregister => what == What::Deregister,
            Request::SendAll => channel,
        },
        ClientEvent::Offline { .. } => true,
        _ => false,
    }
}
