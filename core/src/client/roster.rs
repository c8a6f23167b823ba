//! The table of clients: who is there, under which process and address, and what was shown of each.

use super::dedup::process_number;
use super::outbox::Form;
use super::storage::{PeerSlot, Presence};
use super::{Client, SERVER};
use crate::drop_reason::DropReason;
use crate::name::Name;
use crate::session::connection::Phase;
use crate::wire::{Entry, Status};

/// The process that sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// The one that the table names for this peer.
    Current(u32),
    /// Another one; its number is what [`process_number`] gives.
    Other(u64),
}

impl Client<'_> {
    pub(super) fn find_peer(&self, name: &[u8]) -> Option<u32> {
        let has = |peer| self.peers.at(peer).name.as_bytes() == name;
        // People go on talking to those they talked to last.
        if let Some(last) = self.recent.last()
            && has(last)
        {
            return Some(last);
        }
        self.names.find(self.hash_key.hash(name), has)
    }

    /// The slot of a name that is talked to: one that nobody has gets a slot until it is known that nobody has it.
    pub(super) fn peer_for_command(&mut self, name: &Name) -> Option<u32> {
        let Some(peer) = self.find_peer(name.as_bytes()) else {
            return self.insert_peer(name.clone());
        };
        self.touch(peer);
        Some(peer)
    }

    pub(super) fn has_free_peer(&self) -> bool {
        !self.free_peers.is_empty() || self.fresh_peers < self.peers.len()
    }

    pub(super) fn insert_peer(&mut self, name: Name) -> Option<u32> {
        let peer = if let Some(free) = self.free_peers.pop(&mut self.peers) {
            free
        } else if self.fresh_peers < self.peers.len() {
            self.fresh_peers += 1;
            self.fresh_peers - 1
        } else {
            self.evict_peer()?
        };
        let hash = self.hash_key.hash(name.as_bytes());
        *self.peers.at_mut(peer) = PeerSlot {
            name,
            presence: Presence::Unknown,
            ..PeerSlot::VACANT
        };
        self.names.insert(hash, peer);
        self.recent.push(&mut self.peers, peer);
        Some(peer)
    }

    /// Makes room: names that nobody has go first; where the table does not hold the whole room, then those who
    /// were not talked to for longest.
    fn evict_peer(&mut self) -> Option<u32> {
        let mut at = self.recent.first();
        let mut victim = None;
        while let Some(peer) = at {
            let slot = self.peers.at(peer);
            // What the server still keeps for a peer from us must not be forgotten: it comes first.
            let idle = slot.references == 0 && slot.kept <= slot.receipt && slot.name != self.name;
            if idle && slot.presence == Presence::Unknown && !slot.pinned {
                victim = Some(peer);
                break;
            }
            // A key that is forgotten is believed anew: those who were not talked to for longest go first.
            let may_go = self.table.is_partial() || slot.presence == Presence::Unknown;
            if idle && may_go && victim.is_none() {
                victim = Some(peer);
            }
            at = self.recent.after(&self.peers, peer);
        }
        let peer = victim?;
        self.vacate_peer(peer);
        self.free_peers.pop(&mut self.peers)
    }

    fn vacate_peer(&mut self, peer: u32) {
        self.close_connection(peer);
        self.dedup.retire(&self.peers.at(peer).marks);
        let (key, peers) = (self.hash_key, &self.peers);
        let hash = key.hash(peers.at(peer).name.as_bytes());
        self.names
            .remove(hash, peer, |held| key.hash(peers.at(held).name.as_bytes()));
        self.recent.remove(&mut self.peers, peer);
        self.untold_keys.remove(&mut self.peers, peer);
        *self.peers.at_mut(peer) = PeerSlot::VACANT;
        self.free_peers.push(&mut self.peers, peer);
    }

    /// Notes that a peer is talked to.
    pub(super) fn touch(&mut self, peer: u32) {
        if !self.recent.is_last(peer) {
            self.recent.remove(&mut self.peers, peer);
            self.recent.push(&mut self.peers, peer);
        }
    }

    // ---- the table as the server tells it ----

    /// Takes a page; true if it has news: a change, even one that was taken back meanwhile, or a whole table that is
    /// not what was here.
    pub(super) fn take_page(
        &mut self,
        version: u32,
        restart: bool,
        complete: bool,
        entries: &[u8],
    ) -> bool {
        let brings_changes = self.table.begin_page(restart);
        let mut news = brings_changes && !entries.is_empty();
        for entry in Entry::parse_all(entries) {
            news |= self.take_entry(&entry);
        }
        if self.table.end_page(version, complete) {
            news |= self.unlist_unseen();
        }
        news
    }

    /// Removes those that the whole table did not name; true if there were any.
    fn unlist_unseen(&mut self) -> bool {
        let mut found = false;
        for peer in 1..self.fresh_peers {
            let slot = self.peers.at(peer);
            let listed = matches!(slot.presence, Presence::Online | Presence::Offline);
            if listed && slot.seen_in != self.table.generation() {
                self.unlist(peer);
                found = true;
            }
        }
        found
    }

    /// Takes one entry; true if it changes anything.
    pub(super) fn take_entry(&mut self, entry: &Entry<'_>) -> bool {
        let presence = match entry.status {
            Status::Online => Presence::Online,
            Status::Offline => Presence::Offline,
            Status::Gone => {
                if let Some(peer) = self.find_peer(entry.name.as_bytes()) {
                    self.unlist(peer);
                }
                return true;
            }
        };
        let Ok(name) = Name::new(entry.name) else {
            self.stats.drop(DropReason::Malformed);
            return false;
        };
        let Some(peer) = self
            .find_peer(entry.name.as_bytes())
            .or_else(|| self.insert_peer(name))
        else {
            // A name that was typed and that nobody has holds the last slot, for as long as it is looked up.
            self.table.note_lack_of_room();
            self.stats.drop(DropReason::Busy);
            return false;
        };
        let slot = self.peers.at_mut(peer);
        slot.seen_in = self.table.generation();
        let restarted = slot.incarnation != entry.incarnation;
        let moved = restarted || slot.address != entry.address;
        let rekeyed = slot.key != entry.key;
        let foreign = rekeyed && slot.pinned;
        let changed = moved || slot.presence != presence || slot.foreign != foreign;
        slot.foreign = foreign;
        if rekeyed && !foreign {
            self.sessions.at_mut(peer).wipe();
            slot.wipe();
            slot.key = entry.key;
            (slot.writes, slot.reads) = (false, 0);
        }
        if restarted {
            let process = process_number(self.identity.suite(), entry.name, entry.incarnation);
            self.dedup.retire(&slot.marks);
            slot.marks = self.dedup.recall(process);
            slot.incarnation = entry.incarnation;
            slot.opening = 0;
        }
        let server = self.server.into();
        let slot = self.peers.at_mut(peer);
        let returned = slot.presence == Presence::Offline && presence == Presence::Online;
        slot.address = entry.address;
        slot.presence = presence;
        let same = self.sessions.at(peer).is_open() && !restarted && !rekeyed;
        let stays = same && presence == Presence::Online && !slot.unsure;
        // What is outstanding in a session that goes on must not be overtaken on another way.
        if (moved || returned) && !stays {
            // Others know us by the address that the server sees: a peer of the other family would see another one.
            let alike = slot.address.is_like(&server);
            slot.suspect = if alike { 0 } else { slot.incarnation };
        }
        // Whoever only moved keeps the session, and so does one whom only the server has lost sight of: our answer to its
        // call may be on the way. But it may have left and closed the session, and in a closed room nobody says so: if it
        // was not heard of since, it is called again once it is back. What was on its way to the old place otherwise goes
        // the new way.
        let offline = presence == Presence::Offline;
        if stays {
            self.sessions.at_mut(peer).set_remote(entry.address);
        } else if same && offline && !moved && slot.queue.is_empty() {
            slot.unsure = true;
            return changed;
        } else if (moved || rekeyed || offline || same)
            && self.sessions.at(peer).phase() != Phase::Closed
        {
            let keeps_it = same && !moved && self.identity.is_closed();
            self.fall_back(peer);
            if keeps_it && !offline && self.sessions.at(peer).phase() == Phase::Closed {
                // It may still write in what is over here, and nobody would tell it.
                self.call(peer);
            }
        }
        changed
    }

    /// The name has left the table; the slot stays while a command needs it.
    pub(super) fn unlist(&mut self, peer: u32) {
        let slot = self.peers.at_mut(peer);
        slot.presence = Presence::Unknown;
        slot.kept = 0;
        slot.receipt = 0;
        // Whose key is known is remembered, whoever has the name next.
        let idle = slot.references == 0 && !slot.pinned;
        if self.sessions.at(peer).phase() != Phase::Closed {
            self.fall_back(peer);
        }
        if idle {
            self.vacate_peer(peer);
        }
    }

    /// Somebody calls who is not in a table that does not hold the whole room: look the name up, one at a time.
    pub(super) fn wonder(&mut self, name: &str) {
        let Ok(name) = Name::new(name) else { return };
        if self.wondering || self.leaving.is_some() || !self.sessions.at(SERVER).is_open() {
            return;
        }
        let Some(peer) = self.peer_for_command(&name) else {
            return;
        };
        if let Some(slot) = self.allocate(Form::Wonder, peer, "") {
            self.wondering = true;
            self.request(slot);
        }
    }

    // ---- what was shown ----

    /// Who sent something that came through the server.
    pub(super) fn sender(&self, from: &str, incarnation: u64) -> Sender {
        self.current_sender(from, incarnation).unwrap_or_else(|| {
            Sender::Other(process_number(self.identity.suite(), from, incarnation))
        })
    }

    /// The sender, if it is the process that the table names for this peer.
    pub(super) fn current_sender(&self, from: &str, incarnation: u64) -> Option<Sender> {
        let peer = self.find_peer(from.as_bytes())?;
        // No process has the number 0.
        let is_current = incarnation != 0 && self.peers.at(peer).incarnation == incarnation;
        is_current.then_some(Sender::Current(peer))
    }

    /// Whether a message was shown before, without noting it.
    pub(super) fn has_seen(&self, sender: Sender, counter: u32, channel: bool) -> bool {
        match sender {
            Sender::Current(peer) => self.peers.at(peer).marks.has_seen(counter, channel),
            Sender::Other(process) => self.dedup.has_seen(process, counter, channel),
        }
    }

    /// Notes a message; true if it is to be shown.
    pub(super) fn accept_message(&mut self, sender: Sender, counter: u32, channel: bool) -> bool {
        match sender {
            Sender::Current(peer) => {
                self.touch(peer);
                let marks = &mut self.peers.at_mut(peer).marks;
                self.dedup.accept(marks, counter, channel)
            }
            Sender::Other(process) => self.dedup.accept_former(process, counter, channel),
        }
    }
}
