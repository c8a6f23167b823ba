//! The clients of a world: their start, their requests, and their end.

use std::net::SocketAddr;

use chatapp_core::{Endpoint, Name, PublicKey};

use super::{SPINS_MAX, World};
use crate::client_process::{Ask, ClientProcess, Step};
use crate::display::Display;
use crate::event::Node;
use crate::keys::Holder;
use crate::memory::{MediumHabit, Memory};
use crate::numbers::{NameId, ProcessId};
use crate::people::fresh_address;
use crate::process::ClientMachine;
use crate::server_process::{known_names, online_names};
use crate::times::wall_clock;
use crate::trace::Kind;
use crate::violation::{Check, Violation};

impl World {
    /// Starts a client under a name, at this address or a new one. It does nothing before it is
    /// asked.
    pub fn start_client(&mut self, name: NameId, address: Option<SocketAddr>) -> ProcessId {
        self.start(name, address, self.holder_of(name))
    }

    fn holder_of(&self, name: NameId) -> Holder {
        match self.losses.get(&name) {
            None => Holder::Name(name),
            Some(losses) => Holder::Successor(name, *losses),
        }
    }

    /// Returns the public key of the owner of a name, or of the client that wants it back.
    pub fn key_of(&self, name: NameId) -> PublicKey {
        self.keys.identity(self.holder_of(name)).public()
    }

    /// Loses the key of a name with all memory; the next client has a new key.
    pub fn lose_key(&mut self, name: NameId) {
        for id in self.processes_of(name) {
            self.crash_client(id);
        }
        self.memories.remove(&name);
        self.model.lost_key(name);
        *self.losses.entry(name).or_default() += 1;
        let key = self.key_of(name);
        self.journal.allow(&self.names[name], key);
        let text = &self.names[name];
        self.medium
            .note(Kind::KeyLost, &[name as u64], || text.clone());
    }

    /// Returns whether the server refuses a name to a client that comes with its key now.
    pub fn is_withheld(&self, name: NameId) -> bool {
        let owner = self.journal.owner(&self.names[name]);
        owner.is_some_and(|owner| owner != self.key_of(name))
    }

    /// Starts a client of another person under a name, with another key.
    pub fn start_thief(&mut self, name: NameId) -> ProcessId {
        self.start(name, None, Holder::Thief(name))
    }

    /// Lets a client read the memory of its name again, which another process has written.
    fn share_memory(&mut self, id: ProcessId) {
        let Some(client) = self.clients.get(&id).filter(|client| client.shares) else {
            return;
        };
        let name = client.name;
        let mut clients = self.clients.values();
        let holder = clients.find(|client| client.name == name && client.memory.is_some());
        let held = holder.and_then(|client| client.memory.as_ref());
        let memory = held.or_else(|| self.memories.get(&name)).cloned();
        if let (Some(memory), Some(client)) = (memory, self.clients.get_mut(&id)) {
            client.machine.with(|client| memory.share(client));
        }
    }

    fn start(&mut self, name: NameId, address: Option<SocketAddr>, holder: Holder) -> ProcessId {
        let thief = holder == Holder::Thief(name);
        // Like a program that finds the folder in use, a second process of a name has no memory.
        let memory = (!thief && self.processes_of(name).is_empty())
            .then(|| self.memories.remove(&name).unwrap_or_default());
        let key = self.keys.identity(holder).public();
        let id = self
            .model
            .started(name, key, memory.is_some(), thief, self.medium.now);
        let address = address.unwrap_or_else(|| fresh_address(name, id));
        let core_name = Name::new(&self.names[name]).expect("the names of a world are valid");
        let mut machine = ClientMachine::new(
            core_name,
            self.server_address,
            &self.sizes,
            (self.keys, holder),
            &mut *self.medium.choices,
        );
        let habit = if thief {
            MediumHabit::Seals
        } else {
            MediumHabit::of(name)
        };
        let shares = memory.is_none() && habit == MediumHabit::Keeps;
        let wall = wall_clock(self.medium.now);
        machine.with(|client| client.handle_wall_clock(wall));
        machine.with(|client| match &memory {
            Some(memory) => {
                memory.restore(client);
                memory.use_medium_keys(habit, client);
            }
            None if shares => {}
            None => Memory::default().use_medium_keys(habit, client),
        });
        let text = &self.names[name];
        self.medium.note(Kind::Started, &[id as u64], || {
            format!("{id}: {text} at {address}")
        });
        let now = self.medium.now;
        let mut client = ClientProcess::new(id, name, machine, address, memory, thief, now);
        client.display = Display::new(id, self.has_slow_displays);
        client.shares = shares;
        self.clients.insert(id, client);
        self.homes.insert(address, Node::Client(id));
        id
    }

    /// Crashes a client.
    pub fn crash_client(&mut self, id: ProcessId) {
        self.end_client(id, Kind::Crashed);
    }

    /// Gives a request of a person to a client.
    ///
    /// # Errors
    /// A violated property.
    pub fn ask(&mut self, id: ProcessId, ask: Ask) -> Result<(), Violation> {
        if let Some(client) = self.clients.get_mut(&id) {
            client.waiting.push_back(ask);
        }
        self.park_client(id)
    }

    /// Returns the running processes of a name, oldest first.
    pub fn processes_of(&self, name: NameId) -> Vec<ProcessId> {
        self.clients
            .values()
            .filter(|client| client.name == name && !client.thief)
            .map(|client| client.id)
            .collect()
    }

    /// Ends all clients under names of others.
    pub fn end_thieves(&mut self) {
        let thieves = self.clients.values().filter(|client| client.thief);
        let ids: Vec<ProcessId> = thieves.map(|client| client.id).collect();
        ids.into_iter().for_each(|id| self.crash_client(id));
    }

    pub(super) fn end_client(&mut self, id: ProcessId, kind: Kind) {
        if let Some(client) = self.clients.remove(&id) {
            self.homes.remove(&client.body.address);
            if let Some(mut memory) = client.memory {
                memory.crashes();
                self.memories.insert(client.name, memory);
            }
            self.medium.note(kind, &[id as u64], || id.to_string());
            self.model.ended(id, self.medium.now);
        }
    }

    /// Polls a client until it is idle, and notes its deadline.
    pub(super) fn park_client(&mut self, id: ProcessId) -> Result<(), Violation> {
        self.share_memory(id);
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
            let step = client.poll(medium, model, names, &known)?;
            if client.has_left() {
                model.left(id, &online_names(server.as_ref(), names))?;
            }
            match step {
                Step::Parked => {}
                Step::Crashed => {
                    self.end_client(id, Kind::CrashedInTurn);
                    return Ok(());
                }
                Step::Exited => {
                    self.end_client(id, Kind::Exited);
                    return Ok(());
                }
            }
            let timeout = client.machine.look(|client| client.poll_timeout());
            let clogged = client.display.is_full();
            let due = client.display.due();
            if !client.body.schedule_wake(medium, timeout, due, clogged) {
                return Ok(());
            }
            client.wake(medium);
        }
        Err(Violation::new(
            Check::Contract,
            format!("process {id} wants to be woken without end"),
        ))
    }
}
