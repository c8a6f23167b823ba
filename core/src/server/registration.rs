//! Who may have which name: registrations, contests between two processes, departures.

use core::net::SocketAddr;

use super::Server;
use super::event::{Departure, Pending};
use super::storage::{NameSlot, Standing};
use crate::address::PackedAddress;
use crate::crypto::{FIRST_PAYLOAD_MAX, PublicKey, Responder, SessionKeys, TAG_LEN};
use crate::drop_reason::{Disposition, DropReason};
use crate::name::Name;
use crate::session::Side;
use crate::session::connection::{Connection, PeerParameters};
use crate::session::key_log::Noted;
use crate::session::reply::Reply;
use crate::wire::{
    ACCEPT_MESSAGE_LEN_MAX, ANSWER_LEN_MAX, Accept, Answer, Datagram, Hello, HelloMessage, Refusal,
    from_payload,
};

/// One name of those who may register at all, and the key it must have, if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The name.
    pub name: Name,
    /// Its key; none for whichever registers first.
    pub key: Option<PublicKey>,
}

fn short(incarnation: u64) -> u32 {
    let [a, b, c, d, ..] = incarnation.to_le_bytes();
    u32::from_le_bytes([a, b, c, d]).max(1)
}

/// A request for a session whose sender has proved where it receives, and which key it has.
struct Registration<'a> {
    from: SocketAddr,
    message: &'a HelloMessage<'a>,
    key: PublicKey,
    hello: Hello<'a>,
}

/// What becomes of it.
enum Verdict {
    /// The name is new, and goes to this process.
    New(Name),
    /// The name in this slot goes to this process; `known`, if it was not forgotten meanwhile.
    Admit {
        slot: u32,
        known: bool,
    },
    Refuse(Refusal),
    /// Its cookie is too old to tell it from a repetition: it gets a new one.
    Renew,
    Ignore(DropReason),
}

