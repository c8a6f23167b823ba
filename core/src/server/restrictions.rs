//! The restrictions in force, and the orders of the operator that wait for the store.
//!
//! An order takes effect once its record is stored. Until then nobody is restricted, but requests
//! of the clients that it concerns wait: none of them is accepted behind the order's back.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::deny_list::{DenyEntry, denies};
use super::record::{Record, StoreFailed};
use super::restriction::{
    Accepted, Effect, OrderError, OrderId, Restriction, RestrictionKind, Subject, Suspect,
};
use crate::address::PackedAddress;
use crate::name::Name;
use crate::time::UnixSeconds;
use crate::wire::Refusal;

impl Subject {
    /// Returns whether a client is one of these.
    fn is(&self, client: Suspect<'_>) -> bool {
        match self {
            Self::Name(name) => name.as_str() == client.name,
            Self::Key(key) => key == client.key,
            Self::Source(ip) => network(*ip) == client.address.network(),
        }
    }

    /// Returns the subject in the form that is the same for the same clients.
    pub(super) fn canonical(self) -> Self {
        match self {
            Self::Source(ip) => Self::Source(match ip.to_canonical() {
                IpAddr::V4(v4) => v4.into(),
                IpAddr::V6(v6) => {
                    let upper = u128::from(v6) & (u128::MAX << 64);
                    Ipv6Addr::from(upper).into()
                }
            }),
            other => other,
        }
    }

    /// Returns whether both are the same clients.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Source(one), Self::Source(other)) => network(*one) == network(*other),
            _ => self == other,
        }
    }
}

fn network(ip: IpAddr) -> u128 {
    PackedAddress::from(SocketAddr::new(ip, 0)).network()
}

impl Restriction {
    /// Returns whether this is a restriction of this kind for these clients.
    fn is_for(&self, kind: RestrictionKind, subject: &Subject) -> bool {
        self.kind == kind && self.subject.is_same(subject)
    }
}

/// Maximum number of orders whose result the caller does not know yet.
const ORDERS_MAX: usize = 8;

/// Memory for one restriction.
#[derive(Clone, Debug)]
pub struct RestrictionSlot(Option<Restriction>);

impl RestrictionSlot {
    /// An unused slot.
    pub const VACANT: Self = Self(None);
}

/// The change that an order makes.
#[derive(Clone, Debug)]
enum Change {
    Restrict(Restriction),
    Lift(RestrictionKind, Subject),
    /// Withdraws the messages of a name.
    Withdraw(Name),
}

/// An order that waits for the store.
#[derive(Clone, Debug)]
struct Pending {
    id: OrderId,
    change: Change,
    /// The messages and log entries that the store must have before.
    after: Accepted,
}

/// Orders that other records carry out, by a number of each.
type Numbered = heapless::Vec<(u32, OrderId), ORDERS_MAX>;

/// Removes and returns the order with this number.
fn take_numbered(orders: &mut Numbered, number: u32) -> Option<OrderId> {
    let mut found = None;
    for (other, id) in core::mem::take(orders) {
        if other == number {
            found = Some(id);
        } else {
            let _ = orders.push((other, id));
        }
    }
    found
}

/// The restrictions in force, and the orders that wait for the store.
pub(super) struct Restrictions<'a> {
    /// The first `used` ones have a restriction, the others are vacant: a request of a client looks
    /// at no slot while nobody is restricted.
    slots: &'a mut [RestrictionSlot],
    used: usize,
    /// Clients that a file of the operator keeps out, sorted.
    deny_list: &'a [DenyEntry],
    pending: heapless::Deque<Pending, ORDERS_MAX>,
    /// Number of pending orders that the store was given.
    given: usize,
    /// Names to forget, by their slots.
    forgetting: Numbered,
    /// Announcements that are not stored yet, by the numbers of their entries.
    announcing: Numbered,
    done: heapless::Deque<(OrderId, Result<(), StoreFailed>), ORDERS_MAX>,
    /// Number of orders whose result the caller has not polled.
    unknown: usize,
    last: u32,
    /// Restored restrictions may concern clients that were restored as present.
    is_unchecked: bool,
}

