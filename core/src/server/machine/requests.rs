//! Requests of clients in their sessions, and their outcomes.

use core::net::SocketAddr;

use super::Server;
use crate::crypto::{KEY_LEN, MEDIUM_ID_LEN, MESSAGE_OVERHEAD, PublicKey};
use crate::drop_reason::{Disposition, DropReason};
use crate::limits::{STORED_MESSAGE_LEN_MAX, TEXT_LEN_MAX};
use crate::server::channel_log::LogSlot;
use crate::server::event::Departure;
use crate::server::event_queue::Pending;
use crate::server::in_flight::SentFrame;
use crate::server::listing::Listed;
use crate::server::mailboxes::{Mailboxes, Parties};
use crate::server::origin::Origin;
use crate::server::results::REQUEST_NUMBER_MAX;
use crate::session::connection::Arrival;
use crate::wire::{Frame, Frames, Header, Outcome};

/// Returns whether this may be a stored message, by its length.
fn is_stored_message(message: &[u8]) -> bool {
    let (ephemeral, _) = PublicKey::in_front_of(message);
    let has_id = cfg!(feature = "medium-keys") && ephemeral.is_marked();
    // The id that is missing.
    let spare = if has_id { 0 } else { MEDIUM_ID_LEN };
    let len = message.len() + spare;
    let shortest = KEY_LEN + MEDIUM_ID_LEN + MESSAGE_OVERHEAD;
    shortest < len && len <= STORED_MESSAGE_LEN_MAX
}

