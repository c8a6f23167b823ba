//! Faults of a process from outside: it stops, moves, or cannot write.

use std::net::SocketAddr;

use super::World;
use crate::display::Flow;
use crate::event::Node;
use crate::numbers::{NameId, ProcessId};
use crate::process::{Body, Pause};
use crate::trace::Kind;
use crate::violation::Violation;

impl World {
    /// Returns the environment of a process, if it runs.
    pub fn body(&mut self, node: Node) -> Option<&mut Body> {
        match node {
            Node::Server => self.server.as_mut().map(|server| &mut server.body),
            Node::Client(id) => self.clients.get_mut(&id).map(|client| &mut client.body),
        }
    }

    /// Stops a process, alone or with the clock of its machine.
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

    /// Resumes a process. Like any adapter, it reads its socket before its clock.
    ///
    /// # Errors
    /// A violated property.
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

    /// Changes the address of a client, as a new lease or another network does.
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

    /// Lets all displays write at once from now on: with a slow one, the messages that wait take
    /// longer than a room may take to heal.
    pub fn hasten_displays(&mut self) {
        self.has_slow_displays = false;
        let clients = self.clients.values_mut();
        clients.for_each(|client| client.display.hasten());
    }

    /// Lets the display of a client take and write lines, or not.
    ///
    /// # Errors
    /// A violated property.
    pub fn set_display(&mut self, id: ProcessId, flow: Flow) -> Result<(), Violation> {
        let Some(client) = self.clients.get_mut(&id) else {
            return Ok(());
        };
        client.display.set_flow(flow);
        let kind = match flow {
            Flow::Full => Kind::DisplayFull,
            Flow::Stalls => Kind::DisplayStalled,
            Flow::Writes => Kind::DisplayFree,
        };
        self.medium.note(kind, &[id as u64], || id.to_string());
        self.park_client(id)
    }

    /// Clogs the display of a client: some take lines that they do not write, others take none.
    ///
    /// # Errors
    /// A violated property.
    pub fn clog_display(&mut self, id: ProcessId) -> Result<(), Violation> {
        let flow = if id.is_multiple_of(2) {
            Flow::Full
        } else {
            Flow::Stalls
        };
        self.set_display(id, flow)
    }

    /// Frees the display of a client, or ends the client if its display has died: some do that
    /// while they stall. Returns the name of a client that has ended.
    ///
    /// # Errors
    /// A violated property.
    pub fn unclog_display(&mut self, id: ProcessId) -> Result<Option<NameId>, Violation> {
        let client = self.clients.get(&id);
        match client.filter(|client| client.display.stalls() && id % 4 == 3) {
            Some(client) => {
                let name = client.name;
                self.end_client(id, Kind::DisplayDied);
                Ok(Some(name))
            }
            None => self.set_display(id, Flow::Writes).map(|()| None),
        }
    }

    /// Fills or frees the socket of a process.
    ///
    /// # Errors
    /// A violated property.
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
        self.park(node)
    }
}