impl<'a> Restrictions<'a> {
    /// Creates an empty list without memory: it refuses all orders.
    pub(super) fn new() -> Self {
        Self {
            slots: &mut [],
            used: 0,
            deny_list: &[],
            pending: heapless::Deque::new(),
            given: 0,
            forgetting: heapless::Vec::new(),
            announcing: heapless::Vec::new(),
            done: heapless::Deque::new(),
            unknown: 0,
            last: 0,
            is_unchecked: false,
        }
    }

    /// Sets the memory for restrictions, which it clears.
    pub(super) fn set_slots(&mut self, slots: &'a mut [RestrictionSlot]) {
        slots.fill(RestrictionSlot::VACANT);
        self.slots = slots;
        self.used = 0;
    }

    /// Keeps these clients out of the room. The entries must be sorted.
    pub(super) fn set_deny_list(&mut self, deny_list: &'a [DenyEntry]) {
        debug_assert!(deny_list.is_sorted());
        self.deny_list = deny_list;
    }

    /// Returns whether nobody is restricted, and there is no order.
    pub(super) fn is_empty(&self) -> bool {
        self.used == 0 && self.unknown == 0 && self.deny_list.is_empty()
    }

    /// Returns the restrictions in force. Cost: walks all that were not lifted.
    pub(super) fn in_force(&self, now: UnixSeconds) -> impl Iterator<Item = &Restriction> {
        let used = self.slots.get(..self.used).unwrap_or_default();
        let all = used.iter().filter_map(|slot| slot.0.as_ref());
        all.filter(move |restriction| !restriction.has_ended(now))
    }

    /// Returns why a client may not be in the room, if it is banned.
    pub(super) fn refusal(&self, client: Suspect<'_>, now: UnixSeconds) -> Option<Refusal> {
        if denies(self.deny_list, client) {
            return Some(Refusal::Banned(UnixSeconds(0)));
        }
        self.banned_until(client, now).map(Refusal::Banned)
    }

    /// Returns when the ban of a client ends, if it is banned: 0 if it does not end by itself.
    fn banned_until(&self, client: Suspect<'_>, now: UnixSeconds) -> Option<UnixSeconds> {
        let bans = self
            .in_force(now)
            .filter(|it| it.kind == RestrictionKind::Ban && it.subject.is(client));
        let ends = bans.map(|ban| ban.until.unwrap_or(UnixSeconds(0)));
        // A ban without an end counts as the longest.
        ends.max_by_key(|until| until.0.wrapping_sub(1))
    }

    /// Returns whether a client is muted.
    pub(super) fn is_muted(&self, client: Suspect<'_>, now: UnixSeconds) -> bool {
        self.in_force(now)
            .any(|it| it.kind == RestrictionKind::Mute && it.subject.is(client))
    }

    /// Returns whether the requests of a client wait until an order is stored that concerns it.
    pub(super) fn is_held(&self, client: Suspect<'_>) -> bool {
        self.waiting_restrictions()
            .any(|restriction| restriction.subject.is(client))
    }

    // ---- orders ----

    fn next_id(&mut self) -> Result<OrderId, OrderError> {
        if self.is_busy() {
            return Err(OrderError::Busy);
        }
        self.unknown += 1;
        self.last = self.last.wrapping_add(1);
        Ok(OrderId::new(self.last))
    }

    /// Accepts the order to restrict clients. It replaces a restriction of the same kind for them.
    ///
    /// # Errors
    /// Returns [`OrderError::Full`] or [`OrderError::Busy`].
    pub(super) fn restrict(
        &mut self,
        restriction: Restriction,
        after: Accepted,
        now: UnixSeconds,
    ) -> Result<OrderId, OrderError> {
        let subject = restriction.subject.canonical();
        let restriction = Restriction {
            subject,
            ..restriction
        };
        if !self.has_room_for(&restriction, now) {
            return Err(OrderError::Full);
        }
        self.push(Change::Restrict(restriction), after)
    }

