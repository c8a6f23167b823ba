//! The server of a world: its start from the store, its syncs and its crashes.

use chatapp_core::{Endpoint, RestoreError};

use super::{SPINS_MAX, World};
use crate::client_process::Step;
use crate::event::Node;
use crate::numbers::NameId;
use crate::people::is_squat;
use crate::plan::Sizes;
use crate::process::{Body, ServerMachine};
use crate::record::Stored;
use crate::server_process::{ServerProcess, known_names};
use crate::trace::Kind;
use crate::violation::{Check, Violation};

impl World {
    /// Starts the server with the records of the store.
    ///
    /// # Errors
    /// If the server does not restore its own records.
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
            // A store that could not store deliveries has delivered messages, too, so the server
            // needs more memory.
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
        // The server may have stored that it forgets a name, and crashed at once.
        self.absence.look(
            self.server.as_ref(),
            &self.names,
            self.medium.now,
            &mut self.model,
        )?;
        self.model.server_restored(&self.known_names())?;
        self.park_server()
    }

    /// Crashes the server.
    pub fn crash_server(&mut self) {
        if self.server.take().is_some() {
            self.homes.remove(&self.server_address);
            self.medium.note(Kind::ServerCrashed, &[], String::new);
            self.journal.crash(&mut self.medium);
            self.orders.clear();
            self.note_owners();
        }
    }

    /// Reports names whose key changed or was removed to the model.
    fn note_owners(&mut self) {
        for (name, key) in self.journal.take_changes() {
            if let Some(id) = self.names.iter().position(|known| *known == name) {
                self.model.belongs(id, key, self.medium.now);
            }
        }
    }

    /// Loses everything in the store.
    pub fn forget(&mut self) {
        self.medium.note(Kind::ServerForgot, &[], String::new);
        self.journal.forget();
        self.note_owners();
        self.absence.forget();
        self.model.server_forgot();
        // Names have no owner now: a client that still asks for the name of another would be the
        // first.
        self.end_thieves();
    }

    /// Changes the store from now on, as a malicious operator does.
    pub fn falsify(&mut self, change: impl FnMut(&mut Stored)) {
        self.model.server_lies();
        self.journal.falsify(change);
    }

    /// Returns names that have an owner while the server keeps its memory.
    pub fn claimed(&self) -> Vec<NameId> {
        if self.absence.may_forget() {
            return Vec::new();
        }
        self.model.claimed()
    }

    /// Returns how many names the attacker has.
    pub fn squatted(&self) -> usize {
        let table = |server: &ServerProcess| {
            server.machine.look(|server| {
                let squats = server.table().filter(|entry| is_squat(entry.name));
                squats.count()
            })
        };
        self.server.as_ref().map_or(0, table)
    }

    /// Returns the names that the server knows; none if it does not run.
    pub fn known_names(&self) -> Vec<NameId> {
        known_names(self.server.as_ref(), &self.names)
    }

    pub(super) fn synced(&mut self, life: u32) -> Result<(), Violation> {
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
            // A stopped process takes the result, and acts later.
            server.stored(&self.medium, ticket, result);
            self.park_server()?;
        }
        self.journal.reported();
        Ok(())
    }

    /// Polls the server until it is idle, and notes its deadline.
    pub(super) fn park_server(&mut self) -> Result<(), Violation> {
        let mut spins = 0;
        while let Some(server) = self
            .server
            .as_mut()
            .filter(|server| server.body.pause.is_none())
        {
            if server.poll(&mut self.medium, &mut self.journal)? == Step::Crashed {
                self.medium
                    .note(Kind::ServerCrashedInTurn, &[], String::new);
                self.crash_server();
                break;
            }
            self.note_owners();
            self.note_orders();
            let Some(server) = &mut self.server else {
                break;
            };
            let timeout = server.machine.look(|server| server.poll_timeout());
            self.absence.look(
                Some(&*server),
                &self.names,
                self.medium.now,
                &mut self.model,
            )?;
            let medium = &mut self.medium;
            let due = server.body.schedule_wake(medium, timeout, None, false);
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
}
