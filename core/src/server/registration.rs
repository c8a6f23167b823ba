//! Who may have which name: cookies, registrations, contests between two processes, departures.

use core::hash::Hasher;
use core::net::SocketAddr;

use super::Server;
use super::event::{Departure, Pending};
use super::storage::{NameSlot, Standing};
use crate::address::PackedAddress;
use crate::entropy::Key;
use crate::hop::Hop;
use crate::limits::HELLO_LEN_MIN;
use crate::name::Name;
use crate::sessions::Side;
use crate::stats::{Drop, Handled};
use crate::time::Instant;
use crate::wire::{Datagram, Hello, Refusal};

/// A cookie is good for the slot of time it was made in and for the next one.
const COOKIE_SLOT_MS: u64 = 60_000;

/// Proves that somebody receives at its address, without any state (as in RFC 6347, section 4.2.1).
pub(super) struct Cookies(Key);

impl Cookies {
    pub(super) fn new(key: Key) -> Self {
        Self(key)
    }

    fn make(&self, address: &PackedAddress, slot: u64) -> u64 {
        let mut hasher = self.0.hasher();
        address.hash_into(&mut hasher);
        hasher.write(&slot.to_le_bytes());
        hasher.finish().max(1)
    }

    fn now(&self, address: &PackedAddress, now: Instant) -> u64 {
        self.make(address, now.as_millis() / COOKIE_SLOT_MS)
    }

    fn is_good(&self, address: &PackedAddress, now: Instant, cookie: u64) -> bool {
        let slot = now.as_millis() / COOKIE_SLOT_MS;
        cookie == self.make(address, slot)
            || slot
                .checked_sub(1)
                .is_some_and(|before| cookie == self.make(address, before))
    }
}

fn short(incarnation: u64) -> u32 {
    let [a, b, c, d, ..] = incarnation.to_le_bytes();
    u32::from_le_bytes([a, b, c, d]).max(1)
}

