//! Orders of the operator. Each takes effect when its record is stored, and its result is known
//! then.

use super::Server;
use super::messages::ALL_MAY_GO;
use crate::crypto::PublicKey;
use crate::limits::TEXT_LEN_MAX;
use crate::name::Name;
use crate::server::channel_log::LogSlot;
use crate::server::deny_list::DenyEntry;
use crate::server::origin::Origin;
use crate::server::record::StoreFailed;
use crate::server::restriction::{
    Accepted, OrderError, OrderId, Restriction, RestrictionKind, Subject,
};
use crate::server::restrictions::RestrictionSlot;
use crate::time::UnixSeconds;

/// Seconds for which a name that was kicked stays out.
const KICK_S: u32 = 60;

impl<'a> Server<'a> {
    /// Sets the memory for restrictions, before a [`restore`](Self::restore). Without it, all
    /// orders to restrict clients are refused.
    pub fn moderate(&mut self, slots: &'a mut [RestrictionSlot]) {
        self.admission.restrictions_mut().set_slots(slots);
    }

    /// Keeps these clients out of the room from now on, as a ban without an end does. Those that
    /// are in the room are put out. The entries must be sorted. After a
    /// [`restore`](Self::restore), call it again. Cost: walks all names.
    //= PROTOCOL.md#9.11
    pub fn set_deny_list(&mut self, deny_list: &'a [DenyEntry]) {
        self.admission.restrictions_mut().set_deny_list(deny_list);
        self.put_out_refused();
    }

    /// Orders a restriction. It replaces one of the same kind for the same clients.
    ///
    /// # Errors
    /// Returns [`OrderError::Full`] or [`OrderError::Busy`].
    pub fn restrict(&mut self, restriction: Restriction) -> Result<OrderId, OrderError> {
        let (after, wall) = (self.accepted(), self.wall);
        let restrictions = self.admission.restrictions_mut();
        restrictions.restrict(restriction, after, wall)
    }

    /// Orders the end of a restriction.
    ///
    /// # Errors
    /// Returns [`OrderError::NotRestricted`] or [`OrderError::Busy`].
    pub fn lift(
        &mut self,
        kind: RestrictionKind,
        subject: &Subject,
    ) -> Result<OrderId, OrderError> {
        let (after, wall) = (self.accepted(), self.wall);
        let restrictions = self.admission.restrictions_mut();
        restrictions.lift(kind, subject, after, wall)
    }

    /// Orders that a client is put out. Its name is banned for a minute, so that the client does
    /// not return at once.
    ///
    /// # Errors
    /// Returns [`OrderError::NoSuchName`], [`OrderError::NotInRoom`], or an error of
    /// [`restrict`](Self::restrict).
    pub fn kick(&mut self, name: &str) -> Result<OrderId, OrderError> {
        let slot = self.known(name)?;
        if !self.roster.at(slot).membership().is_here() {
            return Err(OrderError::NotInRoom);
        }
        let name = Name::new(name).map_err(|_| OrderError::NoSuchName)?;
        self.restrict(Restriction {
            kind: RestrictionKind::Ban,
            subject: Subject::Name(name),
            until: Some(UnixSeconds(self.wall.0.saturating_add(KICK_S))),
        })
    }

    /// Orders that an offline name is forgotten, with the messages that are stored for it.
    ///
    /// # Errors
    /// Returns [`OrderError::NoSuchName`], [`OrderError::InRoom`] or [`OrderError::Busy`].
    //= PROTOCOL.md#9.11
    pub fn forget_name(&mut self, name: &str) -> Result<OrderId, OrderError> {
        let slot = self.known(name)?;
        let found = self.roster.at(slot);
        if found.membership().is_here() {
            return Err(OrderError::InRoom);
        }
        if found.results().is_leaving() {
            // The deregistration itself is not stored yet.
            return Err(OrderError::Busy);
        }
        let id = self.admission.restrictions_mut().forget(slot)?;
        self.expire(slot);
        Ok(id)
    }

    /// Orders an announcement: an entry of the channel log that no name has sent. All clients get
    /// it, those that are offline when they return. Older entries make room.
    ///
    /// # Errors
    /// Returns [`OrderError::BadText`], or [`OrderError::Busy`] if too much waits for the store.
    //= PROTOCOL.md#12.3
    pub fn announce_to_all(&mut self, text: &str) -> Result<OrderId, OrderError> {
        if text.is_empty() || text.len() > TEXT_LEN_MAX {
            return Err(OrderError::BadText);
        }
        if self.admission.restrictions().is_busy() {
            return Err(OrderError::Busy);
        }
        let number = self.channel.next_number();
        let origin = Origin {
            incarnation: self.journal.epoch(),
            counter: number,
            request: 0,
        };
        let entry = LogSlot::announcement(origin, self.wall, self.mail.serial());
        let filled = self.fill_channel(number);
        let appended = filled.and_then(|()| self.append(entry, text, ALL_MAY_GO));
        let number = appended.ok_or(OrderError::Busy)?;
        self.admission.restrictions_mut().announce(number)
    }

    /// Returns the result of an order: whether it is stored, and has taken effect.
    pub fn poll_order(&mut self) -> Option<(OrderId, Result<(), StoreFailed>)> {
        self.admission.restrictions_mut().poll_result()
    }

    /// Returns the restrictions in force. Cost: walks the memory for them.
    pub fn restrictions(&self) -> impl Iterator<Item = &Restriction> {
        self.admission.restrictions().in_force(self.wall)
    }

    /// Returns the key of a name that is in the [table](Self::table).
    pub fn key_of(&self, name: &str) -> Option<PublicKey> {
        let slot = self.roster.find(name)?;
        Some(self.roster.at(slot).process().key())
    }

    /// Returns the slot of a name that a client has, or had until it expires.
    fn known(&self, name: &str) -> Result<u32, OrderError> {
        let found = self.roster.find(name);
        let is_known = |slot: &u32| self.roster.at(*slot).membership().is_known();
        found.filter(is_known).ok_or(OrderError::NoSuchName)
    }

    /// Returns how far messages and entries have been accepted.
    pub(super) fn accepted(&self) -> Accepted {
        Accepted {
            serial: self.mail.serial(),
            log_next: self.channel.next_number(),
        }
    }
}
