//! Orders of the operator.

use chatapp_core::{Name, Restriction, RestrictionKind, Subject};

use super::World;
use super::ordered::Ordered;
use crate::numbers::NameId;
use crate::server_process::ServerProcess;
use crate::times::wall_clock;
use crate::trace::Kind;
use crate::violation::Violation;

impl World {
    /// Announces a text to all, if the server runs and takes the order.
    ///
    /// # Errors
    /// A violated property.
    pub fn announce(&mut self) -> Result<(), Violation> {
        let now = self.now();
        let text = self.model.next_announcement();
        let known = self.known_names();
        let Some(server) = self.running_server() else {
            return Ok(());
        };
        let ordered = server.machine.with(|server| {
            server.handle_wall_clock(wall_clock(now));
            server.announce_to_all(&text)
        });
        let Ok(id) = ordered else {
            return Ok(());
        };
        let number = self.model.announced(now, known);
        self.medium.note(Kind::Ordered, &[number as u64], || text);
        self.orders.push((id, Ordered::Announcement(number)));
        self.park_server()
    }

    /// Withdraws the messages of a name, if the server runs and takes the order.
    ///
    /// # Errors
    /// A violated property.
    pub fn withdraw(&mut self, name: NameId) -> Result<(), Violation> {
        let now = self.now();
        let text = self.names[name].clone();
        let Some(server) = self.running_server() else {
            return Ok(());
        };
        let ordered = server.machine.with(|server| {
            server.handle_wall_clock(wall_clock(now));
            server.withdraw(&text)
        });
        let Ok(id) = ordered else {
            return Ok(());
        };
        self.model.withdraws(name);
        self.medium.note(Kind::Ordered, &[name as u64], || text);
        self.orders.push((id, Ordered::Withdrawal(name, now)));
        self.park_server()
    }

    /// Returns the server, if it runs and is not stopped.
    fn running_server(&mut self) -> Option<&mut ServerProcess> {
        let server = self.server.as_mut();
        server.filter(|server| server.body.pause.is_none())
    }

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
        let Some(server) = self.running_server() else {
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
            self.orders.retain(|(_, other)| {
                !matches!(other, Ordered::Restriction(other, its) if (*other, *its) == (name, kind))
            });
            self.model.lifted(name, kind);
        } else {
            self.model.ordered(name);
            self.orders.push((id, Ordered::Restriction(name, kind)));
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
            let place = self.orders.iter().position(|(it, _)| *it == id);
            let ordered = place.map(|place| self.orders.swap_remove(place).1);
            match ordered {
                Some(Ordered::Restriction(name, kind)) if result.is_ok() => {
                    self.medium
                        .note(Kind::OrderDone, &[name as u64], || name.to_string());
                    self.model.restricted(name, kind, now);
                }
                Some(Ordered::Announcement(number)) => {
                    self.model.announcement_done(number, result.is_ok());
                }
                Some(Ordered::Withdrawal(name, ordered)) if result.is_ok() => {
                    self.model.withdrawn(name, ordered, now);
                }
                _ => {}
            }
        }
    }
}
