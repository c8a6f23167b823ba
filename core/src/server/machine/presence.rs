//! Arrival, departure and expiry of names.

use core::net::SocketAddr;

use super::Server;
use crate::address::PackedAddress;
use crate::crypto::{PublicKey, TAG_LEN};
use crate::drop_reason::Disposition;
use crate::name::Name;
use crate::server::event::Departure;
use crate::server::event_queue::Pending;
use crate::server::listing::Listed;
use crate::server::membership::Left;
use crate::server::name_slot::NameSlot;
use crate::server::roster::Space;
use crate::session::connection::Connection;
use crate::wire::Refusal;

impl Server<'_> {
    /// Queues an event for the log.
    pub(super) fn report(&mut self, event: Pending) {
        self.events.push(event);
    }

    // ---- names ----

    /// Assigns a slot to a new name; `None` if the room is full.
    pub(super) fn insert(&mut self, name: Name) -> Option<u32> {
        let inserted = self
            .roster
            .insert(name, self.channel.first_for_new_name())?;
        match inserted.replaced {
            None => self.sessions.prepare(inserted.slot),
            Some(version) => {
                self.sessions.change(inserted.slot, Connection::close);
                self.table.forget_upto(version);
            }
        }
        Some(inserted.slot)
    }

    /// Returns the slot of a sender, with a new slot for one that was forgotten. `None` if the room
    /// is full.
    pub(super) fn sender_slot(&mut self, name: &str) -> Option<u32> {
        if let Some(slot) = self.roster.find(name) {
            return Some(slot);
        }
        let slot = self.insert(Name::new(name).ok()?)?;
        self.roster.at_mut(slot).mark_gone();
        Some(slot)
    }

    /// Schedules a change of this name for the store.
    pub(super) fn change_name(&mut self, slot: u32) {
        let serial = self.mail.serial();
        self.journal
            .note_change(self.roster.slots_mut(), slot, serial);
    }

    /// Schedules a cursor of this name for the store.
    pub(super) fn note_progress(&mut self, slot: u32) {
        self.journal.note_progress(self.roster.slots_mut(), slot);
    }

    /// Announces a stored change of this name: it gets its position in the common order and its
    /// version in the table.
    pub(super) fn announce(&mut self, slot: u32) {
        let order = self.next_order();
        let version = self.table.add(slot, order);
        let name = self.roster.at_mut(slot);
        let was_listed = name.listing().is_listed();
        name.update_listing(version);
        let is_listed = name.listing().is_listed();
        self.table.count(was_listed, is_listed);
        self.reschedule(slot);
    }

    /// Records that a name is offline from now on, and was offline for `before_s` seconds in
    /// earlier runs of the server.
    pub(super) fn note_offline(&mut self, slot: u32, before_s: u32) {
        let names = self.roster.slots_mut();
        self.absence.add(names, slot, self.sessions.now(), before_s);
        self.roster.note_offline(slot);
    }

    /// Expires one name that was offline for too long; false if there is none.
    pub(super) fn expire_one(&mut self) -> bool {
        let Some(slot) = self
            .absence
            .expired(self.roster.slots(), self.sessions.now())
        else {
            return false;
        };
        if self.roster.at(slot).results().is_leaving() {
            // The deregistration itself is not stored yet.
            self.note_offline(slot, 0);
            return true;
        }
        self.expire(slot);
        true
    }

    /// Evicts an offline name that was never used, to make room for another one. The room is gained
    /// once that is stored. False if there is none now, nor later.
    //= PROTOCOL.md#9.9
    pub(super) fn evict_unused(&mut self) -> bool {
        let space = self.roster.make_space(|_| true);
        self.evict_for(space)
    }

    /// Evicts an offline name of this source that was never used, if the source has too many names.
    /// False if the key has, or if no such name is among those that left first.
    //= PROTOCOL.md#15.3
    pub(super) fn evict_unused_of(&mut self, key: &PublicKey, from: &PackedAddress) -> bool {
        let quota = &self.name_quota;
        if !quota.admits_key(key) {
            return false;
        }
        let is_of_source = |name: &NameSlot| quota.is_counted_for(name.counted(), from);
        let space = self.roster.make_space(is_of_source);
        self.evict_for(space)
    }

    fn evict_for(&mut self, space: Space) -> bool {
        if let Space::Evict(slot) = space {
            self.expire(slot);
        }
        space != Space::Never
    }

    /// Expires an offline name. It is forgotten once that is stored.
    pub(super) fn expire(&mut self, slot: u32) {
        self.roster.occupy(slot);
        self.absence.remove(self.roster.slots_mut(), slot);
        self.end_session(slot);
        self.journal.drop_progress(self.roster.slots_mut(), slot);
        self.roster.at_mut(slot).expire();
        self.change_name(slot);
    }

    /// Forgets a name and the messages stored for it. Messages from the name stay.
    pub(super) fn forget(&mut self, slot: u32) {
        while let Some(index) = self.mail.pop(self.roster.at_mut(slot).mailbox_mut()) {
            self.remove_mail(index);
        }
        self.drop_receipts(slot);
        self.sessions.change(slot, Connection::close);
        self.roster.occupy(slot);
        self.uncount(slot);
        let names = self.roster.slots_mut();
        self.journal.drop_change(names, slot);
        self.absence.remove(names, slot);
        self.liveness.remove(names, slot);
        self.notices.remove(names, slot);
        let name = self.roster.at_mut(slot);
        name.forget();
        if name.listing().version() != 0 {
            self.announce(slot);
        }
        self.roster.vacate(slot);
    }

    /// Counts a name that nobody has any more in no quota of names.
    pub(super) fn uncount(&mut self, slot: u32) {
        let name = self.roster.at_mut(slot);
        self.name_quota.uncount(name.counted_mut());
    }

    // ---- departures ----

    /// Ends the session of a client that has left the room. Other clients learn it once it is
    /// stored.
    pub(super) fn depart(&mut self, slot: u32, reason: Departure) {
        self.end_session(slot);
        let left = self.roster.at_mut(slot).leave();
        if left == Left::Absent {
            return;
        }
        if left == Left::Unconfirmed && !self.roster.at(slot).membership().is_known() {
            // The name is free again: perhaps nobody was there.
            return self.expire(slot);
        }
        self.note_offline(slot, 0);
        if left == Left::Registered {
            self.report(Pending::Departed { slot, reason });
        }
        self.change_name(slot);
    }

    /// Returns why a name may not be in the room with its key and from its address, if it may not.
    pub(super) fn refusal_of(&self, slot: u32) -> Option<Refusal> {
        if self.admission.is_open() {
            return None;
        }
        let client = self.roster.suspect(slot);
        self.admission.refusal(client, self.wall)
    }

    /// Puts out all clients that may not be in the room any more.
    //= PROTOCOL.md#9.10
    pub(super) fn put_out_refused(&mut self) {
        for slot in 0..self.roster.used() {
            self.put_out_if_refused(slot);
        }
    }

    /// Puts out a client that may not be in the room any more; returns whether it did. The client
    /// reads the reason in the last datagram of its session, or when it asks for another one.
    pub(super) fn put_out_if_refused(&mut self, slot: u32) -> bool {
        if !self.roster.at(slot).membership().is_here() {
            return false;
        }
        let Some(reason) = self.refusal_of(slot) else {
            return false;
        };
        let parting = if self.sessions.at(slot).is_open() {
            self.sessions.closing(slot, reason)
        } else {
            None
        };
        self.depart(
            slot,
            match reason {
                Refusal::NotAllowed => Departure::NotAllowed,
                _ => Departure::PutOut,
            },
        );
        if let Some(parting) = parting {
            let handshake = self.sessions.at_mut(slot).handshake_mut();
            handshake.keep_parting(parting.datagram());
            let names = self.roster.slots_mut();
            self.notices.add(names, slot, self.sessions.now());
        }
        true
    }

    /// Ends a session: what it did not acknowledge is sent again in the next one.
    pub(super) fn end_session(&mut self, slot: u32) {
        self.sessions.change(slot, Connection::end);
        self.roster.at_mut(slot).end_session();
        let names = self.roster.slots_mut();
        self.liveness.remove(names, slot);
        self.notices.remove(names, slot);
        self.reschedule(slot);
    }

    /// Handles the migration of a client to an address that it has proved; its session stays.
    pub(super) fn moved(&mut self, slot: u32, to: SocketAddr) {
        if self.roster.at_mut(slot).on_moved(to.into()) {
            self.change_name(slot);
        }
    }

    /// Handles a stateless reset: the client's process has lost the session.
    pub(super) fn take_reset(
        &mut self,
        from: SocketAddr,
        echo: u64,
        token: [u8; TAG_LEN],
    ) -> Disposition {
        let slot = match self.sessions.take_reset(from, echo, &token) {
            Ok(slot) => slot,
            Err(reason) => return self.sessions.count_drop(reason),
        };
        self.depart(slot, Departure::Gone);
        Disposition::Accepted
    }

    // ---- keep-alive ----

    /// Records that the client was heard from.
    pub(super) fn heard(&mut self, slot: u32) {
        let name = self.roster.at_mut(slot);
        name.on_heard();
        let is_here = name.membership().is_here();
        let names = self.roster.slots_mut();
        self.liveness
            .on_heard(names, slot, self.sessions.now(), is_here);
    }

    /// Probes a client that was silent for long. It departs if it does not answer, or has no
    /// session.
    pub(super) fn probe(&mut self, slot: u32) {
        if !self.sessions.at(slot).is_open() {
            return self.depart(slot, Departure::Silent);
        }
        let names = self.roster.slots_mut();
        self.liveness
            .on_heard(names, slot, self.sessions.now(), true);
        self.sessions.at_mut(slot).probe();
        self.reschedule(slot);
    }
}
