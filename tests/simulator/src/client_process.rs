//! A client process: a machine, driven as an adapter drives it, and the person that uses it.

use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::{
    ClientEvent, ClientRecord, Command, CommandError, CommandId, Disposition, Endpoint, Flushed,
    Name,
};

use crate::client_words::{describe, kind_of, refusal_kind};
use crate::display::Display;
use crate::event::Node;
use crate::medium::Medium;
use crate::memory::Memory;
use crate::model::{Model, Target, What};
use crate::numbers::{NameId, ProcessId};
use crate::process::{Body, ClientMachine};
use crate::queue::Millis;
use crate::times::wall_clock;
use crate::trace::{Kind, digest};
use crate::violation::{Check, Violation};

/// More datagrams than one poll can need.
const BUDGET: usize = 10_000;

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All outputs were taken.
    Parked,
    /// The process crashed between two outputs.
    Crashed,
    /// The process has ended: it left, or the server refused it.
    Exited,
}

/// Something that a person asks the client to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The command `reg`.
    Register,
    /// The command `dereg`.
    Deregister,
    /// The command `dereg`, after which the process ends.
    Exit,
    /// The command `send` or `send_all`. The text is the number of the message, then this.
    Say(Target, String),
    /// A command that the client refuses.
    Nonsense(Nonsense),
    /// The command `ignore`.
    Ignore(NameId),
    /// The command `unignore`.
    Unignore(NameId),
}

/// A mistake in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonsense {
    /// A message without text.
    Empty,
    /// A message that is one byte too long.
    TooLong,
    /// A registration under another name.
    OtherName,
    /// A recipient that is not a valid name.
    BadName,
}

/// A client process.
pub struct ClientProcess {
    /// The number of the process.
    pub id: ProcessId,
    /// The name of the client.
    pub name: NameId,
    /// The state machine.
    pub machine: ClientMachine,
    /// The environment of the process.
    pub body: Body,
    /// The display.
    pub display: Display,
    /// Requests that the client could not take yet.
    pub waiting: VecDeque<Ask>,
    /// The lines that it has shown.
    pub shown: Vec<String>,
    /// The memory for the next process of this name; one process has it.
    pub memory: Option<Memory>,
    /// Whether it lacks the key of its name.
    pub thief: bool,
    /// Whether another process of its name has the memory.
    pub shares: bool,
    /// Whether it has shown that it left.
    left: bool,
    /// The command after which the process ends.
    exiting: Option<CommandId>,
    gone: bool,
}

impl ClientProcess {
    /// Creates a process that has just started.
    pub fn new(
        id: ProcessId,
        name: NameId,
        machine: ClientMachine,
        address: SocketAddr,
        memory: Option<Memory>,
        thief: bool,
        now: Millis,
    ) -> Self {
        Self {
            id,
            name,
            machine,
            body: Body::new(Node::Client(id), address, now),
            display: Display::new(id, false),
            waiting: VecDeque::new(),
            shown: Vec::new(),
            memory,
            thief,
            shares: false,
            exiting: None,
            gone: false,
            left: false,
        }
    }

    /// Gives a datagram to the machine.
    pub fn take(&mut self, medium: &Medium, from: SocketAddr, bytes: &mut [u8]) -> Disposition {
        let clock = self.body.clock(medium.now);
        self.machine.with(|client| {
            client.handle_wall_clock(wall_clock(medium.now));
            client.handle_datagram(clock, from, bytes)
        })
    }

    /// Tells the machine the time.
    pub fn wake(&mut self, medium: &Medium) {
        let clock = self.body.clock(medium.now);
        self.machine.with(|client| {
            client.handle_wall_clock(wall_clock(medium.now));
            client.handle_timeout(clock);
        });
    }

    /// Returns whether it has shown that it left, since the last call.
    pub fn has_left(&mut self) -> bool {
        std::mem::take(&mut self.left)
    }

    /// Takes all outputs of the machine after an input, and gives it the next requests of the
    /// person.
    ///
    /// # Errors
    /// A violated property.
    pub fn poll(
        &mut self,
        medium: &mut Medium,
        model: &mut Model,
        names: &[String],
        known: &dyn Fn() -> Vec<NameId>,
    ) -> Result<Step, Violation> {
        loop {
            let shown = self.show(medium, model)?;
            if shown == Step::Crashed || self.transmit(medium)? == Step::Crashed {
                return Ok(Step::Crashed);
            }
            if shown == Step::Exited || self.gone {
                return Ok(Step::Exited);
            }
            if !self.give_command(medium, model, names, known)? {
                return Ok(Step::Parked);
            }
        }
    }

