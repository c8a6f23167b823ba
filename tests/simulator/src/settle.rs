//! The end of each run: the faults stop, all names are back, and all promises must be kept.

use std::net::SocketAddr;

use chatapp_core::RateLimits;

use crate::client_process::Ask;
use crate::display::Flow;
use crate::event::Node;
use crate::medium::Medium;
use crate::model::Target;
use crate::numbers::{NameId, ProcessId};
use crate::people::is_squat;
use crate::plan::{NetworkPlan, Plan, StorePlan};
use crate::queue::Millis;
use crate::violation::{Check, Violation};
use crate::world::World;

/// Virtual time in ms in which everything comes right after the faults. A client that the server
/// has forgotten learns it from its next keep-alive (20 s). The name of a silent process is free
/// after a probe (3 s).
pub const HEALING_MAX: Millis = 60_000;

/// Virtual time in ms in which a healthy room settles a new message, a channel message and a
/// deregistration.
pub const HEALTHY_MAX: Millis = 10_000;

/// The same time with rate limits: all clients ask at once, twice, and one address that many share
/// has a small quota.
pub const THROTTLED_MAX: Millis = 60_000;

/// Time in ms after which the server lists a client as offline that is silent without a departure.
const SILENCE_MAX: Millis = 70_000;

/// Returns the virtual time in which a run comes right. A name whose key was lost must expire
/// first.
fn healing_max(plan: &Plan) -> Millis {
    match plan.nodes.lost_key {
        0 => HEALING_MAX,
        _ => HEALING_MAX + SILENCE_MAX + 1_000 * Millis::from(plan.sizes.keep_s),
    }
}

/// Time between two checks whether everything has come right, in ms.
const LOOK: Millis = 100;

impl World {
    /// Heals everything, and waits until everything has come right; returns how long that took.
    ///
    /// # Errors
    /// A violated property.
    pub fn settle(&mut self, plan: &Plan) -> Result<Millis, Violation> {
        heal(&mut self.medium);
        self.journal.faults = StorePlan::default();
        self.revive_processes()?;
        let began = self.now();
        // Requests of processes that end now, for names of others, still take effect.
        self.run_for(plan.network.slow.max(plan.store.slow))?;
        loop {
            if plan.nodes.orders != 0 {
                self.lift_all()?;
            }
            self.bring_everybody_back()?;
            self.run_for(LOOK)?;
            let Err(wrong) = self.is_right(plan) else {
                break;
            };
            let longest = healing_max(plan);
            if self.now() > began + longest {
                return Err(Violation {
                    detail: format!("{longest} ms after the faults: {}", wrong.detail),
                    ..wrong
                });
            }
        }
        let healed_after = self.now() - began;
        self.chat(plan)?;
        self.leave(plan)?;
        Ok(healed_after)
    }

    /// Resumes each process, and cancels pending crashes.
    fn revive_processes(&mut self) -> Result<(), Violation> {
        self.end_thieves();
        let clients: Vec<ProcessId> = self.clients.keys().copied().collect();
        for node in clients
            .iter()
            .map(|id| Node::Client(*id))
            .chain([Node::Server])
        {
            if let Some(body) = self.body(node) {
                body.outputs_left = None;
            }
            self.resume(node)?;
            self.set_socket(node, false)?;
        }
        self.hasten_displays();
        for id in clients {
            self.set_display(id, Flow::Writes)?;
        }
        if self.server.is_none() {
            self.start_server()?;
        }
        Ok(())
    }

    /// Starts one process for each name, and registers it.
    fn bring_everybody_back(&mut self) -> Result<(), Violation> {
        for name in 0..self.names().len() {
            let processes = self.processes_of(name);
            // Evicted rivals may not know that yet: the server knows which process has the name.
            let holder = self.holder(name);
            let registered = processes
                .iter()
                .filter(|id| self.is_registered(**id))
                .max_by_key(|id| Some(self.clients[id].body.address) == holder);
            let Some(&stays) = registered.or(processes.last()) else {
                if self.is_withheld(name) {
                    // A client that has lost its key tries again when the name is free.
                    continue;
                }
                let process = self.start_client(name, None);
                self.ask(process, Ask::Register)?;
                continue;
            };
            processes
                .iter()
                .filter(|id| **id != stays)
                .for_each(|id| self.crash_client(*id));
            let Some(client) = self.clients.get(&stays) else {
                continue;
            };
            let idle = client.machine.look(|client| client.is_idle()) && client.waiting.is_empty();
            if idle && !self.is_registered(stays) {
                self.ask(stays, Ask::Register)?;
            }
        }
        Ok(())
    }

    /// Returns the address of the process with a name, as the server has it.
    fn holder(&self, name: NameId) -> Option<SocketAddr> {
        let server = self.server.as_ref()?;
        server.machine.look(|server| {
            let mut table = server.table();
            let entry = table.find(|entry| entry.name == self.names()[name])?;
            Some(entry.address)
        })
    }

    fn is_registered(&self, id: ProcessId) -> bool {
        self.clients
            .get(&id)
            .is_some_and(|client| client.machine.look(|client| client.is_registered()))
    }

