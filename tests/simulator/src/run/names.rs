//! Faults that concern names: thieves, lost keys, orders of the operator, and ignored names.

use chatapp_core::RestrictionKind;

use super::Run;
use crate::client_process::Ask;
use crate::event::{Cue, Ending, Node};
use crate::numbers::NameId;
use crate::trace::Kind;
use crate::violation::Violation;

impl Run {
    /// Gives an order, and sometimes crashes the server soon after it: before its record, or before
    /// its answer. A person who is put out comes back, and is refused until the ban is lifted.
    pub(super) fn order(&mut self) -> Result<(), Violation> {
        let names = self.plan.clients;
        let name = self.choices().index(names);
        let kind = match self.choices().below(3) {
            0 => RestrictionKind::Mute,
            _ => RestrictionKind::Ban,
        };
        let lifts = self.choices().chance(400);
        let more = self.choices().below(6);
        if self.plan.nodes.server_crash != 0 && self.choices().chance(300) {
            let outputs = self.choices().below(6) as u32;
            if let Some(body) = self.world.body(Node::Server) {
                body.outputs_left = Some(outputs);
            }
            self.cue_within(10_000, Cue::End(Ending::ServerReturn));
        }
        match more {
            0 => self.world.announce(),
            1 => self.world.withdraw(name),
            _ => self.world.order(name, kind, lifts),
        }
    }

    /// Lets a person ignore a name, or no longer.
    pub(super) fn ignore(&mut self) -> Result<(), Violation> {
        let Some(process) = self.some_client() else {
            return Ok(());
        };
        let names = self.plan.clients;
        let name = self.choices().index(names);
        let ask = match self.choices().chance(600) {
            true => Ask::Ignore(name),
            false => Ask::Unignore(name),
        };
        self.world.ask(process, ask)
    }

    /// Starts another client under a name that has an owner.
    pub(super) fn thief(&mut self, name: NameId) -> Result<(), Violation> {
        if !self.world.claimed().contains(&name) {
            return Ok(());
        }
        self.world
            .medium
            .note(Kind::Thief, &[name as u64], || name.to_string());
        let process = self.world.start_thief(name);
        self.world.ask(process, Ask::Register)
    }

    /// Lets a person lose the key of a name, with all data on the machine.
    pub(super) fn lose_key(&mut self) -> Result<(), Violation> {
        let names = self.plan.clients;
        let name = self.choices().index(names);
        if self.choices().chance(700) {
            for process in self.world.processes_of(name) {
                self.world.ask(process, Ask::Exit)?;
            }
        }
        self.cue_within(3_000, Cue::End(Ending::LoseKey(name)));
        Ok(())
    }
}