    /// Writes the lines that are due: they are shown, remembered, and then acknowledged.
    fn write(&mut self, medium: &Medium, model: &mut Model) -> Result<(), Violation> {
        let clock = self.body.clock(medium.now);
        while let Some(line) = self.display.write(medium.now) {
            let event = line.event();
            if medium.trace.is_readable() {
                self.shown.push(describe(&event));
            }
            model.saw(self.id, &event, medium.now)?;
            let Some(receipt) = event.receipt() else {
                continue;
            };
            if let (Some(memory), Some(record)) = (&mut self.memory, receipt.record()) {
                memory.notes(record, medium.now);
            }
            self.machine
                .with(|client| client.handle_shown(clock, receipt));
        }
        Ok(())
    }

    /// Gives all pending events to the display.
    fn show(&mut self, medium: &mut Medium, model: &mut Model) -> Result<Step, Violation> {
        let mut step = Step::Parked;
        if !self.body.is_dying() {
            self.write(medium, model)?;
            // Keys that come without an event.
            self.remember(medium, model)?;
        }
        while !self.display.is_full() {
            if self.body.is_dying() {
                return Ok(Step::Crashed);
            }
            let Some(ends) = self.take_event(medium, model)? else {
                break;
            };
            if ends {
                step = Step::Exited;
            }
            // One event can come with a key, and be about the room for another one.
            self.remember(medium, model)?;
            self.write(medium, model)?;
            self.remember(medium, model)?;
            model.pins_are_known()?;
            self.body.count_output();
        }
        Ok(step)
    }

    /// Takes the next event. Returns whether the process ends with it, or `None` if there is none.
    fn take_event(
        &mut self,
        medium: &mut Medium,
        model: &mut Model,
    ) -> Result<Option<bool>, Violation> {
        let Self {
            id,
            machine,
            display,
            shown,
            left,
            exiting,
            ..
        } = self;
        machine.with(|client| {
            let Some(event) = client.poll_event() else {
                return Ok(None);
            };
            model.got(*id, &event)?;
            let line = || format!("{event:?}");
            medium.note(
                kind_of(&event),
                &[*id as u64, digest(line().as_bytes())],
                || format!("{}: {}", id, line()),
            );
            *left |= matches!(event, ClientEvent::Deregistered { .. });
            if !display.take(&event, medium.now) {
                if medium.trace.is_readable() {
                    shown.push(describe(&event));
                }
                model.saw(*id, &event, medium.now)?;
            }
            let ends = matches!(
                event,
                ClientEvent::Refused { .. }
                    | ClientEvent::ForeignVersion { .. }
                    | ClientEvent::ServerKeyChanged { .. }
            );
            Ok(Some(
                ends || exiting.is_some_and(|last| ends_exit(&event, last)),
            ))
        })
    }

    /// Remembers keys for the next process of the name, if this process has the memory.
    fn remember(&mut self, medium: &mut Medium, model: &mut Model) -> Result<(), Violation> {
        let Self {
            id,
            machine,
            memory,
            body,
            ..
        } = self;
        let clock = body.clock(medium.now);
        machine.with(|client| {
            while let Some(memory) = memory
                && memory.syncs(medium.now)
            {
                client.handle_medium_keys_stored(clock);
            }
            while let Some(record) = client.poll_persist() {
                if let ClientRecord::PeerKey { name, key } = record {
                    model.trusts(*id, name, key)?;
                }
                if let Some(memory) = memory {
                    let takes = match record {
                        ClientRecord::MediumKeys(_) => medium.sync_time(),
                        _ => 0,
                    };
                    memory.notes(record, medium.now + takes);
                }
            }
            Ok(())
        })
    }

    /// Sends all pending datagrams.
    fn transmit(&mut self, medium: &mut Medium) -> Result<Step, Violation> {
        let Self { machine, body, .. } = self;
        let clock = body.clock(medium.now);
        let mut outgoing = std::mem::take(&mut body.outgoing);
        let flushed = machine.with(|client| {
            medium
                .wiretap
                .learns(std::iter::from_fn(|| client.poll_key_log()));
            outgoing.flush(client, clock, BUDGET, |to, bytes| {
                body.offer(medium, to, bytes)
            })
        });
        body.outgoing = outgoing;
        match flushed {
            Flushed::Budget => Err(Violation::new(
                Check::Contract,
                "a client sends without end",
            )),
            Flushed::Blocked if body.is_dying() => Ok(Step::Crashed),
            _ => Ok(Step::Parked),
        }
    }

