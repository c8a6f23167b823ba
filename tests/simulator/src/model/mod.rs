//! The reference model: who asked for what, who was told what, and what must follow. Only maps and
//! lists, filled by what a person in the room sees; it knows nothing of the protocol.

mod finals;
mod promises;
mod shown;
mod tenure;
mod trust;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chatapp_core::{ClientEvent, CommandId, MessageStatus, PublicKey, RateLimits, Request};

use self::tenure::{Tenure, Trust, Withheld};

pub use crate::numbers::{MessageId, NameId, ProcessId};

use crate::plan::{Plan, Sizes};
use crate::queue::Millis;
use crate::times::wall_clock;
use crate::violation::{Check, Violation};

/// All that is known from outside about one run.
pub struct Model {
    names: Vec<String>,
    limits: Limits,
    lives: Vec<Life>,
    messages: Vec<Message>,
    /// How often the server lost its memory.
    memory: u32,
    /// The server says what is not true: people may be told so.
    server_lies: bool,
    /// How often the server was started.
    server_starts: u32,
    /// Names whose process was told that it is registered, and by which memory.
    registered_in: BTreeMap<NameId, u32>,
    /// Which keys each name had on the server, one after the other.
    tenures: BTreeMap<NameId, Vec<Tenure>>,
    /// The keys that processes with a memory expect of each name.
    folders: BTreeMap<NameId, Trust>,
}

/// Which excuses the plan gives.
struct Limits {
    roomy: bool,
    store_fails: bool,
    names_fit: bool,
    /// The server limits rates.
    throttles: bool,
    /// Recipients may have to forget what they showed: the memory for it is smaller than what can
    /// be repeated.
    forgetful_dedup: bool,
    /// Tables may have no room for all of the room, and keys are forgotten with their names.
    forgets_keys: bool,
    attacked: bool,
    /// Longest time that a datagram is under way.
    longest_delay: Millis,
}

/// A process.
struct Life {
    name: NameId,
    key: PublicKey,
    /// The keys that it expects of each name.
    trust: Trust,
    /// Messages that it was given and did not show, by sender, and whether because of the sender's
    /// key.
    withheld: BTreeMap<(String, bool), Withheld>,
    /// It has what those before it remembered, and its own showings are remembered.
    remembers: bool,
    /// The name belongs to another client.
    thief: bool,
    started: Millis,
    ended: Option<Millis>,
    /// When it was asked to deregister the last time that it did.
    left: Option<Millis>,
    commands: BTreeMap<u32, Asked>,
    registering: Option<u32>,
    /// It was told that its first registration was accepted.
    welcomed: bool,
    numbered: u32,
    /// Times it was told that kept messages follow, and none has followed yet.
    greeted: bool,
    ever_greeted: bool,
    /// The last message shown from each name, direct and channel.
    last_shown: BTreeMap<(NameId, bool), MessageId>,
    /// Channel messages that were announced as dropped.
    dropped: u32,
}

/// A command that was taken.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Millis,
    what: What,
    /// Which memory of the server it was given to.
    memory: u32,
    settled: bool,
}

/// The request of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// To register.
    Register,
    /// To deregister.
    Deregister,
    /// To send this message.
    Message(MessageId),
}

/// The recipient of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One name.
    Name(NameId),
    /// A name that nobody has.
    Nobody,
    /// All names that were known.
    Channel,
}

/// A message that a process was asked to send.
struct Message {
    process: ProcessId,
    /// Place among the messages of its process.
    number: u32,
    target: Target,
    text: String,
    at: Millis,
    /// Which memory of the server it was sent to.
    memory: u32,
    /// How often the server had been started then.
    server_starts: u32,
    /// Names that the server knew, other than the sender's.
    recipients: Vec<NameId>,
    /// Names that were forgotten since.
    forgotten: Vec<NameId>,
    outcome: Option<(Outcome, Millis)>,
    showings: Vec<Showing>,
}

/// The final event at the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Delivered,
    Saved,
    Posted,
    NotPosted,
    ForeignKey,
    Other,
}

/// A message that a process showed.
struct Showing {
    process: ProcessId,
    at: Millis,
    /// It came through the server for certain.
    by_server: bool,
}

