//! The connections of one socket, indexed by both session ids. Lists contain those that have a
//! deadline, a delayed acknowledgement, or a datagram to send.

use super::connection::{Connection, Relisted};
use crate::containers::{Index, Link, Linked, List, Slots};
use crate::crypto::Key;
use crate::driver::StorageError;
use crate::time::Instant;

/// Memory for one end of a session, and its links in lists.
#[derive(Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct ConnectionSlot {
    connection: Connection,
    links: [Link; ConnectionList::COUNT],
}

impl ConnectionSlot {
    /// An unused slot: all zero bits.
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
    /// By the time until which an acknowledgement is delayed.
    Delayed,
}

impl ConnectionList {
    const COUNT: usize = 3;
}

impl Linked<ConnectionList> for ConnectionSlot {
    fn link(&self, list: ConnectionList) -> &Link {
        // The number of the first list is out of range of the rest.
        let [first, rest @ ..] = &self.links;
        rest.get((list as usize).wrapping_sub(1)).unwrap_or(first)
    }

    fn link_mut(&mut self, list: ConnectionList) -> &mut Link {
        let [first, rest @ ..] = &mut self.links;
        rest.get_mut((list as usize).wrapping_sub(1))
            .unwrap_or(first)
    }
}

/// Selects one of the two ids of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The id in datagrams to this side.
    Local,
    /// The id in datagrams to the peer.
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

/// All connections, in slots, with a keyed index of both ids: an attacker that chooses ids causes
/// no collisions.
///
/// Every datagram needs a look-up of its local id. These ids are random, so that a cheap hash is
/// enough. Peers choose the remote ids, which need a pseudo-random function.
pub(crate) struct Connections<'a> {
    connections: Slots<'a, ConnectionSlot>,
    /// Slots from here on were never used, and may have any content.
    fresh: u32,
    /// Twice the slot, plus 1 for the remote id.
    index: Index<'a>,
    key: Key,
    deadlines: List<ConnectionList>,
    ready: List<ConnectionList>,
    delayed: List<ConnectionList>,
}

impl<'a> Connections<'a> {
    /// Creates `count` connections, of which none is open.
    ///
    /// # Errors
    /// Returns an error if there are fewer slots, or not four cells for each. It names the cells
    /// `cells_part`.
    pub(crate) fn new(
        connections: &'a mut [ConnectionSlot],
        cells: &'a mut [u32],
        count: u32,
        key: Key,
        cells_part: &'static str,
    ) -> Result<Self, StorageError> {
        let few_slots = StorageError::new("connections", connections.len(), count as usize);
        let few_cells = StorageError::new(cells_part, cells.len(), 4 * count as usize);
        let slots = Slots::new(connections).filter(|slots| slots.len() >= count);
        let index = count.checked_mul(2).and_then(|ids| Index::new(cells, ids));
        let mut connections = slots.ok_or(few_slots)?;
        *connections.at_mut(0) = ConnectionSlot::VACANT;
        Ok(Self {
            connections,
            fresh: 1,
            index: index.ok_or(few_cells)?,
            key,
            deadlines: List::new(ConnectionList::Deadline),
            ready: List::new(ConnectionList::Ready),
            delayed: List::new(ConnectionList::Delayed),
        })
    }

    pub(super) fn at(&self, slot: u32) -> &Connection {
        &self.connections.at(slot).connection
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Connection {
        &mut self.connections.at_mut(slot).connection
    }

    /// Resets a slot that was never used before. The owner uses new slots in their order.
    pub(crate) fn prepare(&mut self, slot: u32) {
        if slot >= self.fresh {
            self.fresh = slot + 1;
            *self.connections.at_mut(slot) = ConnectionSlot::VACANT;
        }
    }

    // ---- ids ----

    /// Returns the session with this id; no session has the id 0.
    pub(super) fn find(&self, side: Side, id: u64) -> Option<u32> {
        if id == 0 {
            return None;
        }
        self.index
            .find(hash(self.key, (side, id)), |value| {
                id_of(&self.connections, value) == (side, id)
            })
            .map(|value| value / 2)
    }

    /// Removes a session from the index, before its ids change.
    pub(super) fn unlist(&mut self, slot: u32) {
        let (key, connections) = (self.key, &self.connections);
        for value in [slot * 2, slot * 2 + 1] {
            let listed = id_of(connections, value);
            if listed.1 != 0 {
                self.index.remove(hash(key, listed), value, |other| {
                    hash(key, id_of(connections, other))
                });
            }
        }
    }

    /// Inserts a session into the index, under its new ids.
    pub(super) fn list(&mut self, slot: u32) {
        for value in [slot * 2, slot * 2 + 1] {
            let listed = id_of(&self.connections, value);
            if listed.1 != 0 {
                self.index.insert(hash(self.key, listed), value);
            }
        }
    }

    // ---- lists ----

    /// Lists a session as ready, or removes it. Usually the list is empty.
    #[inline]
    pub(super) fn list_ready(&mut self, slot: u32, is_ready: bool) {
        let slots = &mut self.connections;
        if is_ready {
            self.ready.push(slots, slot);
        } else if !self.ready.is_empty() {
            self.ready.remove(slots, slot);
        }
    }

    /// Lists a session by its delayed acknowledgement, or removes it. Usually the list is empty.
    #[inline]
    pub(super) fn list_delayed(&mut self, slot: u32, is_delayed: bool) {
        if is_delayed {
            self.delayed.push(&mut self.connections, slot);
        } else if !self.delayed.is_empty() {
            self.delayed.remove(&mut self.connections, slot);
        }
    }

    /// Moves a session in the list of deadlines. All intervals are the same, so a new deadline
    /// belongs at the end.
    pub(super) fn list_deadline(&mut self, slot: u32, Relisted { before, after }: Relisted) {
        if before != Instant::ZERO {
            self.deadlines.remove(&mut self.connections, slot);
        }
        if after != Instant::ZERO {
            self.deadlines.push(&mut self.connections, slot);
        }
    }

    pub(super) fn is_ready(&self, slot: u32) -> bool {
        self.ready.contains(&self.connections, slot)
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Removes and returns the session that has been ready for longest.
    pub(super) fn pop_ready(&mut self) -> Option<u32> {
        self.ready.pop(&mut self.connections)
    }

    /// Returns the session with the next deadline, and that deadline.
    pub(super) fn first_deadline(&self) -> Option<(u32, Option<Instant>)> {
        let slot = self.deadlines.first()?;
        Some((slot, self.at(slot).deadline()))
    }

    /// Returns the session with the next delayed acknowledgement, and the end of its delay.
    pub(super) fn first_delayed(&self) -> Option<(u32, Instant)> {
        let slot = self.delayed.first()?;
        Some((slot, self.at(slot).delayed_until()))
    }
}

impl Drop for Connections<'_> {
    /// Erases the secrets of the sessions from the caller's memory.
    fn drop(&mut self) {
        for slot in 0..self.connections.len() {
            self.at_mut(slot).wipe();
        }
    }
}

/// Returns the side and the id that a value of the index stands for.
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

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::address::PackedAddress;
    use crate::retry::RetryPolicy;
    use crate::session::connection::PeerParameters;

