//! All sessions of one socket: their connections, found by either of their ids, and the lists of
//! those that have a deadline or something to send.

use super::connection::Connection;
use crate::containers::{Index, Link, Linked, List, Slots};
use crate::crypto::Key;
use crate::time::Instant;

/// One end of a session, and the lists that it stands in.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct ConnectionSlot {
    connection: Connection,
    links: [Link; ConnectionList::COUNT],
}

impl ConnectionSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        connection: Connection::VACANT,
        links: [Link::VACANT; ConnectionList::COUNT],
    };
}

/// The lists that a connection can stand in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConnectionList {
    /// By deadline of the retransmission timer.
    Deadline,
    /// Something waits to be transmitted.
    Ready,
}

impl ConnectionList {
    const COUNT: usize = 2;
}

impl Linked<ConnectionList> for ConnectionSlot {
    fn link(&self, list: ConnectionList) -> &Link {
        let [deadline, ready] = &self.links;
        match list {
            ConnectionList::Deadline => deadline,
            ConnectionList::Ready => ready,
        }
    }

    fn link_mut(&mut self, list: ConnectionList) -> &mut Link {
        let [deadline, ready] = &mut self.links;
        match list {
            ConnectionList::Deadline => deadline,
            ConnectionList::Ready => ready,
        }
    }
}

/// Which of the two ids of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The id that others write to us.
    Local,
    /// The id that we write to others.
    Remote,
}

impl Side {
    fn id(self, connection: &Connection) -> u64 {
        match self {
            Self::Local => connection.local_id(),
            Self::Remote => connection.remote_id(),
        }
    }
}

/// All sessions, in slots, with an index under both ids that is keyed so that a stranger's choice
/// of ids causes no collisions.
///
/// Every datagram asks for a local id. All of these were drawn at random, so little has to be done
/// to them: the remote ones, which others choose, need a pseudo-random function.
pub(crate) struct Sessions<'a> {
    connections: Slots<'a, ConnectionSlot>,
    /// Twice the slot, plus 1 for the remote id.
    index: Index<'a>,
    key: Key,
    deadlines: List<ConnectionList>,
    ready: List<ConnectionList>,
}

impl<'a> Sessions<'a> {
    /// `None` if there are fewer than so many `connections`, or not four cells for each.
    pub(crate) fn new(
        connections: &'a mut [ConnectionSlot],
        cells: &'a mut [u32],
        count: u32,
        key: Key,
    ) -> Option<Self> {
        let connections = Slots::new(connections).filter(|slots| slots.len() >= count)?;
        Some(Self {
            connections,
            index: Index::new(cells, count.checked_mul(2)?)?,
            key,
            deadlines: List::new(ConnectionList::Deadline),
            ready: List::new(ConnectionList::Ready),
        })
    }

    pub(crate) fn at(&self, slot: u32) -> &Connection {
        &self.connections.at(slot).connection
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut Connection {
        &mut self.connections.at_mut(slot).connection
    }

    // ---- ids ----

    pub(crate) fn find(&self, side: Side, id: u64) -> Option<u32> {
        if id == 0 {
            return None;
        }
        self.index
            .find(hash(self.key, (side, id)), |value| {
                id_of(&self.connections, value) == (side, id)
            })
            .map(|value| value / 2)
    }

    /// Changes the session in a slot and keeps the index in step.
    pub(crate) fn change(&mut self, slot: u32, change: impl FnOnce(&mut Connection)) {
        self.unlist(slot);
        change(self.at_mut(slot));
        self.list(slot);
    }

    // On their own, so that their code is there once, and not once for each change.

    fn unlist(&mut self, slot: u32) {
        let (key, connections) = (self.key, &self.connections);
        for value in [slot * 2, slot * 2 + 1] {
            let listed = id_of(connections, value);
            if listed.1 != 0 {
                self.index.remove(hash(key, listed), value, |held| {
                    hash(key, id_of(connections, held))
                });
            }
        }
    }

    fn list(&mut self, slot: u32) {
        for value in [slot * 2, slot * 2 + 1] {
            let listed = id_of(&self.connections, value);
            if listed.1 != 0 {
                self.index.insert(hash(self.key, listed), value);
            }
        }
    }

    // ---- who is ready ----

    /// Notes whether the session in a slot has something to send.
    pub(crate) fn set_ready(&mut self, slot: u32, is_ready: bool) {
        if is_ready {
            self.ready.push(&mut self.connections, slot);
        } else {
            self.ready.remove(&mut self.connections, slot);
        }
    }

    pub(crate) fn is_ready(&self, slot: u32) -> bool {
        self.ready.contains(&self.connections, slot)
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the session that has been ready for longest.
    pub(crate) fn pop_ready(&mut self) -> Option<u32> {
        self.ready.pop(&mut self.connections)
    }

    // ---- deadlines ----

    /// Keeps a session in the list of deadlines, after anything about it has changed. All intervals
    /// are the same, so a new deadline belongs at the end, and an unchanged one stays where it is.
    pub(crate) fn list_deadline(&mut self, slot: u32) {
        let Some(deadline) = self.at_mut(slot).changed_deadline() else {
            return;
        };
        self.deadlines.remove(&mut self.connections, slot);
        if deadline != Instant::ZERO {
            self.deadlines.push(&mut self.connections, slot);
        }
    }

    /// The session whose deadline is next.
    pub(crate) fn first_deadline(&self) -> Option<(u32, Option<Instant>)> {
        let slot = self.deadlines.first()?;
        Some((slot, self.at(slot).deadline()))
    }
}

/// Which side's id a cell of the index stands for, and the id.
fn id_of(connections: &Slots<'_, ConnectionSlot>, value: u32) -> (Side, u64) {
    let side = if value & 1 == 0 {
        Side::Local
    } else {
        Side::Remote
    };
    (side, side.id(&connections.at(value / 2).connection))
}

fn hash(key: Key, (side, id): (Side, u64)) -> u64 {
    match side {
        Side::Local => key.scatter(id),
        Side::Remote => key.hash(&id.to_le_bytes()),
    }
}
