//! Finds the slot of a session by either of its ids.

use crate::containers::{Index, Linked, List, Slots};
use crate::crypto::Key;
use crate::session::connection::Connection;
use crate::time::Instant;

/// A slot that holds one end of a session.
pub(crate) trait HasConnection {
    fn connection(&self) -> &Connection;
    fn connection_mut(&mut self) -> &mut Connection;
}

/// Keeps a session in the list of deadlines, after [its deadline](Connection::changed_deadline) has changed. All intervals are the
/// same, so a new deadline belongs at the end, and an unchanged one stays where it is.
pub(crate) fn list_deadline<L: Copy, T: HasConnection + Linked<L>>(
    deadlines: &mut List<L>,
    slots: &mut Slots<'_, T>,
    slot: u32,
    changed: Option<Instant>,
) {
    let Some(deadline) = changed else { return };
    deadlines.remove(slots, slot);
    if deadline != Instant::ZERO {
        deadlines.push(slots, slot);
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
            Self::Local => connection.local_id,
            Self::Remote => connection.remote_id,
        }
    }
}

/// An index of all sessions under both ids, keyed so that a stranger's choice of ids causes no collisions.
///
/// Every datagram asks for a local id. We drew all of these at random, so little has to be done to them: it is the remote ones,
/// which others choose, that need a pseudo-random function.
pub(crate) struct Sessions<'a> {
    /// Twice the slot, plus 1 for the remote id.
    index: Index<'a>,
    key: Key,
}

/// Which side's id a cell of the index stands for, and the id.
fn id_of<T: HasConnection>(slots: &Slots<'_, T>, value: u32) -> (Side, u64) {
    let side = if value & 1 == 0 {
        Side::Local
    } else {
        Side::Remote
    };
    (side, side.id(slots.at(value / 2).connection()))
}

fn hash(key: Key, (side, id): (Side, u64)) -> u64 {
    match side {
        Side::Local => key.scatter(id),
        Side::Remote => key.hash(&id.to_le_bytes()),
    }
}

impl<'a> Sessions<'a> {
    /// `None` if there are not four cells for each slot.
    pub(crate) fn new(cells: &'a mut [u32], slots: u32, key: Key) -> Option<Self> {
        Some(Self {
            index: Index::new(cells, slots.checked_mul(2)?)?,
            key,
        })
    }

    pub(crate) fn find<T: HasConnection>(
        &self,
        slots: &Slots<'_, T>,
        side: Side,
        id: u64,
    ) -> Option<u32> {
        if id == 0 {
            return None;
        }
        self.index
            .find(hash(self.key, (side, id)), |value| {
                id_of(slots, value) == (side, id)
            })
            .map(|value| value / 2)
    }

    /// Changes the session in a slot and keeps the index in step.
    pub(crate) fn change<T: HasConnection>(
        &mut self,
        slots: &mut Slots<'_, T>,
        slot: u32,
        change: impl FnOnce(&mut Connection),
    ) {
        self.unlist(slots, slot);
        change(slots.at_mut(slot).connection_mut());
        self.list(slots, slot);
    }

    // On their own, so that their code is there once, and not once for each change.

    fn unlist<T: HasConnection>(&mut self, slots: &Slots<'_, T>, slot: u32) {
        let key = self.key;
        for value in [slot * 2, slot * 2 + 1] {
            let listed = id_of(slots, value);
            if listed.1 != 0 {
                self.index.remove(hash(key, listed), value, |held| {
                    hash(key, id_of(slots, held))
                });
            }
        }
    }

    fn list<T: HasConnection>(&mut self, slots: &Slots<'_, T>, slot: u32) {
        for value in [slot * 2, slot * 2 + 1] {
            let listed = id_of(slots, value);
            if listed.1 != 0 {
                self.index.insert(hash(self.key, listed), value);
            }
        }
    }
}
