//! What clients ask for inside their sessions, and what became of it.

use core::net::SocketAddr;

use super::Server;
use super::event::{Departure, Pending};
use super::persist::NameRecord;
use super::storage::{Flight, LogSlot, MailSlot, NameSlot, Standing};
use crate::crypto::{KEY_LEN, LETTER_OVERHEAD};
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::{KEPT_LETTER_LEN_MAX, MAIL_LEN_MAX, REQUESTS_MAX, TEXT_LEN_MAX};
use crate::session::Side;
use crate::session::connection::{Arrival, Connection, Phase};
use crate::session::reply::Reply;
use crate::wire::{Frame, Outcome, open_in};

/// Requests are counted up to here: arithmetic on their numbers never wraps.
const REQUEST_NUMBER_MAX: u32 = u32::MAX - 2 * REQUESTS_MAX;

/// Outcomes in four bits each.
const NONE: u128 = 0;
const PENDING: u128 = 1;
const OUTCOMES: [(Outcome, u128); 6] = [
    (Outcome::Saved, 2),
    (Outcome::Exists, 3),
    (Outcome::Full, 4),
    (Outcome::NoSuchClient, 5),
    (Outcome::NotStored, 6),
    (Outcome::Left, 7),
];

impl NameSlot {
    /// Whether this process may repeat this request, because it did not acknowledge the result.
    pub(super) fn may_ask_again(&self, incarnation: u64, request: u32) -> bool {
        let recent = self.last_request.wrapping_sub(request) < REQUESTS_MAX;
        let same = self.incarnation == incarnation && !self.forgetting;
        same && recent && request > self.result_acked
    }

    fn outcome_code(&self, request: u32) -> u128 {
        self.outcomes >> (request % REQUESTS_MAX * 4) & 0xf
    }

    pub(super) fn outcome(&self, request: u32) -> Option<Outcome> {
        let code = self.outcome_code(request);
        OUTCOMES
            .iter()
            .find(|(_, known)| *known == code)
            .map(|(outcome, _)| *outcome)
    }

    fn set_outcome_code(&mut self, request: u32, code: u128) {
        let at = request % REQUESTS_MAX * 4;
        self.outcomes = self.outcomes & !(0xf << at) | code << at;
    }

    /// The outcome of a request is known; nothing happens if it was overtaken by 32 later ones.
    pub(super) fn set_outcome(&mut self, request: u32, outcome: Outcome) {
        if self.last_request.wrapping_sub(request) < REQUESTS_MAX {
            let code = OUTCOMES
                .iter()
                .find(|(known, _)| *known == outcome)
                .map_or(NONE, |(_, code)| *code);
            self.set_outcome_code(request, code);
        }
    }

    /// Takes back the outcomes that were stored with a name. What was pending then is stored if a record in front
    /// of this one says so, and otherwise decided again.
    pub(super) fn restore_outcomes(&mut self, record: &NameRecord<'_>) {
        let (before, before_last) = (self.outcomes, self.last_request);
        let same = self.incarnation == record.incarnation;
        self.last_request = record.last_request;
        self.outcomes = record.outcomes;
        let oldest = record.last_request.saturating_sub(REQUESTS_MAX - 1);
        for request in oldest.max(1)..=record.last_request {
            if self.outcome_code(request) == PENDING {
                let known = same && request <= before_last && before_last - request < REQUESTS_MAX;
                let code = before >> (request % REQUESTS_MAX * 4) & 0xf;
                self.set_outcome_code(request, if known && code != PENDING { code } else { NONE });
            }
        }
        // What was lost with the server, and has nothing behind it that was not, is taken when it is made again.
        while self.last_request >= oldest.max(1) && self.outcome_code(self.last_request) == NONE {
            self.last_request -= 1;
        }
    }

    /// Notes a request to deregister: its result is sent when the deregistration is stored.
    fn note_leave(&mut self, request: u32) {
        if !self.note_request(request) {
            self.set_outcome_code(request, PENDING);
        }
        self.leave_request = request;
    }

    /// Notes a request; false if it is a repetition.
    pub(super) fn note_request(&mut self, request: u32) -> bool {
        if request <= self.last_request {
            // Its result is wanted again, if it is still remembered.
            self.result_sent = self.result_sent.min(request.saturating_sub(1));
            let recent = self.last_request - request < REQUESTS_MAX;
            // An outcome without any effect was not stored, and is forgotten after a restart. Later requests have
            // taken effect since, so this one comes too late for its place.
            if recent && self.outcome_code(request) == NONE {
                self.set_outcome(request, Outcome::NotStored);
            }
            return false;
        }
        let skipped = (request - self.last_request - 1).min(REQUESTS_MAX);
        for ahead in 1..=skipped {
            self.set_outcome_code(request - ahead, NONE);
        }
        self.set_outcome_code(request, PENDING);
        self.last_request = request;
        true
    }
}

/// Whether a frame asks for something that a result follows, once it is stored.
fn has_result(frame: &Frame<'_>) -> bool {
    matches!(
        frame,
        Frame::Store { .. } | Frame::Post { .. } | Frame::Leave { .. }
    )
}