impl Server<'_> {
    pub(super) fn take_hello(
        &mut self,
        from: SocketAddr,
        len: usize,
        hello: &Hello<'_>,
    ) -> Handled {
        if len < HELLO_LEN_MIN || hello.id == 0 || hello.incarnation == 0 {
            return self.stats.drop(Drop::Malformed);
        }
        let address = PackedAddress::from(from);
        if !self.cookies.is_good(&address, self.now, hello.cookie) {
            let cookie = self.cookies.now(&address, self.now);
            self.reply = Some((
                from,
                Datagram::Cookie {
                    to: hello.id,
                    cookie,
                },
            ));
            return self.stats.drop(Drop::NoCookie);
        }
        let Ok(name) = Name::new(hello.name) else {
            return self.refuse(from, hello, Refusal::BadName);
        };
        match self.find(name.as_str()) {
            Some(slot) => self.take_known(slot, from, hello),
            None => self.take_new(name, from, hello),
        }
    }

    fn take_new(&mut self, name: Name, from: SocketAddr, hello: &Hello<'_>) -> Handled {
        if self.names_used == self.names.len() && self.vacated.is_empty() {
            return self.refuse(from, hello, Refusal::RoomFull);
        }
        if !self.sources.admits_registration(&from.into(), self.now) {
            return self.refuse(from, hello, Refusal::RateExceeded);
        }
        match self.insert(name) {
            Some(slot) => self.seat(slot, from, hello, false),
            None => self.refuse(from, hello, Refusal::RoomFull),
        }
    }

    /// Gives a name that nobody has a slot; `None` if the room is full.
    pub(super) fn insert(&mut self, name: Name) -> Option<u32> {
        let slot = self.free_slot()?;
        let hash = self.hash_key.hash(name.as_str().as_bytes());
        let log_end = self.channel.next_number();
        let links = self.names.at(slot).links;
        *self.names.at_mut(slot) = NameSlot {
            name,
            links,
            standing: Standing::Offline,
            log_acked: log_end,
            log_sent: log_end,
            ..NameSlot::VACANT
        };
        self.index.insert(hash, slot);
        Some(slot)
    }

    fn refuse(&mut self, from: SocketAddr, hello: &Hello<'_>, reason: Refusal) -> Handled {
        self.reply = Some((
            from,
            Datagram::Refuse {
                to: hello.id,
                reason,
            },
        ));
        let name = Name::new(hello.name).unwrap_or(Name::VACANT);
        let event = Pending::Refused {
            name,
            address: from,
            reason,
        };
        match reason {
            Refusal::Wait => {}
            Refusal::RateExceeded => self.report_sparingly(event),
            _ => self.report(event),
        }
        self.stats.drop(Drop::Refused)
    }

    fn take_known(&mut self, slot: u32, from: SocketAddr, hello: &Hello<'_>) -> Handled {
        let name = self.names.at(slot);
        if name.forgetting {
            return self.refuse(from, hello, Refusal::Wait);
        }
        if name.gone && !name.registering {
            // Like a name that nobody ever had: what was said before is not for it.
            let log_end = self.channel.next_number();
            let name = self.names.at_mut(slot);
            (name.log_acked, name.log_sent, name.own_lost) = (log_end, log_end, 0);
            return self.admit(slot, from, hello, false);
        }
        if name.incarnation == hello.incarnation && name.resume == hello.resume {
            return self.take_same_process(slot, from, hello);
        }
        if name.registering {
            return self.refuse(from, hello, Refusal::Wait);
        }
        if name.incarnation == hello.incarnation
            || name.previous.contains(&short(hello.incarnation))
        {
            return self.refuse(from, hello, Refusal::Displaced);
        }
        // A process at the same address is the successor: two cannot receive there.
        if !name.is_here() || name.hop.remote == from.into() {
            return self.admit(slot, from, hello, true);
        }
        self.contest(slot, from, hello)
    }

    fn take_same_process(&mut self, slot: u32, from: SocketAddr, hello: &Hello<'_>) -> Handled {
        let name = self.names.at(slot);
        if name.hop.remote_id == hello.id {
            if name.registering {
                return self.refuse(from, hello, Refusal::Wait);
            }
            if name.hop.remote != from.into() {
                return self.stats.drop(Drop::WrongAddress);
            }
            self.names.at_mut(slot).hop.accept_again();
            self.attend(slot);
            return Handled::Accepted;
        }
        if hello.opening <= name.opening {
            return self.stats.drop(Drop::Duplicate);
        }
        if name.registering {
            return self.refuse(from, hello, Refusal::Wait);
        }
        self.admit(slot, from, hello, true)
    }

    /// Somebody asks for a name that is in use: whoever has it is asked for a sign of life.
    fn contest(&mut self, slot: u32, from: SocketAddr, hello: &Hello<'_>) -> Handled {
        let (now, retry) = (self.now, self.retry);
        let name = self.names.at_mut(slot);
        let age = now.millis_since(name.contested_at);
        let asked = name.contested_by == hello.id;
        if asked && name.contest_answered {
            return self.refuse(from, hello, Refusal::NameTaken);
        }
        if asked && age > retry.patience_ms() && !name.hop.is_open() {
            // There is no session to ask in, and its holder did not come back to open one.
            return self.admit(slot, from, hello, true);
        }
        // One contest at a time: its answer is fetched within an interval, then the next one may ask.
        let free = name.contested_by == 0 || age > 2 * u64::from(retry.interval_ms);
        if !asked && free {
            name.contested_by = hello.id;
            name.contested_at = now;
            name.contest_answered = false;
            name.hop.probe();
            self.attend(slot);
        }
        self.refuse(from, hello, Refusal::Wait)
    }

    /// The name in this slot goes to this process, unless its source asks for too much.
    fn admit(&mut self, slot: u32, from: SocketAddr, hello: &Hello<'_>, known: bool) -> Handled {
        if !self.sources.admits_registration(&from.into(), self.now) {
            return self.refuse(from, hello, Refusal::RateExceeded);
        }
        self.seat(slot, from, hello, known)
    }

    /// The name goes to this process: everything is ready, but nothing leaves before it is stored.
    fn seat(&mut self, slot: u32, from: SocketAddr, hello: &Hello<'_>, known: bool) -> Handled {
        let same_process = self.names.at(slot).incarnation == hello.incarnation;
        let here = self.names.at(slot).is_here();
        if known && !same_process && here {
            self.displace(slot);
        }
        let address = PackedAddress::from(from);
        let local_id = self.entropy.draw();
        let (remote_id, window) = (hello.id, hello.window);
        // What was on its way in the old session is told anew, from the cursors.
        self.sessions.change(&mut self.names, slot, |hop| {
            hop.close();
            hop.accept(local_id, remote_id, address, window);
        });
        self.names.at_mut(slot).hop.sent_accept();
        self.forget_recall(slot);
        self.away.remove(&mut self.names, slot);
        self.vacated.remove(&mut self.names, slot);
        if hello.epoch == self.epoch {
            self.note_shown(slot, hello.mail_shown, hello.channel_shown);
        }
        self.rewind(slot);
        if !same_process {
            self.drop_receipts(slot);
        }
        let (order, table_epoch) = (self.order, self.table_epoch);
        let name = self.names.at_mut(slot);
        if !same_process {
            if name.incarnation != 0 {
                name.previous.rotate_right(1);
                if let Some(latest) = name.previous.first_mut() {
                    *latest = short(name.incarnation);
                }
            }
            name.last_request = 0;
            name.outcomes = 0;
            name.result_sent = 0;
        }
        let stays = same_process && name.standing == Standing::Online;
        let moved = name.address != address;
        name.announce |= stays && moved;
        name.incarnation = hello.incarnation;
        name.resume = hello.resume;
        name.opening = hello.opening;
        name.address = address;
        name.capacity = hello.table_capacity;
        name.partial = false;
        name.partial_due = false;
        name.contested_by = 0;
        name.registering = true;
        name.throttled = false;
        name.fresh = !stays;
        if !stays {
            name.standing = Standing::Returning;
            name.boundary = order + 1;
        }
        // The client may have the table already, up to some version of this life of it.
        let has_table =
            hello.table_epoch == table_epoch && hello.table_version <= self.table_version;
        let version = if has_table { hello.table_version } else { 0 };
        name.table_sent = version;
        name.snapshot = 0;
        name.page_due = true;
        if version == 0 {
            name.snapshot = 1;
            name.snapshot_version = 0;
        }
        self.heard(slot);
        self.change_name(slot);
        self.attend(slot);
        Handled::Accepted
    }

    /// The registration is stored: the client is told, and gets what was kept.
    pub(super) fn admitted(&mut self, slot: u32) {
        let name = self.names.at_mut(slot);
        name.registering = false;
        let returning = name.known;
        name.known = true;
        name.gone = false;
        name.hop.accept_again();
        if core::mem::take(&mut name.fresh) {
            self.report(Pending::Registered { slot, returning });
        }
        self.settle_return(slot);
        self.attend(slot);
    }

    /// The registration could not be stored: it did not happen.
    pub(super) fn not_admitted(&mut self, slot: u32) {
        let hop = &self.names.at(slot).hop;
        let refusal = Datagram::Refuse {
            to: hop.remote_id,
            reason: Refusal::NotStored,
        };
        self.reply = Some((hop.remote.get(), refusal));
        let listed = self.names.at(slot).announced_online;
        if listed {
            // It was online before: the others must learn that it is not.
            return self.depart(slot, Departure::Gone);
        }
        self.end_session(slot);
        let name = self.names.at_mut(slot);
        name.registering = false;
        name.fresh = false;
        name.standing = Standing::Offline;
        if name.known {
            return self.is_away(slot, 0);
        }
        name.gone = true;
        self.vacate(slot);
    }

    /// What was kept at the registration is handed over: the client is online now, and the others learn it.
    pub(super) fn settle_return(&mut self, slot: u32) {
        let name = self.names.at(slot);
        if name.standing != Standing::Returning || name.registering || self.owes_kept(slot) {
            return;
        }
        let name = self.names.at_mut(slot);
        name.standing = Standing::Online;
        name.announce = true;
        self.change_name(slot);
    }

    // ---- departures ----

    /// The old process is told; it may hear it now, or when it next asks for a session.
    fn displace(&mut self, slot: u32) {
        let hop = &self.names.at(slot).hop;
        if hop.is_open() {
            let refusal = Datagram::Refuse {
                to: hop.remote_id,
                reason: Refusal::Displaced,
            };
            self.reply = Some((hop.remote.get(), refusal));
        }
        self.depart(slot, Departure::Displaced);
    }

    /// The client is not active any more; everybody learns it once that is stored.
    pub(super) fn depart(&mut self, slot: u32, reason: Departure) {
        self.end_session(slot);
        let name = self.names.at_mut(slot);
        name.registering = false;
        name.fresh = false;
        if !name.is_here() {
            return;
        }
        name.standing = Standing::Offline;
        name.announce = true;
        self.is_away(slot, 0);
        self.report(Pending::Departed { slot, reason });
        self.change_name(slot);
    }

    pub(super) fn end_session(&mut self, slot: u32) {
        self.sessions.change(&mut self.names, slot, Hop::close);
        self.rewind(slot);
        self.silence.remove(&mut self.names, slot);
        self.forget_recall(slot);
        self.attend(slot);
    }

    pub(super) fn take_reset(&mut self, from: SocketAddr, echo: u64) -> Handled {
        let Some(slot) = self.sessions.find(&self.names, Side::Remote, echo) else {
            return self.stats.drop(Drop::UnknownSession);
        };
        if self.names.at(slot).hop.remote != from.into() {
            return self.stats.drop(Drop::WrongAddress);
        }
        self.depart(slot, Departure::Gone);
        Handled::Accepted
    }

    // ---- signs of life ----

    /// The client was heard of.
    pub(super) fn heard(&mut self, slot: u32) {
        let now = self.now;
        let name = self.names.at_mut(slot);
        name.heard_at = now;
        name.contest_answered = true;
        self.silence.remove(&mut self.names, slot);
        if self.names.at(slot).is_here() {
            self.silence.push(&mut self.names, slot);
        }
    }

    /// The client was silent for long: it is asked for a sign of life, and gone if there is none.
    pub(super) fn watch(&mut self, slot: u32) {
        if !self.names.at(slot).hop.is_open() {
            return self.depart(slot, Departure::Silent);
        }
        let now = self.now;
        let name = self.names.at_mut(slot);
        name.heard_at = now;
        name.hop.probe();
        self.silence.remove(&mut self.names, slot);
        self.silence.push(&mut self.names, slot);
        self.attend(slot);
    }
}
