//! The peers: found by name, and ordered by use.

use super::peer_slot::PeerSlot;
use crate::containers::{Index, List, Slots};
use crate::crypto::Key;
use crate::driver::{StorageError, TableEntry};
use crate::name::Name;

/// The peer slot of the session with the server.
pub(super) const SERVER: u32 = 0;

/// The slots of the server and of all peers.
pub(super) struct Peers<'a> {
    slots: Slots<'a, PeerSlot>,
    names: Index<'a>,
    key: Key,
    /// Occupied slots, the most recently used ones at the end.
    recent: List<()>,
    /// Vacated slots, the oldest in front: the order of the slots is that of the roster that is
    /// shown.
    free: List<()>,
    /// The first slot that was never used.
    fresh: u32,
}

impl<'a> Peers<'a> {
    /// Creates an empty set of peers. A secret key hashes the names, so that an attacker cannot
    /// choose names that collide.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that is too small.
    pub(super) fn new(
        slots: &'a mut [PeerSlot],
        cells: &'a mut [u32],
        key: Key,
    ) -> Result<Self, StorageError> {
        let few_slots = StorageError::new("peers", slots.len(), 2);
        let few_cells = StorageError::new("names", cells.len(), 2 * slots.len());
        let mut slots = Slots::new(slots)
            .filter(|slots| slots.len() > 1)
            .ok_or(few_slots)?;
        let names = Index::new(cells, slots.len()).ok_or(few_cells)?;
        *slots.at_mut(SERVER) = PeerSlot::VACANT;
        Ok(Self {
            slots,
            names,
            key,
            recent: List::new(()),
            free: List::new(()),
            fresh: SERVER + 1,
        })
    }

    pub(super) fn at(&self, peer: u32) -> &PeerSlot {
        self.slots.at(peer)
    }

    pub(super) fn at_mut(&mut self, peer: u32) -> &mut PeerSlot {
        self.slots.at_mut(peer)
    }