impl Model {
    /// Nothing has happened yet.
    pub fn new(plan: &Plan, names: Vec<String>) -> Self {
        let straggles = plan.network.straggle != 0;
        Self {
            names,
            limits: Limits {
                roomy: plan.is_roomy(),
                store_fails: plan.store.fail != 0,
                names_fit: plan.sizes.names >= plan.clients,
                throttles: plan.sizes.rates != RateLimits::NONE,
                forgetful_dedup: plan.sizes.dedup < Sizes::ROOMY.dedup,
                // One more is for a name that nobody has.
                forgets_keys: plan.sizes.peers <= plan.clients,
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
        }
    }

    /// A process was started under a name; it may remember what those before it have shown, and
    /// whose keys are whose.
    pub fn started(
        &mut self,
        name: NameId,
        key: PublicKey,
        remembers: bool,
        thief: bool,
        at: Millis,
    ) -> ProcessId {
        let folder = self.folders.get(&name).filter(|_| remembers);
        self.lives.push(Life {
            name,
            key,
            trust: folder.cloned().unwrap_or_default(),
            withheld: BTreeMap::new(),
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
        });
        self.lives.len() - 1
    }

    /// A process ended, in whatever way.
    pub fn ended(&mut self, process: ProcessId, at: Millis) {
        self.lives[process].ended = Some(at);
    }

    /// The text of the next message: its number tells it from all others.
    pub fn next_text(&self, filler: &str) -> String {
        format!("#{}{filler}", self.messages.len())
    }

    /// A message was accepted for sending, while the server knew these names.
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
            showings: Vec::new(),
        });
        self.messages.len() - 1
    }

    /// A process took a command.
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

    /// A process took an event to show it.
    ///
    /// # Errors
    /// If the event breaks a promise.
    pub fn saw(
        &mut self,
        process: ProcessId,
        event: &ClientEvent<'_>,
        at: Millis,
    ) -> Result<(), Violation> {
        match *event {
            ClientEvent::Message {
                from,
                text,
                channel,
                kept_at,
                ..
            } => self.shown(process, from, text, channel, kept_at, at),
            ClientEvent::KeptMessages => self.greeted(process),
            ClientEvent::ChannelDropped { count } => self.dropped(process, count),
            ClientEvent::TableUpdated => self.registered(process),
            ClientEvent::Registered => self.welcomed(process),
            ClientEvent::NotShown { from, foreign_key } => {
                self.not_shown(process, from, foreign_key)
            }
            ClientEvent::ServerKeyChanged { .. } => self.server_key_changed(process),
            ClientEvent::Refused { reason } => self.refused(process, reason, at),
            ClientEvent::ForeignVersion { version } => Err(Violation::new(
                Check::RefusalIsTrue,
                format!(
                    "{} was told of version {version}, which nobody speaks",
                    self.who(process)
                ),
            )),
            ClientEvent::Throttled => self.throttled(process),
            _ => self.settled(process, event, at),
        }
    }

    /// The server will not tell the truth any more.
    pub fn server_lies(&mut self) {
        self.server_lies = true;
    }

    /// The server lost its memory.
    pub fn server_forgot(&mut self) {
        self.memory += 1;
    }

    fn who(&self, process: ProcessId) -> String {
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
            self.who(message.process)
        )
    }

    /// The names that this process or any other of its name has.
    fn name_of(&self, process: ProcessId) -> NameId {
        self.lives[process].name
    }
}

/// The times that a wall clock may show for something that happened in this span.
fn stamps(span: RangeInclusive<Millis>) -> RangeInclusive<u32> {
    wall_clock(*span.start()).0..=wall_clock(*span.end()).0
}

/// The outcome that a final status reports.
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
        ClientEvent::Posted { .. } => Outcome::Posted,
        ClientEvent::NotPosted { .. } => Outcome::NotPosted,
        _ => Outcome::Other,
    }
}

/// Whether an event answers what was asked.
fn answers(event: &ClientEvent<'_>, what: What, message: Option<&Message>) -> bool {
    let channel = message.is_some_and(|message| message.target == Target::Channel);
    match event {
        ClientEvent::Posted { .. } | ClientEvent::NotPosted { .. } => channel,
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
