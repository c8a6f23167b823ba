//! Registrations: handshakes with processes that ask for names.

use core::net::SocketAddr;

use super::Server;
use crate::address::PackedAddress;
use crate::crypto::{FIRST_PAYLOAD_MAX, PublicKey, Responder};
use crate::drop_reason::{Disposition, DropReason};
use crate::name::Name;
use crate::server::claim::{Claim, Denial};
use crate::server::event::Departure;
use crate::server::event_queue::Pending;
use crate::server::listing::Listed;
use crate::server::membership::Admitted;
use crate::server::process::SessionStart;
use crate::server::restriction::Suspect;
use crate::session::connection::{Connection, PeerParameters};
use crate::session::{Repeated, Request, Terms};
use crate::wire::{ClientHello, ClientHelloMessage, Datagram, Refusal, from_payload};

/// A ClientHello whose sender has proved its address and its key.
struct Registration<'a> {
    from: SocketAddr,
    message: &'a ClientHelloMessage<'a>,
    hello: ClientHello<'a>,
    session: SessionStart,
}

impl Server<'_> {
    /// Answers a CookieRequest, or a ClientHello without a valid cookie.
    pub(super) fn take_cookie_request(&mut self, from: SocketAddr, id: u64) -> Disposition {
        self.reply_first_cookie(from, id);
        self.sessions.count_drop(DropReason::NoCookie)
    }

    /// Replies with a cookie and the server's public key.
    fn reply_first_cookie(&mut self, to: SocketAddr, id: u64) {
        let key = self.sessions.identity().public();
        self.sessions.reply_cookie(to, id, Some(key));
    }

    /// Handles a ClientHello.
    //= PROTOCOL.md#4.2
    pub(super) fn take_hello(
        &mut self,
        from: SocketAddr,
        message: &ClientHelloMessage<'_>,
    ) -> Disposition {
        let (id, cookie) = (message.id, message.cookie);
        let address = PackedAddress::from(from);
        if !self.sessions.is_good_cookie(&address, cookie) {
            return self.take_cookie_request(from, id);
        }
        if let Some(repeated) = self.sessions.answer_again(from, id) {
            return self.take_again(repeated, from, id);
        }
        // The rest costs Diffie-Hellman operations.
        let now = self.sessions.now();
        if !self.quotas.admits_handshake(&address, now) {
            return self.refuse_unauthenticated(from, id, Refusal::RateExceeded);
        }
        let request = Request::from(message);
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let read = self.sessions.handshakes().read(&request, &mut payload);
        let Some((responder, len)) = read else {
            return self.sessions.count_drop(DropReason::BadTag);
        };
        let hello = from_payload::<ClientHello<'_>>(payload.get(..len).unwrap_or_default());
        let Some(hello) = hello.filter(|hello| hello.incarnation != 0 && id != 0) else {
            return self.sessions.count_drop(DropReason::Malformed);
        };
        let key = responder.remote();
        let admitted = if self.is_holder(hello.name, &key) {
            self.quotas.admits_return(&key, now)
        } else {
            self.quotas.admits_registration(&address, now)
        };
        if !admitted {
            return self.refuse_unauthenticated(from, id, Refusal::RateExceeded);
        }
        let asked = Registration {
            from,
            message,
            session: SessionStart {
                incarnation: hello.incarnation,
                session_sequence: hello.session_sequence,
                key,
                address,
                cookie_issued_at_ms: cookie.issued_at_ms,
            },
            hello,
        };
        match self.evaluate(&asked) {
            Ok((slot, known)) => self.admit(slot, &asked, responder, known),
            Err(Denial::Probe) => self.refuse_unauthenticated(from, id, Refusal::Wait),
            Err(Denial::Refuse(reason)) if reason.is_unauthenticated() => {
                self.refuse_unauthenticated(from, id, reason)
            }
            Err(Denial::Refuse(reason)) => {
                self.refuse(&asked, responder, reason);
                self.sessions.count_drop(DropReason::Refused)
            }
            Err(Denial::TooMany) => {
                self.refuse(&asked, responder, Refusal::RoomFull);
                self.sessions.count_drop(DropReason::TooManyNames)
            }
            Err(Denial::Renew) => {
                self.reply_first_cookie(from, id);
                self.sessions.count_drop(DropReason::Replayed)
            }
            Err(Denial::Ignore(reason)) => self.sessions.count_drop(reason),
        }
    }

    /// Handles a repeated request whose session exists: the answer was lost, or is not ready.
    fn take_again(&mut self, repeated: Repeated, from: SocketAddr, id: u64) -> Disposition {
        match repeated {
            Repeated::WrongAddress => self.sessions.count_drop(DropReason::WrongAddress),
            Repeated::Unconfirmed(_) => self.refuse_unauthenticated(from, id, Refusal::Wait),
            Repeated::Answered(slot) => {
                self.reschedule(slot);
                self.sessions.count_drop(DropReason::Duplicate)
            }
        }
    }

    /// Returns whether a known name belongs to this key.
    fn is_holder(&self, name: &str, key: &PublicKey) -> bool {
        let found = self.roster.find(name).map(|slot| self.roster.at(slot));
        cfg!(feature = "quotas")
            && found.is_some_and(|name| {
                name.membership().is_known() && !name.process().has_other_key(key)
            })
    }

    /// Decides whether a process gets the requested name; returns the slot, and whether the name
    /// was known before.
    fn evaluate(&mut self, asked: &Registration<'_>) -> Result<(u32, bool), Denial> {
        let refuse = |reason| Err(Denial::Refuse(reason));
        let Ok(name) = Name::new(asked.hello.name) else {
            return refuse(Refusal::BadName);
        };
        if self.admission.has_rejected(asked.message.id) {
            return refuse(Refusal::NotStored);
        }
        //= PROTOCOL.md#9.11
        let client = Suspect {
            name: name.as_str(),
            key: &asked.session.key,
            address: &asked.session.address,
        };
        if let Some(reason) = self.admission.refusal(client, self.wall) {
            return refuse(reason);
        }
        let found = self.roster.find(name.as_str());
        let known = match found {
            Some(slot) => self.evaluate_known(slot, asked)?,
            None => false,
        };
        if found.is_none() && !self.admission.allows_new(name.as_str()) {
            return refuse(Refusal::BadName);
        }
        let SessionStart { key, address, .. } = &asked.session;
        if !known && !self.name_quota.admits(key, address) {
            return if self.evict_unused_of(key, address) {
                refuse(Refusal::Wait)
            } else {
                Err(Denial::TooMany)
            };
        }
        match found.or_else(|| self.insert(name)) {
            Some(slot) => Ok((slot, known)),
            None if self.evict_unused() => refuse(Refusal::Wait),
            None => refuse(Refusal::RoomFull),
        }
    }

    /// Refuses for now, without authentication: any process could have sent the refusal.
    fn refuse_unauthenticated(&mut self, to: SocketAddr, id: u64, reason: Refusal) -> Disposition {
        let refuse = Datagram::Refuse { to: id, reason };
        self.sessions.reply(to, &refuse);
        if reason == Refusal::RateExceeded {
            let event = Pending::Refused {
                name: Name::VACANT,
                address: to.into(),
                reason,
            };
            self.events.push_limited(event, self.sessions.now());
        }
        self.sessions.count_drop(DropReason::Refused)
    }

    /// Refuses for good, authenticated by the server's key. Only the operator learns from an event
    /// that the name has another key, if the allow list hides that.
    fn refuse(&mut self, asked: &Registration<'_>, responder: Responder, reason: Refusal) {
        let request = Request::from(asked.message);
        let is_foreign = reason == Refusal::ForeignKey;
        let answer = if is_foreign && self.admission.hides(asked.hello.name, &asked.session.key) {
            Refusal::NotAllowed
        } else {
            reason
        };
        self.sessions
            .refuse(asked.from, &request, responder, answer);
        self.report(Pending::Refused {
            name: Name::new(asked.hello.name).unwrap_or(Name::VACANT),
            address: asked.session.address,
            reason,
        });
    }

    /// Decides whether a process gets the name in this slot; returns whether it was known before.
    //= PROTOCOL.md#9.3
    fn evaluate_known(&mut self, slot: u32, asked: &Registration<'_>) -> Result<bool, Denial> {
        let connection = self.sessions.at(slot);
        let claim = Claim {
            id: asked.message.id,
            session: &asked.session,
            now: self.sessions.now(),
            retry: self.sessions.retry(),
        };
        let name = self.roster.at_mut(slot);
        let verdict = claim.evaluate(name, connection.remote(), connection.is_open());
        match verdict {
            Ok(false) => name
                .channel_mut()
                .jump_to(self.channel.first_for_new_name()),
            Err(Denial::Probe) => {
                self.sessions.at_mut(slot).probe();
                self.reschedule(slot);
            }
            Err(Denial::Refuse(Refusal::ForeignKey)) if self.is_reassigned(slot, asked) => {
                self.free_name(slot);
                return Err(Denial::Refuse(Refusal::Wait));
            }
            _ => {}
        }
        verdict
    }

    /// Returns whether the allow list gives the name to the key of this process.
    fn is_reassigned(&self, slot: u32, asked: &Registration<'_>) -> bool {
        let present = self.roster.at(slot).process().key();
        cfg!(feature = "moderation")
            && self
                .admission
                .reassigns(asked.hello.name, &present, &asked.session.key)
    }

    /// Forgets a name whose key is not allowed any more, with the messages stored for it: only
    /// that key decrypts them. A client that has the name is put out first.
    //= PROTOCOL.md#9.10
    fn free_name(&mut self, slot: u32) {
        self.put_out_if_refused(slot);
        let name = self.roster.at(slot);
        // A departure that is not stored yet comes first.
        if !name.membership().is_here() && !name.results().is_leaving() {
            self.expire(slot);
        }
    }

    /// Assigns the name to the process and prepares the Accept. It is not sent before the
    /// registration is stored.
    fn admit(
        &mut self,
        slot: u32,
        asked: &Registration<'_>,
        responder: Responder,
        known: bool,
    ) -> Disposition {
        let hello = &asked.hello;
        let terms = Terms {
            epoch: self.journal.epoch(),
            table_epoch: self.table.epoch(),
            window: self.window,
        };
        let request = Request::from(asked.message);
        let name = self.roster.at(slot);
        let is_same = name.has_process(hello.incarnation);
        let is_evicting = known && !is_same && name.membership().is_registered();
        let is_listed = name.listing().is_online();
        let parting = if is_evicting && is_listed && self.sessions.at(slot).is_open() {
            self.sessions.closing(slot, Refusal::Evicted)
        } else {
            None
        };
        let peer = PeerParameters {
            id: asked.message.id,
            window: hello.window,
            reset: hello.reset,
        };
        // The cursors rewind: frames that were in flight in the old session are sent again.
        self.sessions.change(slot, Connection::close);
        let from = asked.from.into();
        let is_accepted = self
            .sessions
            .accept(slot, from, peer, &request, responder, terms);
        if !is_accepted {
            // A key of low order, as reading has excluded already.
            return self.sessions.count_drop(DropReason::BadTag);
        }
        if let Some(parting) = parting {
            let handshake = self.sessions.at_mut(slot).handshake_mut();
            handshake.keep_parting(parting.datagram());
        }
        self.begin_session(slot, asked, known);
        Disposition::Accepted
    }

    /// Begins a session of the process and schedules it for the store. The cursors of its client
    /// start anew.
    fn begin_session(&mut self, slot: u32, asked: &Registration<'_>, known: bool) {
        let hello = &asked.hello;
        let names = self.roster.slots_mut();
        self.notices.remove(names, slot);
        self.absence.remove(names, slot);
        self.roster.occupy(slot);
        if hello.epoch == self.journal.epoch() {
            self.note_shown(slot, hello.mail_shown, hello.channel_shown);
        }
        if !self.roster.at(slot).has_process(hello.incarnation) {
            self.drop_receipts(slot);
        }
        let name = self.roster.at_mut(slot);
        let SessionStart { key, address, .. } = &asked.session;
        if known {
            self.name_quota.move_to(name.counted_mut(), address);
        } else {
            self.name_quota.count(name.counted_mut(), key, address);
        }
        name.begin_session(&asked.session, self.order);
        // The client may have a version of the table in this roster epoch.
        let has_table =
            hello.table_epoch == self.table.epoch() && hello.table_version <= self.table.version();
        let version = if has_table { hello.table_version } else { 0 };
        name.table_mut().begin(hello.table_capacity, version);
        self.heard(slot);
        self.change_name(slot);
        self.reschedule(slot);
    }

    /// Handles a stored registration: the server accepts the client, and sends its stored messages.
    //= PROTOCOL.md#4.5
    pub(super) fn admitted(&mut self, slot: u32) {
        self.roster.at_mut(slot).admit();
        self.sessions.at_mut(slot).confirm();
        // A client that is not there is given up as one that is silent.
        self.sessions.ask_later(slot);
        self.reschedule(slot);
    }

    /// Handles the first datagram of a client in its session. Only that proves that the client is
    /// there: its ClientHello may be a recorded one. Now the process that it replaces is evicted.
    //= PROTOCOL.md#4.5
    pub(super) fn confirm(&mut self, slot: u32) {
        let name = self.roster.at_mut(slot);
        let Some(admitted) = name.confirm() else {
            return;
        };
        if let Admitted::Registered { returning, evicted } = admitted {
            if evicted {
                let to = name.listing().address().get();
                self.sessions.reply_parting(slot, to);
                let reason = Departure::Evicted;
                self.report(Pending::Departed { slot, reason });
            }
            self.report(Pending::Registered { slot, returning });
        }
        if self.roster.at(slot).membership().has_announcement() {
            self.change_name(slot);
        }
        self.settle_return(slot);
    }

    /// Reverts a registration that could not be stored.
    pub(super) fn not_admitted(&mut self, slot: u32) {
        // The server refuses when the client repeats its ClientHello. The prepared Accept is never
        // sent.
        self.admission.reject(self.sessions.at(slot).remote_id());
        let name = self.roster.at_mut(slot);
        name.reject_session();
        if name.listing().is_online() || name.membership().is_stored_unheard() {
            // Other clients must learn that a client left that was online. The store must learn
            // that a name is free of which it has another process.
            return self.depart(slot, Departure::Gone);
        }
        self.end_session(slot);
        let name = self.roster.at_mut(slot);
        name.reject_registration();
        if name.membership().is_known() {
            return self.note_offline(slot, 0);
        }
        self.uncount(slot);
        self.roster.vacate(slot);
    }

    /// Marks the client as online once it has acknowledged all messages from before its
    /// registration. Other clients learn it once it is stored.
    //= PROTOCOL.md#9.2
    pub(super) fn settle_return(&mut self, slot: u32) {
        let is_returning = self.roster.at(slot).membership().is_returning();
        if !is_returning || self.is_behind_boundary(slot) {
            return;
        }
        self.roster.at_mut(slot).settle();
        self.change_name(slot);
    }
}
