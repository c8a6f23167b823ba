//! The server process: a machine, driven as an adapter drives it, with its store.

use std::net::SocketAddr;

use chatapp_core::wire::Refusal;
use chatapp_core::{Disposition, Endpoint, Flushed, ServerEvent, StoreFailed, TableEntry, Ticket};

use crate::client_process::Step;
use crate::event::{Event, Node};
use crate::journal::Journal;
use crate::medium::Medium;
use crate::numbers::NameId;
use crate::process::{Body, ServerMachine};
use crate::queue::Millis;
use crate::times::wall_clock;
use crate::trace::{Kind, digest};
use crate::violation::{Check, Violation};

/// More datagrams than one poll can need.
const BUDGET: usize = 100_000;

/// The server process.
pub struct ServerProcess {
    /// The state machine.
    pub machine: ServerMachine,
    /// The environment of the process.
    pub body: Body,
    /// The number of the server process.
    pub life: u32,
}

impl ServerProcess {
    /// Creates a process that has just started, and has restored its records.
    pub fn new(machine: ServerMachine, address: SocketAddr, now: Millis, life: u32) -> Self {
        Self {
            machine,
            body: Body::new(Node::Server, address, now),
            life,
        }
    }

    /// Gives a datagram to the machine.
    pub fn take(&mut self, medium: &Medium, from: SocketAddr, bytes: &mut [u8]) -> Disposition {
        let clock = self.body.clock(medium.now);
        self.machine.with(|server| {
            server.handle_wall_clock(wall_clock(medium.now));
            server.handle_datagram(clock, from, bytes)
        })
    }

    /// Tells the machine the time.
    pub fn wake(&mut self, medium: &Medium) {
        let clock = self.body.clock(medium.now);
        self.machine.with(|server| {
            server.handle_wall_clock(wall_clock(medium.now));
            server.handle_timeout(clock);
        });
    }

    /// Gives the machine the result of a record.
    pub fn stored(&mut self, medium: &Medium, ticket: Ticket, result: Result<(), StoreFailed>) {
        let clock = self.body.clock(medium.now);
        self.machine
            .with(|server| server.handle_stored(clock, ticket, result));
    }

    /// Takes all outputs of the machine after an input.
    ///
    /// # Errors
    /// A violated property.
    pub fn poll(&mut self, medium: &mut Medium, journal: &mut Journal) -> Result<Step, Violation> {
        if self.persist(medium, journal) == Step::Crashed || self.report(medium) == Step::Crashed {
            return Ok(Step::Crashed);
        }
        self.transmit(medium)
    }

    /// Gives records to the store, and reports the results that are known at once.
    fn persist(&mut self, medium: &mut Medium, journal: &mut Journal) -> Step {
        loop {
            if self.body.is_dying() {
                return Step::Crashed;
            }
            let Some((ticket, failed)) = self.machine.with(|server| {
                let persist = server.poll_persist()?;
                Some((persist.ticket, journal.write(medium, persist)))
            }) else {
                return Step::Parked;
            };
            self.body.count_output();
            if let Some(result) = failed {
                self.stored(medium, ticket, result);
            }
            if let Some(delay) = journal.begin_sync(medium) {
                medium.after(delay, Event::Synced { life: self.life });
            }
        }
    }

    /// Writes the events to the trace.
    fn report(&mut self, medium: &mut Medium) -> Step {
        let Self { machine, body, .. } = self;
        loop {
            if body.is_dying() {
                return Step::Crashed;
            }
            let more = machine.with(|server| {
                let Some(event) = server.poll_event() else {
                    return false;
                };
                let line = format!("{event:?}");
                let kind = match event {
                    ServerEvent::Registered {
                        returning: false, ..
                    } => Kind::Arrival,
                    ServerEvent::Registered { .. } => Kind::Return,
                    ServerEvent::Departed { .. } => Kind::Departure,
                    ServerEvent::Throttled { .. }
                    | ServerEvent::Refused {
                        reason: Refusal::RateExceeded,
                        ..
                    } => Kind::Throttling,
                    _ => Kind::Refusal,
                };
                medium.note(kind, &[digest(line.as_bytes())], || line);
                true
            });
            if !more {
                return Step::Parked;
            }
            body.count_output();
        }
    }

    /// Sends all pending datagrams.
    fn transmit(&mut self, medium: &mut Medium) -> Result<Step, Violation> {
        let Self { machine, body, .. } = self;
        let clock = body.clock(medium.now);
        let mut outgoing = std::mem::take(&mut body.outgoing);
        let flushed = machine.with(|server| {
            medium
                .wiretap
                .learns(std::iter::from_fn(|| server.poll_key_log()));
            outgoing.flush(server, clock, BUDGET, |to, bytes| {
                body.offer(medium, to, bytes)
            })
        });
        body.outgoing = outgoing;
        match flushed {
            Flushed::Budget => Err(Violation::new(
                Check::Contract,
                "the server sends without end",
            )),
            Flushed::Blocked if body.is_dying() => Ok(Step::Crashed),
            _ => Ok(Step::Parked),
        }
    }
}

/// Returns the names that the server knows; none if it does not run.
pub fn known_names(server: Option<&ServerProcess>, names: &[String]) -> Vec<NameId> {
    listed_names(server, names, |_| true)
}

/// Returns the names that the server lists as online; none if it does not run.
pub fn online_names(server: Option<&ServerProcess>, names: &[String]) -> Vec<NameId> {
    listed_names(server, names, |entry| entry.online)
}

fn listed_names(
    server: Option<&ServerProcess>,
    names: &[String],
    wanted: impl Fn(&TableEntry<'_>) -> bool,
) -> Vec<NameId> {
    let Some(server) = server else {
        return Vec::new();
    };
    server.machine.look(|server| {
        let number = |known: &str| names.iter().position(|name| name == known);
        server
            .table()
            .filter(wanted)
            .filter_map(|entry| number(entry.name))
            .collect()
    })
}