    /// Returns the restrictions that wait for the store.
    fn waiting_restrictions(&self) -> impl Iterator<Item = &Restriction> {
        self.pending.iter().filter_map(|order| match &order.change {
            Change::Restrict(restriction) => Some(restriction),
            _ => None,
        })
    }

    /// Returns whether there is room for a restriction beside those in force and those that wait
    /// for the store. One that replaces another takes its slot.
    fn has_room_for(&self, new: &Restriction, now: UnixSeconds) -> bool {
        let replaces = |new: &Restriction| {
            self.in_force(now)
                .any(|old| old.is_for(new.kind, &new.subject))
        };
        let coming = self.waiting_restrictions().filter(|it| !replaces(it));
        let used = self.in_force(now).count() + coming.count();
        let is_waiting = self
            .waiting_restrictions()
            .any(|it| it.is_for(new.kind, &new.subject));
        used < self.slots.len() || is_waiting || replaces(new)
    }

    /// Accepts the order to lift a restriction.
    ///
    /// # Errors
    /// Returns [`OrderError::NotRestricted`] or [`OrderError::Busy`].
    pub(super) fn lift(
        &mut self,
        kind: RestrictionKind,
        subject: &Subject,
        after: Accepted,
        now: UnixSeconds,
    ) -> Result<OrderId, OrderError> {
        let found = self.in_force(now).find(|it| it.is_for(kind, subject));
        let subject = found.ok_or(OrderError::NotRestricted)?.subject.clone();
        self.push(Change::Lift(kind, subject), after)
    }

    /// Accepts the order to withdraw the messages of a name.
    ///
    /// # Errors
    /// Returns [`OrderError::Busy`].
    pub(super) fn withdraw(&mut self, name: Name, after: Accepted) -> Result<OrderId, OrderError> {
        self.push(Change::Withdraw(name), after)
    }

    fn push(&mut self, change: Change, after: Accepted) -> Result<OrderId, OrderError> {
        let id = self.next_id()?;
        let order = Pending { id, change, after };
        self.pending
            .push_back(order)
            .map_err(|_| OrderError::Busy)?;
        Ok(id)
    }

    /// Accepts the order to forget the name in a slot.
    ///
    /// # Errors
    /// Returns [`OrderError::Busy`].
    pub(super) fn forget(&mut self, slot: u32) -> Result<OrderId, OrderError> {
        let id = self.next_id()?;
        let pushed = self.forgetting.push((slot, id));
        pushed.map(|()| id).map_err(|_| OrderError::Busy)
    }

    /// Handles a name that is forgotten; returns whether that was an order.
    pub(super) fn on_forgotten(&mut self, slot: u32) -> bool {
        let id = take_numbered(&mut self.forgetting, slot);
        if let Some(id) = id {
            self.finish(id, Ok(()));
        }
        id.is_some()
    }

    /// Accepts an announcement: the log entry with this number.
    ///
    /// # Errors
    /// Returns [`OrderError::Busy`].
    pub(super) fn announce(&mut self, number: u32) -> Result<OrderId, OrderError> {
        let id = self.next_id()?;
        let pushed = self.announcing.push((number, id));
        pushed.map(|()| id).map_err(|_| OrderError::Busy)
    }

    /// Handles the result of storing the entry of an announcement.
    pub(super) fn on_announced(&mut self, number: u32, stored: bool) {
        if let Some(id) = take_numbered(&mut self.announcing, number) {
            self.finish(id, if stored { Ok(()) } else { Err(StoreFailed) });
        }
    }

    /// Returns whether as many orders wait as can.
    pub(super) fn is_busy(&self) -> bool {
        self.unknown >= ORDERS_MAX
    }

    fn finish(&mut self, id: OrderId, result: Result<(), StoreFailed>) {
        let pushed = self.done.push_back((id, result));
        debug_assert!(
            pushed.is_ok(),
            "there is room for the results of all orders"
        );
    }

    /// Returns whether the caller can poll the result of an order, and whether one waits to be
    /// given to the store.
    pub(super) fn waiting(&self) -> (bool, bool) {
        if self.unknown == 0 {
            return (false, false);
        }
        (!self.done.is_empty(), self.given < self.pending.len())
    }

