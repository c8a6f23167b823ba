//! A whole room in one thread and in virtual time: one server, its store, clients, and the network between them.
//!
//! The world is a mechanism: it does what it is told to do, when it is told. [`run`](crate::run) draws what that
//! is from a seed; scenario tests write it down.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use chatapp_core::{Endpoint, Handled, Name, RestoreError};

use crate::absence::Absence;
use crate::choices::Choices;
use crate::client_process::{Ask, ClientProcess, Turn};
use crate::event::{Cue, Event, Node};
use crate::journal::Journal;
use crate::keys::{Holder, Keys};
use crate::medium::Medium;
use crate::memory::Memory;
use crate::model::{Model, NameId, ProcessId};
use crate::people::{fresh_address, name};
use crate::plan::{Plan, Sizes};
use crate::process::{Body, ClientMachine, Pause, ServerMachine};
use crate::queue::Millis;
use crate::record::Stored;
use crate::server_process::{ServerProcess, known_names, online_names};
use crate::trace::{Kind, Trace};
use crate::violation::{Check, Violation};

/// The world.
pub struct World {
    /// Time, dice, record, network.
    pub medium: Medium,
    /// What must be true.
    pub model: Model,
    /// The store of the server.
    pub journal: Journal,
    /// The server, while it runs.
    pub server: Option<ServerProcess>,
    /// The clients that run.
    pub clients: BTreeMap<ProcessId, ClientProcess>,
    /// Which names the server lists, and since when they are away.
    absence: Absence,
    /// What people remember while no process of theirs runs.
    memories: BTreeMap<NameId, Memory>,
    names: Vec<String>,
    sizes: Sizes,
    store_fails: bool,
    homes: BTreeMap<SocketAddr, Node>,
    server_address: SocketAddr,
    server_lives: u32,
    keys: Keys,
}

/// Times that a machine may want to be woken at the time at which it was just woken.
const SPINS_MAX: u32 = 8;