    /// Checks that all clients are registered, no command is pending, no message is missing, and
    /// all rosters agree.
    fn is_right(&self, plan: &Plan) -> Result<(), Violation> {
        let Some(server) = &self.server else {
            return Err(Violation::new(Check::Contract, "the server does not run"));
        };
        let truth = server.machine.look(|server| sorted_table(server.table()));
        // If clients do not fit into the room, the server refuses some again and again. A listed
        // name has a slot.
        let all_fit = plan.names_fit();
        let has_place = |name: &str| all_fit || truth.iter().any(|(known, _, _)| known == name);
        let absent = (0..plan.clients)
            .find(|name| has_place(&self.names()[*name]) && self.processes_of(*name).is_empty());
        if let Some(absent) = absent {
            return Err(Violation::new(
                Check::TablesConverge,
                format!("{} is not there", self.names()[absent]),
            ));
        }
        for client in self.clients.values() {
            let wrong = |check, what: &str| {
                Err(Violation::new(
                    check,
                    format!("process {}: {what}", client.id),
                ))
            };
            let (registered, idle) = client
                .machine
                .look(|client| (client.is_registered(), client.is_idle()));
            if !registered && has_place(&self.names()[client.name]) {
                return wrong(Check::TablesConverge, "not registered");
            }
            // A rival that ended may have taken the name just before. The process learns that from
            // its next keep-alive.
            let name = &self.names()[client.name];
            let listed = truth.iter().find(|(known, _, _)| known == name);
            if registered && listed.map(|(_, address, _)| *address) != Some(client.body.address) {
                return wrong(Check::TablesConverge, "another process has its name");
            }
            let unsettled = self.model.unsettled(client.id);
            if !unsettled.is_empty() && registered {
                return wrong(Check::OneFinalEvent, &unsettled.join(", "));
            }
            if (!idle || !client.waiting.is_empty()) && registered {
                return wrong(Check::OneFinalEvent, "not idle");
            }
            let table = client.machine.look(|client| sorted_table(client.table()));
            if table != truth && registered && plan.peers_fit() {
                return wrong(
                    Check::TablesConverge,
                    &format!("its table is {table:?}, the server's {truth:?}"),
                );
            }
        }
        let complete = !all_fit || truth.len() == plan.clients;
        if !complete || truth.iter().any(|(_, _, online)| !online) {
            return Err(Violation::new(
                Check::TablesConverge,
                format!("the server's table is {truth:?}"),
            ));
        }
        self.model.missing().pop().map_or(Ok(()), Err)
    }

    /// Lets each client of the healthy room send a message to the next one, and to all.
    fn chat(&mut self, plan: &Plan) -> Result<(), Violation> {
        let registered: Vec<(ProcessId, NameId)> = self
            .clients
            .values()
            .filter(|client| client.machine.look(|client| client.is_registered()))
            .map(|client| (client.id, client.name))
            .collect();
        let first_new = self.model.message_count();
        for (place, (id, _)) in registered.iter().enumerate() {
            let (_, next) = registered[(place + 1) % registered.len()];
            self.ask(*id, Ask::Say(Target::Name(next), " healthy".to_owned()))?;
            self.ask(*id, Ask::Say(Target::Channel, " healthy".to_owned()))?;
        }
        let longest = match plan.sizes.rates {
            RateLimits::NONE => HEALTHY_MAX,
            _ => THROTTLED_MAX,
        };
        let deadline = self.now() + longest;
        while self.now() < deadline {
            if !plan.names_fit() {
                // One for whom the full room had no place may get it now, and leave as it was told
                // to before.
                self.bring_everybody_back()?;
            }
            self.run_for(LOOK)?;
            if self.is_right(plan).is_ok() {
                break;
            }
        }
        self.is_right(plan)?;
        if plan.is_roomy() && plan.names_fit() {
            self.model.all_arrived_since(first_new)?;
        }
        Ok(())
    }

    /// Lets all clients deregister.
    fn leave(&mut self, plan: &Plan) -> Result<(), Violation> {
        let everybody: Vec<ProcessId> = self.clients.keys().copied().collect();
        for id in &everybody {
            self.ask(*id, Ask::Exit)?;
        }
        // A client that lost its slot in a full room learns that from its next keep-alive.
        let all_fit = plan.names_fit();
        let deadline = self.now() + if all_fit { HEALTHY_MAX } else { HEALING_MAX };
        while !self.clients.is_empty() && self.now() < deadline {
            self.run_for(LOOK)?;
        }
        let Some(staying) = self.clients.keys().next() else {
            return Ok(());
        };
        Err(Violation::new(
            Check::OneFinalEvent,
            format!("process {staying} cannot leave"),
        ))
    }
}

/// Ends the faults of the network; datagrams in flight still arrive.
fn heal(medium: &mut Medium) {
    medium.faults = NetworkPlan {
        delay: 30,
        ..NetworkPlan::default()
    };
    medium.cuts.clear();
}

/// Returns the rows of a table in their order, without those of an attacker.
fn sorted_table<'t>(
    table: impl Iterator<Item = chatapp_core::TableEntry<'t>>,
) -> Vec<(String, SocketAddr, bool)> {
    let mut rows: Vec<_> = table
        .filter(|entry| !is_squat(entry.name))
        .map(|entry| (entry.name.to_owned(), entry.address, entry.online))
        .collect();
    rows.sort();
    rows
}