impl Server<'_> {
    /// The next request whose result is known and was not sent.
    pub(super) fn next_result(&self, slot: u32) -> Option<u32> {
        let name = self.names.at(slot);
        let oldest = (name.last_request + 1).saturating_sub(REQUESTS_MAX);
        let mut request = (name.result_sent + 1).max(oldest);
        while request <= name.last_request {
            match name.outcome_code(request) {
                PENDING => return None,
                NONE => request += 1,
                _ => return Some(request),
            }
        }
        None
    }

    pub(super) fn take_data(
        &mut self,
        from: SocketAddr,
        to: u64,
        datagram: &mut [u8],
    ) -> Disposition {
        let Some(slot) = self.sessions.find(Side::Local, to) else {
            self.answer(Reply::no_session(&self.identity, from, to));
            return self.stats.drop(DropReason::UnknownSession);
        };
        let suite = self.identity.suite();
        let name = self.names.at_mut(slot);
        if self.sessions.at(slot).phase() == Phase::Closed {
            // Who knows this id was let in, or sees the path: it may learn that we are here, in a closed room, too.
            self.answer(Reply::reset(&self.identity, from, to));
            return self.stats.drop(DropReason::UnknownSession);
        }
        if name.registering {
            return self.stats.drop(DropReason::Unexpected);
        }
        let opened = match open_in(suite, self.sessions.at_mut(slot).keys_mut(), datagram) {
            Ok(opened) => opened,
            Err(reason) => return self.stats.drop(reason),
        };
        let (header, mut frames) = (opened.header, opened.frames);
        if *self.sessions.at(slot).remote() != from.into() {
            // The client's address has changed, perhaps without its knowing, or somebody repeats what it said.
            let id = self.sessions.at(slot).remote_id();
            let proof = header.cookie.filter(|_| opened.newest);
            if !proof.is_some_and(|cookie| self.cookies.is_good(&from.into(), self.now, cookie)) {
                self.send_cookie(from, id, None);
                return self.stats.drop(DropReason::WrongAddress);
            }
            self.moved(slot, from);
        }
        let (now, retry) = (self.now, self.retry);
        let connection = self.sessions.at_mut(slot);
        let newly = match connection.take_header(&header, now, retry, true, &mut self.stats) {
            Ok(newly) => newly,
            Err(reason) => return self.stats.drop(reason),
        };
        self.names.at_mut(slot).throttled = false;
        self.heard(slot);
        self.acknowledged(slot, newly);
        if let Some(version) = header.table_version {
            self.check_table(slot, version);
        }
        let mut handled = Disposition::Accepted;
        let may_hold = !self.sessions.at(slot).is_ack_due_now();
        let has_frames = !frames.rest().is_empty();
        if has_frames {
            self.sessions.at_mut(slot).frames_came(header.round);
        }
        let mut all_have_results = true;
        let mut number = header.first;
        while !frames.rest().is_empty() {
            let arrival = self.sessions.at_mut(slot).arrival(number);
            if arrival == Arrival::Early {
                handled = self.stats.drop(DropReason::OutOfOrder);
                break;
            }
            let frame = match frames.next() {
                Some(Ok(frame)) => frame,
                _ => {
                    handled = self.stats.drop(DropReason::Malformed);
                    break;
                }
            };
            if arrival == Arrival::Duplicate {
                handled = self.stats.drop(DropReason::Duplicate);
            } else if !self.within_rate(slot, &frame) {
                handled = self.stats.drop(DropReason::RateExceeded);
                break;
            } else if self.take_request(slot, &frame) {
                self.stats.received.count_frame(frame.kind());
                self.sessions.at_mut(slot).took(false);
                all_have_results &= has_result(&frame);
            } else {
                handled = self.stats.drop(DropReason::Busy);
                break;
            }
            number = number.wrapping_add(1);
        }
        if has_frames {
            let name = self.names.at_mut(slot);
            if !self.sessions.at(slot).is_ack_delayed() {
                name.held_until = Connection::delayed_until(self.now, self.retry);
            }
            if may_hold && all_have_results && handled == Disposition::Accepted {
                self.sessions.at_mut(slot).delay_ack();
            } else {
                self.sessions.at_mut(slot).flush_ack();
            }
        }
        self.attend(slot);
        handled
    }

    /// Whether the client's source may ask for this now. If not, its window is closed until it asks again.
    fn within_rate(&mut self, slot: u32, frame: &Frame<'_>) -> bool {
        let text_len = match frame {
            Frame::Store { letter, .. } => letter.len(),
            Frame::Post { text, .. } => text.len(),
            Frame::Lookup { .. } => 0,
            _ => return true,
        };
        let name = self.names.at_mut(slot);
        let admitted =
            self.sources
                .admits_request(self.sessions.at(slot).remote(), text_len, self.now);
        name.throttled = !admitted;
        if !admitted {
            self.report_sparingly(Pending::Throttled { slot });
        }
        admitted
    }

    /// Takes over one frame; false if there is no room now.
    fn take_request(&mut self, slot: u32, frame: &Frame<'_>) -> bool {
        match *frame {
            Frame::Lookup { query, name } => return self.look_up(slot, query, name),
            Frame::Store {
                request,
                counter,
                tried,
                bounce,
                to,
                letter,
            } => {
                let sealed = KEY_LEN + LETTER_OVERHEAD < letter.len();
                let fits = sealed && letter.len() <= KEPT_LETTER_LEN_MAX;
                if self.is_new_request(slot, request, fits) {
                    self.store(slot, request, counter, tried, bounce, to, letter);
                }
            }
            Frame::Post {
                request,
                counter,
                text,
            } => {
                let fits = !text.is_empty() && text.len() <= TEXT_LEN_MAX;
                if self.is_new_request(slot, request, fits) {
                    self.post(slot, request, counter, text);
                }
            }
            Frame::Leave { request } => {
                // A client that came back by itself, before it knew that it had left, leaves again.
                if self.names.at(slot).is_here() && request <= REQUEST_NUMBER_MAX {
                    self.names.at_mut(slot).note_leave(request);
                    self.leave(slot);
                }
            }
            _ => {
                self.stats.drop(DropReason::Unexpected);
            }
        }
        true
    }

    fn is_new_request(&mut self, slot: u32, request: u32, fits: bool) -> bool {
        let name = self.names.at_mut(slot);
        let counts = 0 < request && request <= REQUEST_NUMBER_MAX;
        if !fits || !counts || !name.is_here() {
            self.stats.drop(DropReason::Unexpected);
            return false;
        }
        name.note_request(request)
    }

    fn look_up(&mut self, slot: u32, query: u32, name: &str) -> bool {
        // What is kept comes first: an entry must not overtake messages of that name's earlier process.
        let connection = self.sessions.at(slot);
        let room = connection.outstanding() < self.flights_each;
        if !room || self.names.at(slot).mailbox.next_unsent().is_some() {
            return false;
        }
        let found = self
            .find(name)
            .filter(|found| self.names.at(*found).is_listed());
        self.enqueue(
            slot,
            found.map_or(Flight::Missing { query }, |slot| Flight::Found {
                query,
                slot,
            }),
        );
        true
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one frame")]
    fn store(
        &mut self,
        slot: u32,
        request: u32,
        counter: u32,
        tried: u64,
        bounce: bool,
        to: &str,
        letter: &[u8],
    ) {
        let is_known = |name: &NameSlot| name.known && !name.forgetting;
        let Some(recipient) = self
            .find(to)
            .filter(|found| is_known(self.names.at(*found)))
        else {
            return self
                .names
                .at_mut(slot)
                .set_outcome(request, Outcome::NoSuchClient);
        };
        let target = self.names.at(recipient);
        let online = target.standing == Standing::Online && target.announced_online;
        let untried = target.announced_incarnation != tried;
        if bounce && online && untried && !self.has_mail_from(recipient, slot) {
            return self
                .names
                .at_mut(slot)
                .set_outcome(request, Outcome::Exists);
        }
        let mail = MailSlot {
            serial: self.mail.serial + 1,
            incarnation: self.names.at(slot).incarnation,
            from: slot,
            to: recipient,
            counter,
            request,
            stamp: self.wall,
            ..MailSlot::VACANT
        };
        let mut kept = heapless::Vec::<u8, MAIL_LEN_MAX>::new();
        let parts = [&self.names.at(slot).key.0, letter];
        let fits = parts.map(|part| kept.extend_from_slice(part).is_ok());
        debug_assert_eq!(fits, [true; 2], "the length was looked at");
        let room = self.names.at(recipient).mail_count < self.mail_per_name;
        let Some(index) = room.then(|| self.insert_mail(mail, &kept)).flatten() else {
            return self.names.at_mut(slot).set_outcome(request, Outcome::Full);
        };
        self.mail.serial += 1;
        self.names.at_mut(recipient).mail_count += 1;
        self.mail.unsaved.push(&mut self.mail.slots, index);
    }

    fn post(&mut self, slot: u32, request: u32, counter: u32, text: &str) {
        let entry = LogSlot {
            incarnation: self.names.at(slot).incarnation,
            from: slot,
            counter,
            request,
            stamp: self.wall,
            stored_after: self.mail.serial,
            ..LogSlot::VACANT
        };
        let number = self.channel.next_number();
        let filled = self.fill_log(number);
        if filled
            .and_then(|()| self.append_to_log(entry, text))
            .is_none()
        {
            self.names.at_mut(slot).set_outcome(request, Outcome::Full);
        }
    }

    /// The client deregisters. Its session stays open for the result.
    fn leave(&mut self, slot: u32) {
        let name = self.names.at_mut(slot);
        name.standing = Standing::Offline;
        name.announce = true;
        self.silence.remove(&mut self.names, slot);
        self.is_away(slot, 0);
        self.report(Pending::Departed {
            slot,
            reason: Departure::Left,
        });
        self.change_name(slot);
    }
}
