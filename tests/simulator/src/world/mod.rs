//! A whole room in one thread and in virtual time: one server, its store, clients, and the network.
//!
//! A world only executes. [`run`](crate::run) draws what happens from a seed; tests of scenes write
//! it down.

mod clients;
mod events;
mod ordered;
mod orders;
mod processes;
mod server;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use chatapp_core::OrderId;

use self::ordered::Ordered;
use crate::absence::Absence;
use crate::choices::Choices;
use crate::client_process::ClientProcess;
use crate::event::{Cue, Event, Node};
use crate::journal::Journal;
use crate::keys::{Holder, Keys};
use crate::medium::Medium;
use crate::memory::Memory;
use crate::model::Model;
use crate::numbers::{NameId, ProcessId};
use crate::people::{name, squats};
use crate::plan::{Plan, Sizes};
use crate::queue::Millis;
use crate::server_process::ServerProcess;
use crate::trace::Trace;
use crate::violation::Violation;

/// A room with its processes.
pub struct World {
    /// Time, choices, trace and network.
    pub medium: Medium,
    /// The checks of the run.
    pub model: Model,
    /// The store of the server.
    pub journal: Journal,
    /// The server, while it runs.
    pub server: Option<ServerProcess>,
    /// The clients that run.
    pub clients: BTreeMap<ProcessId, ClientProcess>,
    /// The names that the server lists, and when they went offline.
    absence: Absence,
    /// The memories of names that have no process now.
    memories: BTreeMap<NameId, Memory>,
    names: Vec<String>,
    sizes: Sizes,
    store_fails: bool,
    /// Some displays write lines later than they take them.
    has_slow_displays: bool,
    homes: BTreeMap<SocketAddr, Node>,
    server_address: SocketAddr,
    server_lives: u32,
    keys: Keys,
    /// Orders that are not answered yet.
    orders: Vec<(OrderId, Ordered)>,
    /// Number of lost keys of each name.
    losses: BTreeMap<NameId, u32>,
}

/// Number of times that a machine may be due again at the time of its last call.
const SPINS_MAX: u32 = 8;

impl World {
    /// Creates a world without processes.
    pub fn new(plan: &Plan, choices: Box<dyn Choices>, readable: bool) -> Self {
        let names: Vec<String> = (0..plan.clients).map(name).collect();
        let mut journal = Journal::new(plan.store.clone(), plan.sizes.log);
        for (id, name) in names.iter().enumerate() {
            journal.allow(name, plan.keys.identity(Holder::Name(id)).public());
        }
        for name in squats() {
            journal.allow(&name, plan.keys.identity(Holder::Attacker).public());
        }
        Self {
            medium: Medium::new(
                choices,
                plan.network.clone(),
                Trace::new(readable),
                plan.keys,
            ),
            model: Model::new(plan, names.clone()),
            journal,
            server: None,
            clients: BTreeMap::new(),
            absence: Absence::new(plan),
            memories: BTreeMap::new(),
            names,
            sizes: plan.sizes.clone(),
            store_fails: plan.store.fail != 0,
            has_slow_displays: plan.nodes.clog != 0,
            homes: BTreeMap::new(),
            server_address: SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).into(), 5_000),
            server_lives: 0,
            keys: plan.keys,
            orders: Vec::new(),
            losses: BTreeMap::new(),
        }
    }

    /// Returns the virtual time.
    pub fn now(&self) -> Millis {
        self.medium.now
    }

    /// Returns the names of this world.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the address of the server.
    pub fn server_address(&self) -> SocketAddr {
        self.server_address
    }

    /// Handles the next event, and returns it if it is a cue. `None` when there is no event left.
    ///
    /// # Errors
    /// A violated property.
    pub fn step(&mut self) -> Result<Option<Cue>, Violation> {
        let Some((at, event)) = self.medium.queue.pop() else {
            return Ok(None);
        };
        self.medium.now = at;
        let cue = match event {
            Event::Arrive {
                from,
                to,
                bytes,
                changed,
            } => self.arrive(from, to, bytes, changed).map(|()| None),
            Event::Wake(node) => self.wake(node).map(|()| None),
            Event::Synced { life } => self.synced(life).map(|()| None),
            Event::Cue(cue) => Ok(Some(cue)),
        }?;
        match self.medium.wiretap.take_violation() {
            Some(violation) => Err(violation),
            None => Ok(cue),
        }
    }

    /// Handles all events up to and including a time; ignores cues.
    ///
    /// # Errors
    /// A violated property.
    pub fn run_until(&mut self, end: Millis) -> Result<(), Violation> {
        while self.medium.queue.next_at().is_some_and(|at| at <= end) {
            self.step()?;
        }
        self.medium.now = end;
        Ok(())
    }

    /// Lets time pass; ignores cues.
    ///
    /// # Errors
    /// A violated property.
    pub fn run_for(&mut self, span: Millis) -> Result<(), Violation> {
        self.run_until(self.now() + span)
    }
}
