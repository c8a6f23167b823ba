//! Orders of the operator.

use chatapp_core::{Name, Restriction, RestrictionKind, Subject};

use super::World;
use crate::event::Node;
use crate::numbers::NameId;
use crate::times::wall_clock;
use crate::trace::Kind;
use crate::violation::Violation;

impl World {
    /// Bans or mutes a name, or lifts that, if the server runs and takes the order.
    ///
    /// # Errors
    /// A violated property.
    pub fn order(
        &mut self,
        name: NameId,
        kind: RestrictionKind,
        lifts: bool,
    ) -> Result<(), Violation> {
        let now = self.now();
        let text = &self.names[name];
        let subject = Subject::Name(Name::new(text).expect("the names of a world are valid"));
        let is_stopped = self
            .body(Node::Server)
            .is_none_or(|body| body.pause.is_some());
        let Some(server) = self.server.as_mut().filter(|_| !is_stopped) else {
            return Ok(());
        };
        let ordered = server.machine.with(|server| {
            server.handle_wall_clock(wall_clock(now));
            if lifts {
                return server.lift(kind, &subject);
            }
            server.restrict(Restriction {
                kind,
                subject,
                until: None,
            })
        });
        let Ok(id) = ordered else {
            return Ok(());
        };
        let numbers = [name as u64, kind as u64, lifts.into()];
        self.medium.note(Kind::Ordered, &numbers, || {
            format!("{name} {kind:?} {lifts}")
        });
        if lifts {
            // It may be stored, and not answered, and so may the orders before it.
            self.orders
                .retain(|(_, other, its)| (*other, *its) != (name, kind));
            self.model.lifted(name, kind);
        } else {
            self.model.ordered(name);
            self.orders.push((id, name, kind));
        }
        self.park_server()
    }

    /// Lifts all bans and mutes.
    ///
    /// # Errors
    /// A violated property.
    pub fn lift_all(&mut self) -> Result<(), Violation> {
        for name in 0..self.names.len() {
            for kind in [RestrictionKind::Ban, RestrictionKind::Mute] {
                self.order(name, kind, true)?;
            }
        }
        Ok(())
    }

    /// Tells the model of orders that are done.
    pub(super) fn note_orders(&mut self) {
        let now = self.now();
        let Some(server) = &mut self.server else {
            self.orders.clear();
            return;
        };
        while let Some((id, result)) = server.machine.with(|server| server.poll_order()) {
            let place = self.orders.iter().position(|(it, ..)| *it == id);
            let Some((_, name, kind)) = place.map(|place| self.orders.swap_remove(place)) else {
                continue;
            };
            if result.is_ok() {
                self.medium
                    .note(Kind::OrderDone, &[name as u64], || name.to_string());
                self.model.restricted(name, kind, now);
            }
        }
    }
}
