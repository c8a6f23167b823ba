//! Due events: the arrival of a datagram, and deadlines.

use std::net::SocketAddr;

use chatapp_core::Disposition;

use super::World;
use crate::event::Node;
use crate::trace::Kind;
use crate::violation::{Check, Violation};

impl World {
    pub(super) fn arrive(
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

    pub(super) fn take(
        &mut self,
        node: Node,
        from: SocketAddr,
        bytes: &[u8],
        changed: bool,
    ) -> Result<(), Violation> {
        self.medium.wiretap.arrived(from, bytes);
        // A machine decrypts a datagram in place.
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
        if changed
            && handled == Some(Disposition::Accepted)
            && !medium.wiretap.is_unauthenticated(bytes)
        {
            let what = medium.wiretap.describe(bytes);
            return Err(Violation::new(
                Check::ChangesAreSeen,
                format!("{node:?} accepts what was changed: {what}"),
            ));
        }
        self.park(node)
    }

    pub(super) fn wake(&mut self, node: Node) -> Result<(), Violation> {
        let now = self.now();
        match self.body(node) {
            Some(body) if body.next_deadline == Some(now) && body.pause.is_none() => {
                self.wake_now(node)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn wake_now(&mut self, node: Node) -> Result<(), Violation> {
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
        self.park(node)
    }

    pub(super) fn park(&mut self, node: Node) -> Result<(), Violation> {
        match node {
            Node::Server => self.park_server(),
            Node::Client(id) => self.park_client(id),
        }
    }
}