impl Server<'_> {
    /// Handles a Data datagram: acknowledgements, then frames.
    pub(super) fn take_data(
        &mut self,
        from: SocketAddr,
        to: u64,
        datagram: &mut [u8],
    ) -> Disposition {
        let received = match self.sessions.receive(from, to, datagram) {
            Ok(received) => received,
            Err(reason) => return self.sessions.count_drop(reason),
        };
        let slot = received.slot;
        if received.moved {
            if !self.sessions.migrate(from, &received) {
                return self.sessions.count_drop(DropReason::WrongAddress);
            }
            self.moved(slot, from);
            // Only restrictions name addresses.
            if cfg!(feature = "moderation") && self.put_out_if_refused(slot) {
                return self.sessions.count_drop(DropReason::Refused);
            }
        }
        let (header, frames) = (received.header, received.frames);
        let newly = match self.sessions.take_header(slot, &header, true) {
            Ok(newly) => newly,
            Err(reason) => return self.sessions.count_drop(reason),
        };
        self.roster.at_mut(slot).set_throttled(false);
        self.heard(slot);
        self.confirm(slot);
        self.acknowledged(slot, newly);
        if let Some(version) = header.table_version {
            self.check_table(slot, version);
        }
        let handled = self.take_frames(slot, &header, frames);
        self.reschedule(slot);
        handled
    }

    /// Accepts the frames of a datagram in order, while there is room. The acknowledgement is
    /// delayed until their results if each frame has one.
    fn take_frames(&mut self, slot: u32, header: &Header, mut frames: Frames<'_>) -> Disposition {
        if frames.rest().is_empty() {
            return Disposition::Accepted;
        }
        let mut may_delay = !self.sessions.at(slot).is_ack_due_now();
        self.sessions.at_mut(slot).frames_came(header.phase);
        let mut handled = Disposition::Accepted;
        let mut number = header.first;
        while !frames.rest().is_empty() {
            match self.take_frame(slot, number, &mut frames) {
                Ok(has_result) => may_delay &= has_result,
                Err(reason) => {
                    handled = self.sessions.count_drop(reason);
                    if reason != DropReason::Duplicate {
                        break;
                    }
                }
            }
            number = number.wrapping_add(1);
        }
        if may_delay && handled == Disposition::Accepted {
            self.sessions.delay_ack(slot);
        } else {
            self.sessions.at_mut(slot).flush_ack();
        }
        handled
    }

    /// Accepts the frame with this number; returns whether a result follows it once it is stored.
    fn take_frame(
        &mut self,
        slot: u32,
        number: u32,
        frames: &mut Frames<'_>,
    ) -> Result<bool, DropReason> {
        let arrival = self.sessions.at_mut(slot).arrival(number);
        if arrival == Arrival::Early {
            return Err(DropReason::OutOfOrder);
        }
        let Some(Ok(frame)) = frames.next() else {
            return Err(DropReason::Malformed);
        };
        if arrival == Arrival::Duplicate {
            return Err(DropReason::Duplicate);
        }
        if self.is_held(slot, &frame) {
            return Err(DropReason::Busy);
        }
        if !self.is_within_rate(slot, &frame) {
            return Err(DropReason::RateExceeded);
        }
        if !self.take_request(slot, &frame) {
            return Err(DropReason::Busy);
        }
        self.sessions.stats_mut().received.count_frame(frame.kind());
        self.sessions.at_mut(slot).took(false);
        Ok(matches!(
            frame,
            Frame::Store { .. } | Frame::Post { .. } | Frame::Leave { .. }
        ))
    }

    /// Returns whether a frame waits for an order of the operator that concerns its sender, and is
    /// not stored yet.
    fn is_held(&self, slot: u32, frame: &Frame<'_>) -> bool {
        let restrictions = self.admission.restrictions();
        !restrictions.is_empty()
            && matches!(frame, Frame::Store { .. } | Frame::Post { .. })
            && restrictions.is_held(self.roster.suspect(slot))
    }

    /// Returns whether the client is muted, and gives the request that outcome then.
    //= PROTOCOL.md#9.11
    fn is_muted(&mut self, slot: u32, request: u32) -> bool {
        let restrictions = self.admission.restrictions();
        let is_muted =
            !restrictions.is_empty() && restrictions.is_muted(self.roster.suspect(slot), self.wall);
        if is_muted {
            let name = self.roster.at_mut(slot);
            name.results_mut().decide(request, Outcome::Muted);
        }
        is_muted
    }

    /// Returns whether the frame is within the rate limit of the client's source. If not, the
    /// client's window is closed until its next datagram.
    fn is_within_rate(&mut self, slot: u32, frame: &Frame<'_>) -> bool {
        let text_len = match frame {
            Frame::Store { ciphertext, .. } => ciphertext.len(),
            Frame::Post { text, .. } => text.len(),
            Frame::Lookup { .. } => 0,
            _ => return true,
        };
        let from = self.sessions.at(slot).remote();
        let admitted = self
            .quotas
            .admits_request(from, text_len, self.sessions.now());
        self.roster.at_mut(slot).set_throttled(!admitted);
        if !admitted {
            let event = Pending::Throttled { slot };
            self.events.push_limited(event, self.sessions.now());
        }
        admitted
    }

    /// Accepts one frame; false if there is no room now.
    fn take_request(&mut self, slot: u32, frame: &Frame<'_>) -> bool {
        match *frame {
            Frame::Lookup { query, name } => return self.look_up(slot, query, name),
            #[cfg(feature = "medium-keys")]
            Frame::Store {
                request,
                to: "",
                ciphertext,
                ..
            } => self.publish_key(slot, request, ciphertext),
            #[cfg(feature = "medium-keys")]
            Frame::Store { .. } if self.awaits_other_key(slot, frame) => return false,
            Frame::Store {
                request,
                counter,
                tried,
                bounce,
                to,
                ciphertext,
            } => {
                let fits = is_stored_message(ciphertext);
                if self.is_new_request(slot, request, fits) && !self.is_muted(slot, request) {
                    let tried = bounce.then_some(tried);
                    self.store(slot, (request, counter), tried, to, ciphertext);
                }
            }
            Frame::Post {
                request,
                counter,
                text,
            } => {
                let fits = !text.is_empty() && text.len() <= TEXT_LEN_MAX;
                if self.is_new_request(slot, request, fits) && !self.is_muted(slot, request) {
                    self.post(slot, request, counter, text);
                }
            }
            Frame::Leave { request } => {
                // A client that registered again before it got the result leaves again.
                let name = self.roster.at_mut(slot);
                if name.membership().is_here() && request <= REQUEST_NUMBER_MAX {
                    name.results_mut().note_leave(request);
                    self.leave(slot);
                }
            }
            _ => {
                self.sessions.count_drop(DropReason::Unexpected);
            }
        }
        true
    }

    pub(super) fn is_new_request(&mut self, slot: u32, request: u32, fits: bool) -> bool {
        let name = self.roster.at_mut(slot);
        let counts = 0 < request && request <= REQUEST_NUMBER_MAX;
        if !fits || !counts || !name.membership().is_here() {
            self.sessions.count_drop(DropReason::Unexpected);
            return false;
        }
        name.results_mut().note(request)
    }

    //= PROTOCOL.md#14.6
    fn look_up(&mut self, slot: u32, query: u32, name: &str) -> bool {
        // Messages that were stored before come first: the answer must not overtake those of that
        // name's earlier process. Later ones do not hold it back, however many there are.
        let after = self.order;
        let name_slot = self.roster.at_mut(slot);
        let after = name_slot.results_mut().await_lookup(query, after);
        let next = name_slot.mailbox().next();
        let is_behind = next.is_some_and(|index| self.mail.order(index) <= after);
        if is_behind
            || !self
                .in_flight
                .has_room(self.sessions.at(slot).outstanding())
        {
            return false;
        }
        let found = self.roster.find(name);
        let frame = match found {
            Some(found) if self.roster.at(found).listing().is_listed() => {
                SentFrame::Found { query, slot: found }
            }
            _ => SentFrame::Missing { query },
        };
        #[cfg(feature = "medium-keys")]
        if let SentFrame::Found { slot: found, .. } = frame
            && !self.hand_out_key(slot, found)
        {
            return false;
        }
        self.roster.at_mut(slot).results_mut().end_lookup();
        self.send(slot, frame);
        true
    }

    /// Queues an answer to a client, for which there is room.
    pub(super) fn send(&mut self, slot: u32, frame: SentFrame) {
        let sequence = self.sessions.at_mut(slot).enqueue();
        self.in_flight.set(slot, sequence, frame);
    }

    /// Stores a message for its recipient. If the recipient is reachable as another process than
    /// `tried`, the outcome is *exists* instead.
    fn store(
        &mut self,
        slot: u32,
        (request, counter): (u32, u32),
        tried: Option<u64>,
        to: &str,
        ciphertext: &[u8],
    ) {
        let recipient = self.roster.find(to);
        let outcome = match recipient {
            //= PROTOCOL.md#9.10
            Some(to)
                if self.roster.at(to).membership().is_known() && self.refusal_of(to).is_none() =>
            {
                let current = self.roster.at(to).listing().incarnation();
                let untried = tried.is_some_and(|tried| tried != current);
                if untried && self.is_reachable(to, slot) {
                    Outcome::Exists
                } else if self.accept_mail(slot, to, (request, counter), ciphertext) {
                    return;
                } else {
                    Outcome::Full
                }
            }
            _ => Outcome::NoSuchClient,
        };
        let name = self.roster.at_mut(slot);
        name.results_mut().decide(request, outcome);
    }

    /// Returns whether the recipient is online, and has acknowledged all stored messages of this
    /// sender.
    pub(super) fn is_reachable(&self, recipient: u32, sender: u32) -> bool {
        let name = self.roster.at(recipient);
        name.membership().is_online()
            && name.listing().is_online()
            && !self.mail.has_from(name.mailbox(), sender)
    }

    /// Accepts a message for the store; false if there is no room for it, or for more of its
    /// sender.
    fn accept_mail(
        &mut self,
        from: u32,
        to: u32,
        (request, counter): (u32, u32),
        ciphertext: &[u8],
    ) -> bool {
        let parties = Parties { from, to };
        let used = (self.roster.at(to).mailbox().count(), self.mail.used());
        let words = Mailboxes::size(ciphertext);
        let sender = self.roster.at(from);
        if !self
            .mail_quota
            .admits(parties, sender.holdings(), used, words)
        {
            return false;
        }
        let process = sender.process();
        let (key, origin) = (
            process.key(),
            Origin {
                incarnation: process.incarnation(),
                counter,
                request,
            },
        );
        let mailbox = self.roster.at_mut(to).mailbox_mut();
        let accepted = self
            .mail
            .accept(mailbox, parties, origin, self.wall, &key, ciphertext);
        if let Some(index) = accepted {
            self.refer(index);
        }
        accepted.is_some()
    }

    fn post(&mut self, slot: u32, request: u32, counter: u32, text: &str) {
        let origin = Origin {
            incarnation: self.roster.at(slot).process().incarnation(),
            counter,
            request,
        };
        let entry = LogSlot::new(slot, origin, self.wall, self.mail.serial());
        let own = self.roster.at(slot).holdings().entries();
        let spared_since = self.channel.spared_since(own, self.wall);
        let filled = self.fill_channel(self.channel.next_number());
        let appended = filled.and_then(|()| self.append(entry, text, spared_since));
        if appended.is_none() {
            let name = self.roster.at_mut(slot);
            name.results_mut().decide(request, Outcome::Full);
        }
    }

    /// Deregisters the client. Its session stays open for the result.
    fn leave(&mut self, slot: u32) {
        self.roster.at_mut(slot).leave();
        self.liveness.remove(self.roster.slots_mut(), slot);
        self.note_offline(slot, 0);
        self.report(Pending::Departed {
            slot,
            reason: Departure::Left,
        });
        self.change_name(slot);
    }
}