    const POLICY: RetryPolicy = RetryPolicy::DEFAULT;

    fn with(count: u32, test: impl FnOnce(&mut Connections<'_>)) {
        let mut slots: Vec<_> = (0..count).map(|_| ConnectionSlot::VACANT).collect();
        let mut cells = vec![0; count as usize * 4];
        let key = Key::new(1, 2);
        test(&mut Connections::new(&mut slots, &mut cells, count, key, "cells").unwrap());
    }

    fn open(connections: &mut Connections<'_>, slot: u32, local_id: u64, remote_id: u64) {
        connections.unlist(slot);
        let connection = connections.at_mut(slot);
        connection.open(local_id, PackedAddress::VACANT);
        let peer = PeerParameters {
            id: remote_id,
            window: 8,
            reset: [0; 16],
        };
        connection.opened(peer, &crate::crypto::SessionKeys::VACANT);
        connections.list(slot);
    }

    fn relist(connections: &mut Connections<'_>, slot: u32) {
        let changed = connections.at_mut(slot).changed_deadline();
        connections.list_deadline(slot, changed.unwrap());
    }

    #[test]
    fn finds_sessions_by_either_id() {
        with(3, |connections| {
            open(connections, 2, 7, 8);
            open(connections, 1, 8, 7);
            assert_eq!(connections.find(Side::Local, 7), Some(2));
            assert_eq!(connections.find(Side::Remote, 7), Some(1));
            assert_eq!(connections.find(Side::Local, 0), None);
            open(connections, 2, 9, 8);
            assert_eq!(connections.find(Side::Local, 7), None);
            assert_eq!(connections.find(Side::Remote, 8), Some(2));
        });
    }

    #[test]
    fn orders_sessions_by_deadline() {
        with(2, |connections| {
            for (slot, at) in [(1, 5), (0, 6)] {
                open(connections, slot, 10 + u64::from(slot), 20);
                let now = Instant::from_millis(at);
                connections.at_mut(slot).ask_later(now, POLICY);
                relist(connections, slot);
            }
            let first = connections.first_deadline();
            assert_eq!(first, Some((1, Some(Instant::from_millis(505)))));
            connections.at_mut(1).close();
            relist(connections, 1);
            assert_eq!(connections.first_deadline().map(|(slot, _)| slot), Some(0));
        });
    }

    #[test]
    fn takes_ready_sessions_in_their_order() {
        with(3, |connections| {
            for slot in [2, 0, 1, 0] {
                connections.list_ready(slot, true);
            }
            assert!(connections.is_ready(0));
            connections.list_ready(0, false);
            let ready: Vec<u32> = core::iter::from_fn(|| connections.pop_ready()).collect();
            assert_eq!(ready, [2, 1]);
            assert!(!connections.has_ready());
        });
    }

    #[test]
    fn lists_delayed_acknowledgements_until_sent() {
        with(1, |connections| {
            open(connections, 0, 1, 2);
            connections.at_mut(0).require_ack();
            connections.at_mut(0).delay_ack(Instant::from_millis(50));
            connections.list_delayed(0, true);
            let first = connections.first_delayed();
            assert_eq!(first, Some((0, Instant::from_millis(50))));
            connections.at_mut(0).flush_ack();
            connections.list_delayed(0, false);
            assert_eq!(connections.first_delayed(), None);
        });
    }

    #[test]
    fn refuses_too_little_memory() {
        let mut slots = [ConnectionSlot::VACANT];
        let key = Key::new(1, 2);
        let few = Connections::new(&mut slots, &mut [0; 8], 2, key, "cells").err();
        assert_eq!(few, Some(StorageError::new("connections", 1, 2)));
        let few = Connections::new(&mut slots, &mut [0; 3], 1, key, "cells").err();
        assert_eq!(few, Some(StorageError::new("cells", 3, 4)));
    }
}
