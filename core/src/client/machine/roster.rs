//! The roster from the server, and the peers of commands and messages.

use crate::address::PackedAddress;
use crate::client::dedup::process_number;
use crate::client::event::MessageStatus;
use crate::client::listing::{ListingChange, Presence};
use crate::client::machine::Client;
use crate::client::outbox_slot::Form;
use crate::client::peer_key::{KeyChange, PeerKey};
use crate::client::peers::SERVER;
use crate::client::record::Shown;
use crate::crypto::PublicKey;
use crate::drop_reason::DropReason;
use crate::name::Name;
use crate::session::connection::Phase;
use crate::wire::{Entry, Status};

/// The process that sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// The process that the roster has for this peer.
    Current(u32),
    /// Another process, by its [`process_number`].
    Other(u64),
}

impl Client<'_> {
    // ---- peers ----

    /// Returns the slot of a name, and marks it as used. A new name gets a slot, until a lookup
    /// shows that no client has it.
    pub(super) fn peer_for_command(&mut self, name: &Name) -> Option<u32> {
        let Some(peer) = self.peers.find(name.as_bytes()) else {
            return self.insert_peer(name.clone());
        };
        self.peers.touch(peer);
        Some(peer)
    }

    /// Assigns a slot to a name that this client writes to. It may be that of a listed peer: the
    /// name may have registered since the latest page.
    pub(super) fn insert_recipient(&mut self, name: Name) -> Option<u32> {
        let is_whole = !self.table.is_partial();
        if !self.peers.has_room() && is_whole && self.peers.victim(false).is_none() {
            self.peers.victim(true)?;
            self.table.note_eviction();
        }
        self.insert_peer(name)
    }

    /// Assigns a slot to a new name, if need be that of another peer.
    pub(super) fn insert_peer(&mut self, name: Name) -> Option<u32> {
        if !self.peers.has_room() {
            let victim = self.peers.victim(self.table.is_partial())?;
            if self.peers.at(victim).listing().is_listed() {
                // It may be of a whole roster that is arriving.
                self.table.note_lack_of_room();
            }
            self.vacate_peer(victim);
        }
        let pinned = self.pins.get(&name).copied();
        let peer = self.peers.insert(name)?;
        if let Some(key) = pinned {
            *self.peers.at_mut(peer).key_mut() = PeerKey::pinned(key);
        }
        self.sessions.prepare(peer);
        Some(peer)
    }

    fn vacate_peer(&mut self, peer: u32) {
        self.close_connection(peer);
        self.retire_marks(peer);
        self.peers.remove(peer);
    }

    /// Stores the marks of a process that leaves the roster: those of private messages in the pin
    /// of its name, if there is one, where no stranger can push them out.
    fn retire_marks(&mut self, peer: u32) {
        let slot = self.peers.at(peer);
        let mut marks = *slot.marks();
        let (process, counter) = marks.private();
        if counter != 0 && self.pins.raise_mark(slot.name(), process, counter) {
            marks = marks.without_private();
        }
        self.dedup.retire(&marks);
    }

    /// Checks whether messages may go to a peer, or come from it, and pins its key if so.
    ///
    /// # Errors
    /// Those of [`Pins::admit`](crate::client::pins::Pins::admit).
    pub(super) fn admit(&mut self, peer: u32) -> Result<(), MessageStatus> {
        self.pins.admit(self.peers.at_mut(peer))
    }

    /// Returns whether the roster lists another key for a name than the pinned one.
    pub(super) fn is_foreign(&self, name: &str) -> bool {
        let peer = self.peers.find(name.as_bytes());
        peer.is_some_and(|peer| self.peers.at(peer).key().is_foreign())
    }

    /// Returns whether the user ignores the key of a peer.
    pub(super) fn is_ignored(&self, peer: u32) -> bool {
        self.pins.ignored().has_key(self.peers.at(peer).key().get())
    }

    /// Returns whether the user ignores the key of a name, or, if that is not known, a key that had
    /// this name.
    pub(super) fn is_ignored_name(&self, name: &str) -> bool {
        if self.pins.ignored().is_empty() {
            return false;
        }
        match Name::new(name).ok().and_then(|name| self.key_of(&name)) {
            Some(key) => self.pins.ignored().has_key(&key),
            None => self.pins.ignored().has_name(name),
        }
    }

    /// Returns the key of a name: the pinned one, otherwise that of the roster.
    pub(super) fn key_of(&self, name: &Name) -> Option<PublicKey> {
        let listed = || {
            let peer = self.peers.find(name.as_bytes())?;
            Some(*self.peers.at(peer).key().get())
        };
        let key = self.pins.get(name).copied().or_else(listed);
        key.filter(|key| !key.is_none())
    }

    // ---- the roster ----

    /// Applies a page; true if it has news: a change, even one that was reverted since, or a whole
    /// table that differs.
    //= PROTOCOL.md#13.3
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
        let was_partial = self.table.is_partial();
        if self.table.end_page(version, complete) {
            news |= self.unlist_unseen();
        }
        if was_partial && !self.table.is_partial() {
            self.forget_kept();
        }
        news
    }

    /// Removes the names that the whole table did not have; true if there were any.
    fn unlist_unseen(&mut self) -> bool {
        let mut found = false;
        for peer in self.peers.used() {
            let listing = self.peers.at(peer).listing();
            if listing.is_listed() && !listing.was_seen_in(self.table.generation()) {
                self.unlist(peer);
                found = true;
            }
        }
        found
    }

    /// Applies one entry; true if it changes anything.
    pub(super) fn take_entry(&mut self, entry: &Entry<'_>) -> bool {
        let entry = &Entry {
            address: entry.address.on_link_of(self.server.address()),
            ..*entry
        };
        let presence = match entry.status {
            Status::Online => Presence::Online,
            Status::Offline => Presence::Offline,
            Status::Gone => {
                if let Some(peer) = self.peers.find(entry.name.as_bytes()) {
                    self.unlist(peer);
                }
                return true;
            }
        };
        let Some(peer) = self.peer_for_entry(entry.name) else {
            return false;
        };
        let generation = self.table.generation();
        let change = self.peers.list(peer, entry, presence, generation);
        let slot = self.peers.at_mut(peer);
        let key_change = slot.key_mut().list(&entry.key);
        if key_change == KeyChange::Replaced {
            self.sessions.at_mut(peer).wipe();
            slot.message_keys_mut().wipe();
        }
        if change.restarted {
            let process = process_number(
                self.sessions.identity().suite(),
                entry.name,
                entry.incarnation,
            );
            self.retire_marks(peer);
            let slot = self.peers.at_mut(peer);
            let private = self.pins.mark(slot.name(), process);
            let marks = self.dedup.take_former(process);
            slot.restart(marks.with_private(private));
        }
        self.follow_entry(peer, entry, change, key_change.is_other());
        change.any || key_change.changes_trust()
    }

    fn peer_for_entry(&mut self, name: &str) -> Option<u32> {
        let Ok(owned) = Name::new(name) else {
            self.sessions.count_drop(DropReason::Malformed);
            return None;
        };
        let known = self.peers.find(name.as_bytes());
        let peer = known.or_else(|| self.insert_peer(owned));
        if peer.is_none() {
            // A mistyped name can use the last slot during its lookup.
            self.table.note_lack_of_room();
            self.sessions.count_drop(DropReason::Busy);
        }
        peer
    }

    /// Applies a roster entry to the session with its peer: the session stays, or its messages
    /// choose a path again.
    ///
    /// A peer at a new address keeps the session. So does a peer that only the server lost contact
    /// with: an Accept of this client may be in flight to it.
    ///
    /// But the peer may have left and closed the session, and in a closed room no Reset says so. If
    /// nothing came from it since, this client calls it again once it is back.
    fn follow_entry(
        &mut self,
        peer: u32,
        entry: &Entry<'_>,
        change: ListingChange,
        is_rekeyed: bool,
    ) {
        let ListingChange {
            restarted, moved, ..
        } = change;
        let slot = self.peers.at_mut(peer);
        let connection = self.sessions.at_mut(peer);
        let is_online = slot.listing().is_online();
        let is_same = connection.is_open() && !restarted && !is_rekeyed;
        let stays = is_same && is_online && slot.route().is_confirmed();
        // No message on another path may overtake those in a session that stays.
        if (moved || change.returned) && !stays {
            // Peers see this client at the address that the server sees, of one family.
            slot.route_mut()
                .note_move(entry.address.is_like(&self.server.address().into()));
        }
        if stays {
            self.follow_address(peer, entry.address);
        } else if is_same && !is_online && !moved && slot.sending().is_empty() {
            slot.route_mut().mark_unconfirmed();
        } else if (moved || is_rekeyed || !is_online || is_same)
            && connection.phase() != Phase::Closed
        {
            let keeps_it = is_same && !moved && self.sessions.identity().is_closed();
            self.fall_back(peer);
            if keeps_it && is_online && self.sessions.at(peer).phase() == Phase::Closed {
                // The peer may still send in the closed session, and no Reset would tell it.
                self.call(peer);
            }
        }
    }

    /// Keeps a session with a peer that has another address now, according to the server. The peer
    /// proves it before any message goes there.
    //= PROTOCOL.md#4.10
    fn follow_address(&mut self, peer: u32, address: PackedAddress) {
        if !cfg!(feature = "call-guard") {
            return self.sessions.at_mut(peer).set_remote(address);
        }
        if *self.sessions.at(peer).remote() == address {
            return;
        }
        let now = self.sessions.now();
        if !self.peers.at_mut(peer).call_limits_mut().may_call(now) {
            return self.peer_silent(peer);
        }
        self.sessions.at_mut(peer).move_unproved(address);
        self.reschedule(peer);
    }

    /// Removes a name from the roster; the slot stays while a command needs it.
    pub(super) fn unlist(&mut self, peer: u32) {
        self.peers.unlist(peer);
        let slot = self.peers.at_mut(peer);
        slot.route_mut().forget_stored();
        // The slot of a peer with a pinned key has the marks of its shown messages.
        let may_go = !slot.is_referenced() && !slot.key().is_pinned();
        if self.sessions.at(peer).phase() != Phase::Closed {
            self.fall_back(peer);
        }
        if may_go {
            self.vacate_peer(peer);
        }
    }

    /// Looks up a caller that is not in a partial roster, one at a time.
    pub(super) fn look_up_caller(&mut self, name: &str) {
        let Ok(name) = Name::new(name) else { return };
        let is_busy = self.requests.looks_up_caller() || self.registration.leaving().is_some();
        if is_busy || !self.sessions.at(SERVER).is_open() {
            return;
        }
        let Some(peer) = self.peer_for_command(&name) else {
            return;
        };
        if let Some(slot) = self.allocate(Form::CallerLookup, peer, "") {
            self.requests.set_looks_up_caller(true);
            self.request(slot);
        }
    }

    // ---- what was shown ----

    /// Returns the sender of a message that came through the server.
    pub(super) fn sender(&self, from: &str, incarnation: u64) -> Sender {
        match self.peers.find_process(from, incarnation) {
            Some(peer) => Sender::Current(peer),
            None => Sender::Other(process_number(
                self.sessions.identity().suite(),
                from,
                incarnation,
            )),
        }
    }

    /// Returns whether a message was shown before, without recording it.
    pub(super) fn has_seen(&self, sender: Sender, counter: u32, channel: bool) -> bool {
        match sender {
            Sender::Current(peer) => self.peers.at(peer).marks().has_seen(counter, channel),
            Sender::Other(process) => self.dedup.has_seen(process, counter, channel),
        }
    }

    /// Returns whether a private message of a process that is not in the roster was shown before.
    pub(super) fn has_mark(&self, sender: Sender, name: &Name, counter: u32) -> bool {
        match sender {
            Sender::Current(_) => false,
            Sender::Other(process) => counter <= self.pins.mark(name, process),
        }
    }

    /// Takes a stored message, which is new. Its receipt gets its record.
    pub(super) fn accept_stored(&mut self, sender: Sender, name: &Name, counter: u32) {
        match sender {
            Sender::Other(process) if self.pins.raise_mark(name, process, counter) => {
                self.receipts.set_record(Some(Shown {
                    process,
                    channel: false,
                    counter,
                }));
            }
            _ => {
                self.accept_message(sender, counter, false);
            }
        }
    }

    /// Takes a message; true if it is new, and has to be shown. Its receipt gets its record.
    pub(super) fn accept_message(&mut self, sender: Sender, counter: u32, channel: bool) -> bool {
        let record = match sender {
            Sender::Current(peer) => {
                self.peers.touch(peer);
                let marks = self.peers.at_mut(peer).marks_mut();
                marks.accept(counter, channel)
            }
            Sender::Other(process) => self.dedup.accept(process, counter, channel),
        };
        self.receipts.set_record(record);
        record.is_some()
    }
}