    /// Removes and returns the result of an order.
    pub(super) fn poll_result(&mut self) -> Option<(OrderId, Result<(), StoreFailed>)> {
        let result = self.done.pop_front();
        self.unknown = self.unknown.saturating_sub(usize::from(result.is_some()));
        result
    }

    // ---- the store ----

    /// Returns how far messages and entries must be stored before the next order; `None` if no
    /// order waits.
    pub(super) fn next_after(&self) -> Option<Accepted> {
        if self.unknown == 0 {
            return None;
        }
        self.pending.iter().nth(self.given).map(|order| order.after)
    }

    /// Builds the record of the next order.
    pub(super) fn next_record(&mut self) -> Option<Record<'_>> {
        let order = self.pending.iter().nth(self.given)?;
        self.given += 1;
        Some(match &order.change {
            Change::Restrict(restriction) => Record::Restrict(restriction),
            Change::Lift(kind, subject) => Record::Lift {
                kind: *kind,
                subject,
            },
            Change::Withdraw(name) => Record::Withdraw {
                name: name.as_str(),
                serial: order.after.serial,
                log_next: order.after.log_next,
            },
        })
    }

    /// Handles the result of the oldest order that the store was given.
    pub(super) fn on_stored(&mut self, stored: bool, now: UnixSeconds) -> Effect {
        let Some(order) = self.pending.pop_front() else {
            return Effect::Nothing;
        };
        self.given = self.given.saturating_sub(1);
        let result = if stored { Ok(()) } else { Err(StoreFailed) };
        self.finish(order.id, result);
        if !stored {
            return Effect::Nothing;
        }
        match order.change {
            Change::Restrict(restriction) => self.enforce(restriction, now),
            Change::Lift(kind, subject) => {
                self.remove(kind, &subject);
                Effect::Nothing
            }
            Change::Withdraw(name) => Effect::Withdrawn(name, order.after),
        }
    }

    /// Puts a restriction in force.
    fn enforce(&mut self, restriction: Restriction, now: UnixSeconds) -> Effect {
        self.remove(restriction.kind, &restriction.subject);
        let effect = match restriction.kind {
            RestrictionKind::Ban => Effect::Banned,
            RestrictionKind::Mute => Effect::Nothing,
        };
        let placed = self.place(restriction, now);
        debug_assert!(placed, "the order was accepted with room for it");
        effect
    }

    fn remove(&mut self, kind: RestrictionKind, subject: &Subject) {
        self.drop_where(|restriction| restriction.is_for(kind, subject));
    }

    /// Drops restrictions; the last ones take their slots.
    fn drop_where(&mut self, is_over: impl Fn(&Restriction) -> bool) {
        for at in (0..self.used).rev() {
            let slot = self.slots.get(at).and_then(|slot| slot.0.as_ref());
            if slot.is_some_and(&is_over) {
                self.used -= 1;
                self.slots.swap(at, self.used);
                if let Some(last) = self.slots.get_mut(self.used) {
                    *last = RestrictionSlot::VACANT;
                }
            }
        }
    }

    /// Places a restriction in a vacant slot; those that have ended make room.
    fn place(&mut self, restriction: Restriction, now: UnixSeconds) -> bool {
        self.drop_where(|other| other.has_ended(now));
        let Some(slot) = self.slots.get_mut(self.used) else {
            return false;
        };
        slot.0 = Some(restriction);
        self.used += 1;
        true
    }

    /// Restores a restriction; false if there is no room for it.
    pub(super) fn restore(&mut self, restriction: &Restriction) -> bool {
        self.is_unchecked = true;
        self.remove(restriction.kind, &restriction.subject);
        self.place(restriction.clone(), UnixSeconds(0))
    }

    /// Restores the end of a restriction.
    pub(super) fn restore_lift(&mut self, kind: RestrictionKind, subject: &Subject) {
        self.remove(kind, subject);
    }

    /// Returns, once, whether restored clients have to be compared with restored restrictions.
    pub(super) fn take_unchecked(&mut self) -> bool {
        core::mem::take(&mut self.is_unchecked)
    }
}

#[cfg(test)]
mod tests;
