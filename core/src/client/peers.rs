//! The peers: found by name, and ordered by use.

use core::hash::Hasher;
use core::ops::Range;

use super::listing::{Listing, ListingChange, Presence};
use super::peer_slot::PeerSlot;
use crate::address::PackedAddress;
use crate::containers::{Index, List, Slots};
use crate::crypto::Key;
use crate::driver::{StorageError, TableEntry};
use crate::name::Name;
use crate::wire::Entry;

/// The peer slot of the session with the server.
pub(super) const SERVER: u32 = 0;

/// The slots of the server and of all peers.
pub(super) struct Peers<'a> {
    slots: Slots<'a, PeerSlot>,
    names: Index<'a>,
    /// The addresses in the roster.
    addresses: Index<'a>,
    key: Key,
    /// Occupied slots, the most recently used ones at the end.
    recent: List<()>,
    /// Vacated slots, the oldest in front: the order of the slots is that of the roster that is
    /// shown.
    free: List<()>,
    /// The first slot that was never used.
    fresh: u32,
    /// The slot at which the next look at old sessions begins.
    next_look: u32,
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
        address_cells: &'a mut [u32],
        key: Key,
    ) -> Result<Self, StorageError> {
        let few_slots = StorageError::new("peers", slots.len(), 2);
        let few_cells = StorageError::new("names", cells.len(), 2 * slots.len());
        let few_addresses = StorageError::new("addresses", address_cells.len(), 2 * slots.len());
        let mut slots = Slots::new(slots)
            .filter(|slots| slots.len() > 1)
            .ok_or(few_slots)?;
        let names = Index::new(cells, slots.len()).ok_or(few_cells)?;
        let addresses = Index::new(address_cells, slots.len()).ok_or(few_addresses)?;
        *slots.at_mut(SERVER) = PeerSlot::VACANT;
        Ok(Self {
            slots,
            names,
            addresses,
            key,
            recent: List::new(()),
            free: List::new(()),
            fresh: SERVER + 1,
            next_look: SERVER + 1,
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
    pub(super) fn used(&self) -> Range<u32> {
        SERVER + 1..self.fresh
    }

    /// Returns the next `most` slots that were ever used, without that of the server. The first
    /// ones follow the last one.
    pub(super) fn look_further(&mut self, most: u32) -> Range<u32> {
        let first = if self.next_look < self.fresh {
            self.next_look
        } else {
            SERVER + 1
        };
        self.next_look = self.fresh.min(first.saturating_add(most));
        first..self.next_look
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
    /// evicted, if the roster is partial or does not list it. That may be the entry of the client
    /// itself, which a partial roster does not need. Cost: walks all peers.
    pub(super) fn victim(&self, is_partial: bool) -> Option<u32> {
        let mut at = self.recent.first();
        let mut victim = None;
        while let Some(peer) = at {
            let slot = self.slots.at(peer);
            let is_listed = slot.listing().is_listed();
            if slot.is_idle() {
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

    // ---- the roster ----

    /// Updates the roster entry of a peer, as [`Listing::update`](super::listing::Listing::update).
    pub(super) fn list(
        &mut self,
        peer: u32,
        entry: &Entry<'_>,
        presence: Presence,
        generation: u32,
    ) -> ListingChange {
        let is_at = |listing: &Listing| listing.is_listed() && listing.address() == entry.address;
        let moves = cfg!(feature = "call-guard") && !is_at(self.slots.at(peer).listing());
        if moves {
            self.drop_address(peer);
        }
        let listing = self.slots.at_mut(peer).listing_mut();
        let change = listing.update(entry, presence, generation);
        if moves {
            self.addresses
                .insert(self.hash_of_address(&entry.address), peer);
        }
        change
    }

    /// Removes a peer from the roster; it keeps its slot.
    pub(super) fn unlist(&mut self, peer: u32) {
        self.drop_address(peer);
        self.slots.at_mut(peer).listing_mut().unlist();
    }

    /// Returns a peer that the roster lists at this address.
    pub(super) fn at_address(&self, address: &PackedAddress) -> Option<u32> {
        let is_there = |peer| self.slots.at(peer).listing().address() == *address;
        self.addresses.find(self.hash_of_address(address), is_there)
    }

    fn hash_of_address(&self, address: &PackedAddress) -> u64 {
        hash_of_address(self.key, address)
    }

    /// Removes the address of a peer from the index, if the roster lists the peer.
    fn drop_address(&mut self, peer: u32) {
        let (key, slots) = (self.key, &self.slots);
        if cfg!(feature = "call-guard") && slots.at(peer).listing().is_listed() {
            let hash_of = |peer| hash_of_address(key, &slots.at(peer).listing().address());
            self.addresses.remove(hash_of(peer), peer, hash_of);
        }
    }

    /// Vacates a slot.
    pub(super) fn remove(&mut self, peer: u32) {
        self.drop_address(peer);
        let (key, slots) = (self.key, &self.slots);
        let hash_of = |peer| key.hash(slots.at(peer).name().as_bytes());
        self.names.remove(hash_of(peer), peer, hash_of);
        self.recent.remove(&mut self.slots, peer);
        *self.slots.at_mut(peer) = PeerSlot::VACANT;
        self.free.push(&mut self.slots, peer);
    }
}

fn hash_of_address(key: Key, address: &PackedAddress) -> u64 {
    let mut hasher = key.hasher();
    address.hash_into(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KEY_LEN, PublicKey};
    use crate::wire::Status;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// Runs a test with room for three peers.
    fn with_peers(run: impl FnOnce(&mut Peers<'_>)) {
        let mut slots = [PeerSlot::VACANT; 4];
        let mut cells = [[0; 8]; 2];
        let [names, addresses] = &mut cells;
        run(&mut Peers::new(&mut slots, names, addresses, Key::PUBLIC).unwrap());
    }

    fn address(port: u16) -> PackedAddress {
        std::net::SocketAddr::from(([192, 0, 2, 1], port)).into()
    }

    /// Lists a peer as online.
    fn list(peers: &mut Peers<'_>, peer: u32, incarnation: u64) {
        list_at(peers, peer, incarnation, address(5_000));
    }

    fn list_at(peers: &mut Peers<'_>, peer: u32, incarnation: u64, address: PackedAddress) {
        let text = peers.at(peer).name().clone();
        let key = PublicKey([1; KEY_LEN]);
        let entry = Entry {
            name: text.as_str(),
            status: Status::Online,
            incarnation,
            key,
            address,
        };
        peers.list(peer, &entry, Presence::Online, 1);
    }

    #[cfg(feature = "call-guard")]
    #[test]
    fn finds_peer_at_its_listed_address_only() {
        with_peers(|peers| {
            let all = ["a", "b", "c"].map(|text| peers.insert(name(text)).unwrap());
            for (peer, port) in all.into_iter().zip([1, 2, 2]) {
                list_at(peers, peer, 7, address(port));
            }
            assert_eq!(peers.at_address(&address(1)), Some(all[0]));
            assert!(peers.at_address(&address(2)).is_some());
            assert_eq!(peers.at_address(&address(3)), None);
            list_at(peers, all[0], 7, address(3));
            list_at(peers, all[1], 7, address(2));
            assert_eq!(peers.at_address(&address(1)), None, "it has moved");
            assert_eq!(peers.at_address(&address(3)), Some(all[0]));
            peers.unlist(all[1]);
            assert_eq!(peers.at_address(&address(2)), Some(all[2]));
            peers.unlist(all[1]);
            peers.remove(all[2]);
            assert_eq!(peers.at_address(&address(2)), None);
            assert_eq!(peers.at_address(&PackedAddress::VACANT), None);
        });
    }

    #[test]
    fn looks_at_all_slots_in_turn() {
        with_peers(|peers| {
            assert!(peers.look_further(2).is_empty());
            for text in ["a", "b", "c"] {
                peers.insert(name(text)).unwrap();
            }
            let looks = [(); 3].map(|()| peers.look_further(2));
            assert_eq!(looks, [1..3, 3..4, 1..3]);
        });
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
            let all = ["a", "b", "c"].map(|text| peers.insert(name(text)).unwrap());
            list(peers, all[0], 7);
            peers.at_mut(all[1]).key_mut().pin();
            let victim = peers.victim(true);
            assert_eq!(victim, Some(all[2]), "an unlisted peer goes first");
            peers.at_mut(all[2]).add_reference();
            assert_eq!(peers.victim(false), Some(all[1]), "listed peers stay");
            assert_eq!(peers.victim(true), Some(all[0]), "the least recent");
            peers.touch(all[0]);
            assert_eq!(peers.victim(true), Some(all[1]));
            peers.at_mut(all[1]).route_mut().note_stored(5);
            assert_eq!(peers.victim(true), Some(all[0]));
            peers.at_mut(all[0]).add_reference();
            assert_eq!(peers.victim(true), None, "all are in use");
        });
    }
}