impl Server<'_> {
    pub(super) fn take_cookie_request(&mut self, from: SocketAddr, id: u64) -> Disposition {
        self.send_cookie(from, id, Some(self.identity.public()));
        self.stats.drop(DropReason::NoCookie)
    }

    /// Answers with a cookie, and keeps nothing in mind.
    pub(super) fn send_cookie(&mut self, to: SocketAddr, id: u64, key: Option<PublicKey>) {
        let cookie = Datagram::Cookie {
            to: id,
            cookie: self.cookies.make(&to.into(), self.now),
            key,
        };
        self.answer(Reply::new(&self.identity, to, &cookie));
    }

    pub(super) fn take_hello(
        &mut self,
        from: SocketAddr,
        message: &HelloMessage<'_>,
    ) -> Disposition {
        let (id, cookie) = (message.id, message.cookie);
        let address = PackedAddress::from(from);
        if !self.cookies.is_good(&address, self.now, cookie) {
            return self.take_cookie_request(from, id);
        }
        if let Some(slot) = self.sessions.find(Side::Remote, id) {
            return self.take_again(slot, from, id);
        }
        // From here on it costs multiplications on the curve.
        if !self.sources.admits_registration(&address, self.now) {
            return self.hint(from, id, Refusal::RateExceeded);
        }
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let read = Responder::read(
            &self.identity,
            message.prologue,
            message.message,
            &mut payload,
        );
        let Some((responder, len)) = read else {
            return self.stats.drop(DropReason::BadTag);
        };
        let hello = from_payload::<Hello<'_>>(payload.get(..len).unwrap_or_default());
        let Some(hello) = hello.filter(|hello| hello.incarnation != 0 && id != 0) else {
            return self.stats.drop(DropReason::Malformed);
        };
        let key = responder.remote();
        let asked = Registration {
            from,
            message,
            key,
            hello,
        };
        match self.judge(&asked) {
            Verdict::New(name) => match self.insert(name) {
                Some(slot) => self.seat(slot, &asked, responder, false),
                None => self.refuse(&asked, responder, Refusal::RoomFull),
            },
            Verdict::Admit { slot, known } => self.seat(slot, &asked, responder, known),
            Verdict::Refuse(reason) if reason.is_hint() => self.hint(from, id, reason),
            Verdict::Refuse(reason) => self.refuse(&asked, responder, reason),
            Verdict::Renew => {
                self.send_cookie(from, id, Some(self.identity.public()));
                self.stats.drop(DropReason::Replayed)
            }
            Verdict::Ignore(reason) => self.stats.drop(reason),
        }
    }

    /// A request whose session exists: the answer was lost, or is not ready.
    fn take_again(&mut self, slot: u32, from: SocketAddr, id: u64) -> Disposition {
        let name = self.names.at(slot);
        if *self.sessions.at(slot).remote() != from.into() {
            return self.stats.drop(DropReason::WrongAddress);
        }
        if name.registering {
            return self.hint(from, id, Refusal::Wait);
        }
        self.sessions.at_mut(slot).accept_again();
        self.attend(slot);
        self.stats.drop(DropReason::Duplicate)
    }

    fn judge(&mut self, asked: &Registration<'_>) -> Verdict {
        let Ok(name) = Name::new(asked.hello.name) else {
            return Verdict::Refuse(Refusal::BadName);
        };
        if self.not_stored.iter().any(|id| *id == asked.message.id) {
            return Verdict::Refuse(Refusal::NotStored);
        }
        if !self.is_allowed(name.as_str(), &asked.key) {
            return Verdict::Refuse(Refusal::NotAllowed);
        }
        match self.find(name.as_str()) {
            Some(slot) => self.judge_known(slot, asked),
            None => Verdict::New(name),
        }
    }

    fn is_allowed(&self, name: &str, key: &PublicKey) -> bool {
        let Some(allowed) = self.allowed else {
            return true;
        };
        let from = allowed.partition_point(|entry| entry.name.as_str() < name);
        allowed
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|entry| entry.name.as_str() == name)
            .any(|entry| entry.key.is_none_or(|only| only == *key))
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

    /// Asks for patience. Nothing proves that it was us.
    fn hint(&mut self, to: SocketAddr, id: u64, reason: Refusal) -> Disposition {
        let refuse = Datagram::Refuse { to: id, reason };
        self.answer(Reply::new(&self.identity, to, &refuse));
        if reason == Refusal::RateExceeded {
            self.report_sparingly(Pending::Refused {
                name: Name::VACANT,
                address: to,
                reason,
            });
        }
        self.stats.drop(DropReason::Refused)
    }

    /// Refuses for good, under our key.
    fn refuse(
        &mut self,
        asked: &Registration<'_>,
        responder: Responder,
        reason: Refusal,
    ) -> Disposition {
        let mut message = [0; ACCEPT_MESSAGE_LEN_MAX];
        if let Some((_, len)) = self.say(asked, responder, &Answer::Refused(reason), &mut message) {
            let refusal = Datagram::Accept {
                to: asked.message.id,
                message: message.get(..len).unwrap_or_default(),
            };
            self.answer(Reply::new(&self.identity, asked.from, &refusal));
        }
        self.report(Pending::Refused {
            name: Name::new(asked.hello.name).unwrap_or(Name::VACANT),
            address: asked.from,
            reason,
        });
        self.stats.drop(DropReason::Refused)
    }

    /// The second message of a handshake, and its length.
    fn say(
        &mut self,
        asked: &Registration<'_>,
        responder: Responder,
        answer: &Answer,
        message: &mut [u8; ACCEPT_MESSAGE_LEN_MAX],
    ) -> Option<(SessionKeys, usize)> {
        let mut payload = [0; ANSWER_LEN_MAX];
        let payload = postcard::to_slice(answer, &mut payload).ok()?;
        let ephemeral = self.entropy.secret();
        let said = responder.answer(&self.identity, &ephemeral, payload, message)?;
        self.key_log.note(&Noted::Answered {
            identity: &self.identity,
            id: asked.message.id,
            prologue: asked.message.prologue,
            first: asked.message.message,
            ephemeral: &ephemeral,
        });
        Some(said)
    }

    fn judge_known(&mut self, slot: u32, asked: &Registration<'_>) -> Verdict {
        let hello = &asked.hello;
        let name = self.names.at(slot);
        if name.forgetting {
            return Verdict::Refuse(Refusal::Wait);
        }
        if name.gone && !name.registering {
            // Like a name that nobody ever had: what was said before is not for it.
            let log_end = self.channel.next_number();
            let name = self.names.at_mut(slot);
            (name.log_acked, name.log_sent, name.own_lost) = (log_end, log_end, 0);
            return Verdict::Admit { slot, known: false };
        }
        if name.key != asked.key && !name.key.is_none() {
            let settled = name.known || !name.registering;
            return Verdict::Refuse(if settled {
                Refusal::ForeignKey
            } else {
                Refusal::Wait
            });
        }
        if name.incarnation == hello.incarnation {
            // Recorded and sent again, or overtaken by a later one.
            if hello.opening <= name.opening {
                return Verdict::Ignore(DropReason::Duplicate);
            }
            return if name.registering {
                Verdict::Refuse(Refusal::Wait)
            } else {
                Verdict::Admit { slot, known: true }
            };
        }
        if name.registering {
            return Verdict::Refuse(Refusal::Wait);
        }
        if name.previous.contains(&short(hello.incarnation)) {
            return Verdict::Refuse(Refusal::Displaced);
        }
        // A hello of a process before this one, recorded and sent again while its cookie is good.
        if asked.message.cookie.issued_at_ms < name.cookie_issued_at_ms {
            return Verdict::Renew;
        }
        // A process at the same address is the successor: two cannot receive there.
        if !name.is_here() || *self.sessions.at(slot).remote() == asked.from.into() {
            return Verdict::Admit { slot, known: true };
        }
        self.contest(slot, asked.message.id)
    }

    /// Somebody asks for a name that is in use: whoever has it is asked for a sign of life.
    fn contest(&mut self, slot: u32, id: u64) -> Verdict {
        let (now, retry) = (self.now, self.retry);
        let name = self.names.at_mut(slot);
        let age = now.millis_since(name.contested_at);
        let asked = name.contested_by == id;
        if asked && name.contest_answered {
            return Verdict::Refuse(Refusal::NameTaken);
        }
        if asked && age > retry.patience_ms() && !self.sessions.at(slot).is_open() {
            // There is no session to ask in, and its holder did not come back to open one.
            return Verdict::Admit { slot, known: true };
        }
        // One contest at a time: its answer is fetched within an interval, then the next one may ask.
        let free = name.contested_by == 0 || age > 2 * u64::from(retry.interval_ms);
        if !asked && free {
            name.contested_by = id;
            name.contested_at = now;
            name.contest_answered = false;
            self.sessions.at_mut(slot).probe();
            self.attend(slot);
        }
        Verdict::Refuse(Refusal::Wait)
    }

    /// The name goes to this process: everything is ready, but nothing leaves before it is stored.
    fn seat(
        &mut self,
        slot: u32,
        asked: &Registration<'_>,
        responder: Responder,
        known: bool,
    ) -> Disposition {
        let hello = &asked.hello;
        let local_id = self.entropy.draw();
        let accept = Accept {
            id: local_id,
            epoch: self.epoch,
            table_epoch: self.table_epoch,
            window: self.window,
            reset: self.identity.reset_token(local_id),
        };
        let mut message = [0; ACCEPT_MESSAGE_LEN_MAX];
        let said = self.say(asked, responder, &Answer::Accepted(accept), &mut message);
        let Some((session, len)) = said else {
            // Its ephemeral key is one that shares nothing.
            return self.stats.drop(DropReason::BadTag);
        };
        let message = message.get(..len).unwrap_or_default();
        let same_process = self.names.at(slot).incarnation == hello.incarnation;
        let here = self.names.at(slot).is_here();
        if known && !same_process && here {
            self.displace(slot);
        }
        let address = PackedAddress::from(asked.from);
        let other = PeerParameters {
            id: asked.message.id,
            window: hello.window,
            reset: hello.reset,
        };
        // What was on its way in the old session is told anew, from the cursors.
        self.sessions.change(slot, |connection| {
            connection.close();
            connection.accept(local_id, address, other, session, message);
        });
        self.sessions.at_mut(slot).sent_accept();
        self.key_log.note(&Noted::Session(self.sessions.at(slot)));
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
            name.result_acked = 0;
        }
        let stays = same_process && name.standing == Standing::Online;
        let moved = name.address != address;
        name.announce |= stays && moved;
        name.incarnation = hello.incarnation;
        name.key = asked.key;
        name.cookie_issued_at_ms = asked.message.cookie.issued_at_ms;
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
        Disposition::Accepted
    }

    /// The registration is stored: the client is told, and gets what was kept.
    pub(super) fn admitted(&mut self, slot: u32) {
        let name = self.names.at_mut(slot);
        name.registering = false;
        let returning = name.known;
        name.known = true;
        name.gone = false;
        self.sessions.at_mut(slot).accept_again();
        if core::mem::take(&mut name.fresh) {
            self.report(Pending::Registered { slot, returning });
        }
        self.settle_return(slot);
        self.attend(slot);
    }

    /// The registration could not be stored: it did not happen.
    pub(super) fn not_admitted(&mut self, slot: u32) {
        // Its client learns it when it asks again: the answer that it is accepted lies ready, and is never sent.
        let name = self.names.at_mut(slot);
        name.opening = name.opening.saturating_sub(1);
        let id = self.sessions.at(slot).remote_id();
        if self.not_stored.is_full() {
            self.not_stored.pop_front();
        }
        let _ = self.not_stored.push_back(id);
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
        let connection = self.sessions.at_mut(slot);
        if connection.is_open() {
            let (to, id) = (connection.remote().get(), connection.remote_id());
            let reason = Refusal::Displaced;
            let closing = Reply::closing(&self.identity, to, id, connection.keys_mut(), reason);
            self.answer(closing);
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
        self.sessions.change(slot, Connection::end);
        self.rewind(slot);
        self.silence.remove(&mut self.names, slot);
        self.forget_recall(slot);
        self.attend(slot);
    }

    /// The client has proved that it receives somewhere else now; its session goes on.
    pub(super) fn moved(&mut self, slot: u32, to: SocketAddr) {
        let name = self.names.at_mut(slot);
        self.sessions.at_mut(slot).set_remote(to.into());
        name.address = to.into();
        if name.is_here() {
            name.announce |= name.standing == Standing::Online;
            self.change_name(slot);
        }
    }

    pub(super) fn take_reset(
        &mut self,
        from: SocketAddr,
        echo: u64,
        token: [u8; TAG_LEN],
    ) -> Disposition {
        let Some(slot) = self.sessions.find(Side::Remote, echo) else {
            return self.stats.drop(DropReason::UnknownSession);
        };
        if *self.sessions.at(slot).remote() != from.into() {
            return self.stats.drop(DropReason::WrongAddress);
        }
        if !self.sessions.at(slot).is_reset_by(&token) {
            return self.stats.drop(DropReason::BadTag);
        }
        self.depart(slot, Departure::Gone);
        Disposition::Accepted
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
        if !self.sessions.at(slot).is_open() {
            return self.depart(slot, Departure::Silent);
        }
        let now = self.now;
        let name = self.names.at_mut(slot);
        name.heard_at = now;
        self.sessions.at_mut(slot).probe();
        self.silence.remove(&mut self.names, slot);
        self.silence.push(&mut self.names, slot);
        self.attend(slot);
    }
}