    /// Gives the next command. Returns whether the machine has new outputs after it.
    fn give_command(
        &mut self,
        medium: &mut Medium,
        model: &mut Model,
        names: &[String],
        known: &dyn Fn() -> Vec<NameId>,
    ) -> Result<bool, Violation> {
        let Some(ask) = self.waiting.front() else {
            return Ok(false);
        };
        let text = match ask {
            Ask::Say(_, filler) => model.next_text(filler),
            Ask::Nonsense(Nonsense::TooLong) => "x".repeat(chatapp_core::limits::TEXT_LEN_MAX + 1),
            _ => String::new(),
        };
        let Some((kind, command)) = command_for(ask, &names[self.name], names, &text) else {
            match self.waiting.pop_front() {
                Some(Ask::Ignore(name)) => self.ignore(medium, model, &names[name], true),
                Some(Ask::Unignore(name)) => self.ignore(medium, model, &names[name], false),
                _ => {}
            }
            return Ok(true);
        };
        let clock = self.body.clock(medium.now);
        let wall = wall_clock(medium.now);
        let answer = self.machine.with(|client| {
            client.handle_wall_clock(wall);
            client.command(clock, command)
        });
        let kind = answer.map_or_else(refusal_kind, |_| kind);
        if answer == Err(CommandError::Busy) {
            medium.note(kind, &[self.id as u64], || self.id.to_string());
            return Ok(false);
        }
        medium.note(kind, &[self.id as u64], || {
            format!("{}: {command:?} {answer:?}", self.id)
        });
        let ask = self.waiting.pop_front();
        if let (Some(Ask::Exit), Ok(last)) = (&ask, answer) {
            self.exiting = Some(last);
        }
        // A client that wants to leave but is offline already just ends.
        self.gone |= ask == Some(Ask::Exit) && answer == Err(CommandError::Offline);
        let (Ok(id), Some(ask)) = (answer, ask) else {
            return Ok(true);
        };
        let what = match ask {
            Ask::Ignore(_) | Ask::Unignore(_) => return Ok(true),
            Ask::Register => What::Register,
            Ask::Deregister | Ask::Exit => What::Deregister,
            Ask::Say(target, _) => {
                What::Message(model.wrote(self.id, target, text, medium.now, &known()))
            }
            Ask::Nonsense(nonsense) => {
                return Err(Violation::new(
                    Check::Contract,
                    format!("a client takes {nonsense:?}"),
                ));
            }
        };
        model.asked(self.id, id, what, medium.now)?;
        Ok(true)
    }
}

impl ClientProcess {
    /// Ignores a name, or no longer.
    fn ignore(&mut self, medium: &mut Medium, model: &mut Model, name: &str, begins: bool) {
        let clock = self.body.clock(medium.now);
        let valid = Name::new(name).expect("the names of a world are valid");
        let keys = self.machine.with(|client| match begins {
            true => client.ignore(clock, &valid).into_iter().collect(),
            false => std::iter::from_fn(|| client.unignore(&valid)).collect::<Vec<_>>(),
        });
        let kind = if begins {
            Kind::Ignored
        } else {
            Kind::Unignored
        };
        medium.note(kind, &[self.id as u64, keys.len() as u64], || {
            format!("{}: {name}", self.id)
        });
        for key in keys {
            if begins {
                model.ignores(self.id, key);
            } else {
                model.unignores(self.id, &key, medium.now);
            }
            match &mut self.memory {
                Some(memory) if begins => {
                    memory.notes(ClientRecord::Ignored { name, key }, medium.now);
                }
                Some(memory) => memory.unignores(&key),
                None => {}
            }
        }
    }
}

/// Returns the command of a request, if it is one of the state machine.
fn command_for<'a>(
    ask: &Ask,
    own: &'a str,
    names: &'a [String],
    text: &'a str,
) -> Option<(Kind, Command<'a>)> {
    Some(match ask {
        Ask::Register => (Kind::Register, Command::Register { name: own }),
        Ask::Deregister | Ask::Exit => (Kind::Deregister, Command::Deregister { name: own }),
        Ask::Say(Target::Channel, _) => (Kind::SendAll, Command::SendAll { text }),
        Ask::Say(Target::Nobody, _) => (Kind::SendUnknown, Command::Send { to: "nobody", text }),
        Ask::Say(Target::Name(to), _) => {
            let to = names[*to].as_str();
            let kind = if to == own {
                Kind::SendSelf
            } else {
                Kind::Send
            };
            (kind, Command::Send { to, text })
        }
        Ask::Nonsense(Nonsense::Empty | Nonsense::TooLong) => {
            (Kind::Invalid, Command::SendAll { text })
        }
        Ask::Nonsense(Nonsense::OtherName) => (Kind::Invalid, Command::Register { name: "nobody" }),
        Ask::Nonsense(Nonsense::BadName) => (
            Kind::Invalid,
            Command::Send {
                to: "no body",
                text: "hi",
            },
        ),
        Ask::Ignore(_) | Ask::Unignore(_) => return None,
    })
}

/// Returns whether this event ends a process that wants to exit.
fn ends_exit(event: &ClientEvent<'_>, last: CommandId) -> bool {
    event.settles() == Some(last)
}