    /// Returns how many peers there is room for.
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len() - 1
    }

    /// Returns all slots that were ever used, without that of the server.
    pub(super) fn used(&self) -> core::ops::Range<u32> {
        SERVER + 1..self.fresh
    }

    /// Returns the roster.
    pub(super) fn table(&self) -> impl Iterator<Item = TableEntry<'_>> {
        let used = (0..self.fresh).map(|peer| self.slots.at(peer));
        let listed = used.filter(|peer| peer.listing().is_listed());
        listed.map(|peer| TableEntry {
            name: peer.name().as_str(),
            address: peer.listing().address().get(),
            online: peer.listing().is_online(),
            foreign_key: peer.key().is_foreign(),
        })
    }

    /// Returns the hash of a name with the secret key.
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        self.key.hash(name)
    }

    /// Returns the slot of a name.
    pub(super) fn find(&self, name: &[u8]) -> Option<u32> {
        let has = |peer| self.slots.at(peer).name().as_bytes() == name;
        // The most recently used peer is often used next.
        if let Some(last) = self.recent.last()
            && has(last)
        {
            return Some(last);
        }
        self.names.find(self.hash(name), has)
    }

    /// Returns the slot of a name, if the roster lists this process for it.
    pub(super) fn find_process(&self, name: &str, incarnation: u64) -> Option<u32> {
        let peer = self.find(name.as_bytes())?;
        self.is_process(peer, incarnation).then_some(peer)
    }

    /// Returns whether the roster lists this process for a peer.
    pub(super) fn is_process(&self, peer: u32, incarnation: u64) -> bool {
        // No process has the number 0.
        incarnation != 0 && self.at(peer).listing().incarnation() == incarnation
    }

    /// Makes a peer the most recently used one.
    pub(super) fn touch(&mut self, peer: u32) {
        if !self.recent.is_last(peer) {
            self.recent.remove(&mut self.slots, peer);
            self.recent.push(&mut self.slots, peer);
        }
    }

    /// Returns whether there is a free slot.
    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty() || self.fresh < self.slots.len()
    }

    /// Assigns a free slot to a new name; `None` if there is none.
    pub(super) fn insert(&mut self, name: Name) -> Option<u32> {
        let peer = match self.free.pop(&mut self.slots) {
            Some(free) => free,
            None if self.fresh < self.slots.len() => {
                self.fresh += 1;
                self.fresh - 1
            }
            None => return None,
        };
        let hash = self.hash(name.as_bytes());
        *self.slots.at_mut(peer) = PeerSlot::named(name);
        self.names.insert(hash, peer);
        self.recent.push(&mut self.slots, peer);
        Some(peer)
    }

    /// Returns the peer to evict for another. The first choice is a peer that is not in the roster
    /// and exchanged no messages with this client. Otherwise the least recently used peer is
    /// evicted, if the roster is partial or does not list it. Cost: walks all peers.
    pub(super) fn victim(&self, is_partial: bool, own_name: &Name) -> Option<u32> {
        let mut at = self.recent.first();
        let mut victim = None;
        while let Some(peer) = at {
            let slot = self.slots.at(peer);
            let is_listed = slot.listing().is_listed();
            if slot.is_idle() && slot.name() != own_name {
                if !is_listed && !slot.key().is_pinned() {
                    return Some(peer);
                }
                // The marks of shown messages go with it: the least recently used is first.
                if is_partial || !is_listed {
                    victim = victim.or(Some(peer));
                }
            }
            at = self.recent.after(&self.slots, peer);
        }
        victim
    }

    /// Vacates a slot.
    pub(super) fn remove(&mut self, peer: u32) {
        let (key, slots) = (self.key, &self.slots);
        let hash_of = |peer| key.hash(slots.at(peer).name().as_bytes());
        self.names.remove(hash_of(peer), peer, hash_of);
        self.recent.remove(&mut self.slots, peer);
        *self.slots.at_mut(peer) = PeerSlot::VACANT;
        self.free.push(&mut self.slots, peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::listing::Presence;
    use crate::crypto::{KEY_LEN, PublicKey};
    use crate::wire::{Entry, Status};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// Runs a test with room for three peers.
    fn with_peers(run: impl FnOnce(&mut Peers<'_>)) {
        let mut slots = [PeerSlot::VACANT; 4];
        let mut cells = [0; 8];
        run(&mut Peers::new(&mut slots, &mut cells, Key::PUBLIC).unwrap());
    }

    /// Lists a peer as online.
    fn list(peers: &mut Peers<'_>, peer: u32, incarnation: u64) {
        let address = "192.0.2.1:5000".parse().unwrap();
        let text = peers.at(peer).name().clone();
        let key = PublicKey([1; KEY_LEN]);
        let entry = Entry::new(text.as_str(), Status::Online, incarnation, key, address);
        let listing = peers.at_mut(peer).listing_mut();
        listing.update(&entry, Presence::Online, 1);
    }

    #[test]
    fn finds_names_and_reuses_slots_in_order() {
        with_peers(|peers| {
            let all = ["a", "b", "c"].map(|text| peers.insert(name(text)).unwrap());
            assert!(!peers.has_room() && peers.insert(name("d")).is_none());
            assert_eq!(peers.find(b"b"), Some(all[1]));
            peers.remove(all[1]);
            peers.remove(all[0]);
            assert_eq!((peers.find(b"a"), peers.find(b"c")), (None, Some(all[2])));
            assert_eq!(
                peers.insert(name("e")),
                Some(all[1]),
                "the oldest vacated slot was not reused"
            );
            assert_eq!(peers.insert(name("f")), Some(all[0]));
        });
    }

    #[test]
    fn finds_listed_process_only() {
        with_peers(|peers| {
            let peer = peers.insert(name("a")).unwrap();
            assert_eq!(peers.find_process("a", 0), None);
            list(peers, peer, 7);
            assert_eq!(peers.find_process("a", 7), Some(peer));
            assert_eq!(peers.find_process("a", 8), None);
            assert_eq!(peers.table().count(), 1);
        });
    }

    #[test]
    fn evicts_the_least_needed_peer() {
        with_peers(|peers| {
            let own = name("own");
            let all = ["a", "b", "c"].map(|text| peers.insert(name(text)).unwrap());
            list(peers, all[0], 7);
            peers.at_mut(all[1]).key_mut().pin();
            assert_eq!(
                peers.victim(true, &own),
                Some(all[2]),
                "an unlisted peer goes first"
            );
            peers.at_mut(all[2]).add_reference();
            assert_eq!(peers.victim(false, &own), Some(all[1]), "listed peers stay");
            assert_eq!(peers.victim(true, &own), Some(all[0]), "the least recent");
            peers.touch(all[0]);
            assert_eq!(peers.victim(true, &own), Some(all[1]));
            peers.at_mut(all[1]).route_mut().note_stored(5);
            assert_eq!(peers.victim(true, &own), Some(all[0]));
            assert_eq!(
                peers.victim(true, &name("a")),
                None,
                "the client evicts itself"
            );
        });
    }
}