impl World {
    /// A world in which nothing runs yet.
    pub fn new(plan: &Plan, choices: Box<dyn Choices>, readable: bool) -> Self {
        let names: Vec<String> = (0..plan.clients).map(name).collect();
        let key = |(id, name): (NameId, &String)| {
            (name.clone(), plan.keys.identity(Holder::Name(id)).public())
        };
        let owners = names.iter().enumerate().map(key).collect();
        Self {
            medium: Medium::new(
                choices,
                plan.network.clone(),
                Trace::new(readable),
                plan.keys,
            ),
            model: Model::new(plan, names.clone()),
            journal: Journal::new(plan.store.clone(), owners),
            server: None,
            clients: BTreeMap::new(),
            absence: Absence::new(plan),
            memories: BTreeMap::new(),
            names,
            sizes: plan.sizes.clone(),
            store_fails: plan.store.fail != 0,
            homes: BTreeMap::new(),
            server_address: SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).into(), 5_000),
            server_lives: 0,
            keys: plan.keys,
        }
    }

    /// Virtual time.
    pub fn now(&self) -> Millis {
        self.medium.now
    }

    /// The names of this world.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where the server receives.
    pub fn server_address(&self) -> SocketAddr {
        self.server_address
    }

    // ---- time ----

    /// Lets the next event happen; a cue is for the caller. `None` when nothing will ever happen again.
    ///
    /// # Errors
    /// A broken promise.
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

    /// Lets everything happen up to and including a time; cues are ignored.
    ///
    /// # Errors
    /// A broken promise.
    pub fn run_until(&mut self, end: Millis) -> Result<(), Violation> {
        while self.medium.queue.next_at().is_some_and(|at| at <= end) {
            self.step()?;
        }
        self.medium.now = end;
        Ok(())
    }

    /// Lets time pass; cues are ignored.
    ///
    /// # Errors
    /// A broken promise.
    pub fn run_for(&mut self, span: Millis) -> Result<(), Violation> {
        self.run_until(self.now() + span)
    }

    // ---- the server ----

    /// Starts the server with what the store has.
    ///
    /// # Errors
    /// If it does not take what it stored.
    pub fn start_server(&mut self) -> Result<(), Violation> {
        let compact = self.medium.choices.chance(500);
        let keys = self.keys;
        let now = self.now();
        let clock = Body::new(Node::Server, self.server_address, now).clock(now);
        let mut machine = ServerMachine::new(&self.sizes, keys, &mut *self.medium.choices);
        let mut restored = machine.with(|server| {
            server.handle_timeout(clock);
            self.journal.restore(server, compact, now)
        });
        if restored == Err(RestoreError::Full) && self.store_fails {
            // What was handed over is still in a store that would not take the news: it needs more memory.
            let roomy = Sizes {
                keep_s: self.sizes.keep_s,
                ..Sizes::ROOMY
            };
            machine = ServerMachine::new(&roomy, keys, &mut *self.medium.choices);
            restored = machine.with(|server| {
                server.handle_timeout(clock);
                self.journal.restore(server, compact, now)
            });
        }
        restored.map_err(|error| Violation::new(Check::Restored, format!("{error:?}")))?;
        self.server_lives += 1;
        let life = self.server_lives;
        self.medium
            .note(Kind::ServerRestored, &[], || format!("life {life}"));
        self.server = Some(ServerProcess::new(
            machine,
            self.server_address,
            self.now(),
            life,
        ));
        self.homes.insert(self.server_address, Node::Server);
        // It may have been stored that a name is forgotten, and the server crashed at once.
        self.absence.look(
            self.server.as_ref(),
            &self.names,
            self.medium.now,
            &mut self.model,
        )?;
        self.model.server_restored(&self.known_names())?;
        self.rest_server()
    }

    /// Ends the server at once.
    pub fn crash_server(&mut self) {
        if self.server.take().is_some() {
            self.homes.remove(&self.server_address);
            self.medium.note(Kind::ServerCrashed, &[], String::new);
            self.journal.crash(&mut self.medium);
        }
    }

    /// The store loses everything.
    pub fn forget(&mut self) {
        self.medium.note(Kind::ServerForgot, &[], String::new);
        self.journal.forget();
        self.absence.forget();
        self.model.server_forgot();
        // Nobody owns a name now: a thief who still asks would be the first.
        self.end_thieves();
    }

    /// The store says something else from now on: whoever has it lies.
    pub fn falsify(&mut self, change: impl FnMut(&mut Stored)) {
        self.model.server_lies();
        self.journal.falsify(change);
    }

    /// Names that belong to somebody for as long as the server remembers anything.
    pub fn claimed(&self) -> Vec<NameId> {
        if self.absence.may_forget() {
            return Vec::new();
        }
        self.model.claimed()
    }

    /// The names that the server knows, if it runs.
    pub fn known_names(&self) -> Vec<NameId> {
        known_names(self.server.as_ref(), &self.names)
    }

    fn synced(&mut self, life: u32) -> Result<(), Violation> {
        if self
            .server
            .as_ref()
            .is_none_or(|server| server.life != life)
        {
            return Ok(());
        }
        for (ticket, result) in self.journal.end_sync(&mut self.medium) {
            let Some(server) = &mut self.server else {
                break;
            };
            // A process that stands still takes the news, and acts on it later.
            server.stored(&self.medium, ticket, result);
            self.rest_server()?;
        }
        self.journal.reported();
        Ok(())
    }

    /// Drains the server until it rests, and notes when it wants to be woken.
    fn rest_server(&mut self) -> Result<(), Violation> {
        let mut spins = 0;
        while let Some(server) = self
            .server
            .as_mut()
            .filter(|server| server.body.pause.is_none())
        {
            if server.turn(&mut self.medium, &mut self.journal)? == Turn::Crashed {
                self.medium
                    .note(Kind::ServerCrashedInTurn, &[], String::new);
                self.crash_server();
                break;
            }
            let timeout = server.machine.look(|server| server.poll_timeout());
            self.absence.look(
                Some(&*server),
                &self.names,
                self.medium.now,
                &mut self.model,
            )?;
            let medium = &mut self.medium;
            let due = server.body.schedule_wake(medium, timeout, false);
            if !due {
                break;
            }
            spins += 1;
            if spins > SPINS_MAX {
                return Err(Violation::new(
                    Check::Contract,
                    "the server wants to be woken without end",
                ));
            }
            server.wake(&self.medium);
        }
        Ok(())
    }

    // ---- clients ----

    /// Starts a client under a name, at a fresh address or at a given one; it does nothing until it is asked.
    pub fn start_client(&mut self, name: NameId, address: Option<SocketAddr>) -> ProcessId {
        self.start(name, address, Holder::Name(name))
    }

    /// Somebody else starts a client under a name, with another key.
    pub fn start_thief(&mut self, name: NameId) -> ProcessId {
        self.start(name, None, Holder::Thief(name))
    }

    fn start(&mut self, name: NameId, address: Option<SocketAddr>, who: Holder) -> ProcessId {
        let thief = who == Holder::Thief(name);
        // Like a program that finds the folder in use, a second process of a name does without.
        let memory = (!thief && self.processes_of(name).is_empty())
            .then(|| self.memories.remove(&name).unwrap_or_default());
        let id = self
            .model
            .started(name, memory.is_some(), thief, self.now());
        let address = address.unwrap_or_else(|| fresh_address(name, id));
        let core_name = Name::new(&self.names[name]).expect("the names of a world are valid");
        let mut machine = ClientMachine::new(
            core_name,
            self.server_address,
            &self.sizes,
            (self.keys, who),
            &mut *self.medium.choices,
        );
        if let Some(memory) = &memory {
            machine.with(|client| memory.restore(client));
        }
        let text = &self.names[name];
        self.medium.note(Kind::Started, &[id as u64], || {
            format!("{id}: {text} at {address}")
        });
        self.clients.insert(
            id,
            ClientProcess::new(id, name, machine, address, memory, thief, self.medium.now),
        );
        self.homes.insert(address, Node::Client(id));
        id
    }

    /// Ends a client at once.
    pub fn crash_client(&mut self, id: ProcessId) {
        self.end_client(id, Kind::Crashed);
    }

    /// Lets the person in front of a client want something.
    ///
    /// # Errors
    /// A broken promise.
    pub fn ask(&mut self, id: ProcessId, ask: Ask) -> Result<(), Violation> {
        if let Some(client) = self.clients.get_mut(&id) {
            client.waiting.push_back(ask);
        }
        self.rest_client(id)
    }

    /// The running processes of somebody, oldest first.
    pub fn processes_of(&self, name: NameId) -> Vec<ProcessId> {
        self.clients
            .values()
            .filter(|client| client.name == name && !client.thief)
            .map(|client| client.id)
            .collect()
    }

    /// All who use names of others end.
    pub fn end_thieves(&mut self) {
        let thieves = self.clients.values().filter(|client| client.thief);
        let ids: Vec<ProcessId> = thieves.map(|client| client.id).collect();
        ids.into_iter().for_each(|id| self.crash_client(id));
    }

    fn end_client(&mut self, id: ProcessId, kind: Kind) {
        if let Some(client) = self.clients.remove(&id) {
            self.homes.remove(&client.body.address);
            if let Some(memory) = client.memory {
                self.memories.insert(client.name, memory);
            }
            self.medium.note(kind, &[id as u64], || id.to_string());
            self.model.ended(id, self.medium.now);
        }
    }

    /// Drains a client until it rests, and notes when it wants to be woken.
    fn rest_client(&mut self, id: ProcessId) -> Result<(), Violation> {
        let Self {
            medium,
            model,
            server,
            names,
            clients,
            ..
        } = self;
        let Some(client) = clients
            .get_mut(&id)
            .filter(|client| client.body.pause.is_none())
        else {
            return Ok(());
        };
        let known = || known_names(server.as_ref(), names);
        for _ in 0..=SPINS_MAX {
            let turn = client.turn(medium, model, names, &known)?;
            if client.has_left() {
                model.left(id, &online_names(server.as_ref(), names))?;
            }
            match turn {
                Turn::Rests => {}
                Turn::Crashed => {
                    self.end_client(id, Kind::CrashedInTurn);
                    return Ok(());
                }
                Turn::Exited => {
                    self.end_client(id, Kind::Exited);
                    return Ok(());
                }
            }
            let timeout = client.machine.look(|client| client.poll_timeout());
            let clogged = client.display_full;
            if !client.body.schedule_wake(medium, timeout, clogged) {
                return Ok(());
            }
            client.wake(medium);
        }
        Err(Violation::new(
            Check::Contract,
            format!("process {id} wants to be woken without end"),
        ))
    }

    // ---- what happens to processes ----

    /// What is around a process, if it runs.
    pub fn body(&mut self, node: Node) -> Option<&mut Body> {
        match node {
            Node::Server => self.server.as_mut().map(|server| &mut server.body),
            Node::Client(id) => self.clients.get_mut(&id).map(|client| &mut client.body),
        }
    }

    /// A process stands still, alone or with the clock of its machine.
    pub fn pause(&mut self, node: Node, suspended: bool) {
        let since = self.now();
        if let Some(body) = self.body(node).filter(|body| body.pause.is_none()) {
            body.pause = Some(Pause { since, suspended });
            let kind = if suspended {
                Kind::Suspended
            } else {
                Kind::Stopped
            };
            self.medium.note(kind, &[], || format!("{node:?}"));
        }
    }

    /// A process runs on: as any adapter does, it reads its socket before it looks at the clock.
    ///
    /// # Errors
    /// A broken promise.
    pub fn resume(&mut self, node: Node) -> Result<(), Violation> {
        let now = self.now();
        let Some(body) = self.body(node).filter(|body| body.pause.is_some()) else {
            return Ok(());
        };
        body.resume(now);
        let inbox = std::mem::take(&mut body.inbox);
        self.medium.note(Kind::Resumed, &[], || format!("{node:?}"));
        for (from, bytes) in inbox {
            self.take(node, from, &bytes, false)?;
        }
        self.wake_now(node)
    }

    /// The address of a client changes, as with a new lease or another network.
    pub fn roam(&mut self, id: ProcessId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let before = client.body.address;
        let after = SocketAddr::new(before.ip(), before.port() + 1_000);
        if self.homes.contains_key(&after) || before.port() > 60_000 {
            return;
        }
        client.body.address = after;
        self.homes.remove(&before);
        self.homes.insert(after, Node::Client(id));
        self.medium.note(Kind::Moved, &[id as u64], || {
            format!("{id}: {before} to {after}")
        });
    }

    /// The display of a client takes nothing, or takes things again.
    ///
    /// # Errors
    /// A broken promise.
    pub fn set_display(&mut self, id: ProcessId, full: bool) -> Result<(), Violation> {
        let Some(client) = self.clients.get_mut(&id) else {
            return Ok(());
        };
        client.display_full = full;
        let kind = if full {
            Kind::DisplayFull
        } else {
            Kind::DisplayFree
        };
        self.medium.note(kind, &[id as u64], || id.to_string());
        self.rest_client(id)
    }

    /// The socket of a process takes nothing, or takes things again.
    ///
    /// # Errors
    /// A broken promise.
    pub fn set_socket(&mut self, node: Node, full: bool) -> Result<(), Violation> {
        let Some(body) = self.body(node) else {
            return Ok(());
        };
        body.socket_full = full;
        let kind = if full {
            Kind::SocketFull
        } else {
            Kind::SocketFree
        };
        self.medium.note(kind, &[], || format!("{node:?}"));
        self.rest(node)
    }

    // ---- events ----

    fn arrive(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
        changed: bool,
    ) -> Result<(), Violation> {
        let Some(&node) = self.homes.get(&to) else {
            self.medium.note_datagram(Kind::Nobody, from, to, &bytes);
            return Ok(());
        };
        let Some(body) = self.body(node) else {
            return Ok(());
        };
        if body.pause.is_none() {
            return self.take(node, from, &bytes, changed);
        }
        if !body.keep(from, bytes) {
            self.medium.note_datagram(Kind::Overflowed, from, to, &[]);
        }
        Ok(())
    }

    fn take(
        &mut self,
        node: Node,
        from: SocketAddr,
        bytes: &[u8],
        changed: bool,
    ) -> Result<(), Violation> {
        self.medium.wiretap.arrived(from, bytes);
        // A machine opens what is sealed where it lies.
        let mut copy = bytes.to_vec();
        let handled = match node {
            Node::Server => self
                .server
                .as_mut()
                .map(|server| server.take(&self.medium, from, &mut copy)),
            Node::Client(id) => self
                .clients
                .get_mut(&id)
                .map(|client| client.take(&self.medium, from, &mut copy)),
        };
        let medium = &mut self.medium;
        if let Some(handled) = handled {
            medium.wiretap.handled(node, bytes, handled);
        }
        medium
            .trace
            .note(medium.now, Kind::Arrived, &[from.port().into()], || {
                format!(
                    "{from} at {node:?}: {}: {handled:?}",
                    medium.wiretap.describe(bytes)
                )
            });
        if changed && handled == Some(Handled::Accepted) && !medium.wiretap.is_hint(bytes) {
            let what = medium.wiretap.describe(bytes);
            return Err(Violation::new(
                Check::ChangesAreSeen,
                format!("{node:?} accepts what was changed: {what}"),
            ));
        }
        self.rest(node)
    }

    fn wake(&mut self, node: Node) -> Result<(), Violation> {
        let now = self.now();
        match self.body(node) {
            Some(body) if body.wake_at == Some(now) && body.pause.is_none() => self.wake_now(node),
            _ => Ok(()),
        }
    }

    fn wake_now(&mut self, node: Node) -> Result<(), Violation> {
        match node {
            Node::Server => self
                .server
                .as_mut()
                .into_iter()
                .for_each(|server| server.wake(&self.medium)),
            Node::Client(id) => {
                self.clients
                    .get_mut(&id)
                    .into_iter()
                    .for_each(|client| client.wake(&self.medium));
            }
        }
        self.rest(node)
    }

    fn rest(&mut self, node: Node) -> Result<(), Violation> {
        match node {
            Node::Server => self.rest_server(),
            Node::Client(id) => self.rest_client(id),
        }
    }
}
