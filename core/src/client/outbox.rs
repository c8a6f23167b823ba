//! Unsettled commands, and which way each message goes.
//!
//! A message goes directly if its recipient is online, can be reached, and has acknowledged everything that the
//! server keeps for it from us. Otherwise the first one goes to the server as a scout, the others are held until
//! its result is known; then they follow it, so that no message overtakes another on a different path.

use super::command::CommandId;
use super::event::{MessageId, MessageStatus, Request};
use super::queue::Queue;
use super::storage::{OutboxSlot, Presence};
use super::{Client, SERVER};
use crate::client::ClientEvent;
use crate::limits::REQUESTS_MAX;
use crate::retry::note_time;
use crate::session::connection::Phase;
use crate::time::Instant;
use crate::wire::{Frame, Outcome};

/// What an outbox slot is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// To the recipient.
    Direct,
    /// To the server, to find the recipient; the message follows.
    Lookup,
    /// To the server: who is this caller? No command, and nothing to report.
    Wonder,
    /// To the server, to be kept.
    Store,
    Post,
    Leave,
}

impl Form {
    fn is_lookup(self) -> bool {
        matches!(self, Self::Lookup | Self::Wonder)
    }
}

/// How a command ended. No zero among its tags: "not yet" is all zero bits, which takes no room in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Final {
    Message(MessageStatus) = 1,
    Posted,
    NotPosted { store_failed: bool },
    Silent(Request),
    Offline,
    Deregistered,
}

/// After a direct path was silent, how long until it is tried again in the background.
const PATH_RETRY_MS: u64 = 20_000;

impl Client<'_> {
    // ---- slots ----

    pub(super) fn allocate(&mut self, form: Form, to: u32, text: &str) -> Option<u32> {
        let slot = match self.free_outbox.pop(&self.outbox) {
            Some(slot) => slot,
            None if self.fresh_outbox < self.outbox.len() => {
                self.fresh_outbox += 1;
                self.fresh_outbox - 1
            }
            None => return None,
        };
        self.commands = self.commands.wrapping_add(1);
        self.outbox_used += 1;
        let id = CommandId(self.commands);
        let entry = self.outbox.at_mut(slot);
        entry.id = id;
        entry.form = form;
        entry.to = to;
        entry.counter = self.commands;
        entry.request = 0;
        entry.tried = 0;
        entry.bounce = false;
        entry.set_text(text);
        self.peers.at_mut(to).references += 1;
        Some(slot)
    }

    /// The command is settled; its slot is free once that was reported.
    pub(super) fn settle(&mut self, slot: u32, result: Final) {
        self.outbox.at_mut(slot).settled = Some(result);
        self.notice(slot);
    }

    fn notice(&mut self, slot: u32) {
        let already = self.outbox.at(slot).next_notice != 0 || self.last_notice == slot + 1;
        if already {
            return;
        }
        match self.last_notice.checked_sub(1) {
            Some(last) => self.outbox.at_mut(last).next_notice = slot + 1,
            None => self.first_notice = slot + 1,
        }
        self.last_notice = slot + 1;
    }

    /// The next thing to report of a command. The slot in the event's place is freed if it was the last.
    pub(super) fn next_notice(&mut self) -> Option<(u32, Notice)> {
        let slot = self.first_notice.checked_sub(1)?;
        let entry = self.outbox.at_mut(slot);
        let notice = if core::mem::take(&mut entry.show) {
            Notice::Show
        } else if core::mem::take(&mut entry.sent_to_server) {
            Notice::Status(MessageStatus::SentToServer)
        } else if core::mem::take(&mut entry.exists) {
            Notice::Status(MessageStatus::Exists)
        } else {
            match entry.settled.take() {
                Some(result) => Notice::Final(result),
                None => {
                    debug_assert!(false, "a slot without anything to report");
                    Notice::Status(MessageStatus::SentToServer)
                }
            }
        };
        let more = entry.sent_to_server || entry.exists || entry.settled.is_some();
        if !more {
            self.first_notice = core::mem::take(&mut entry.next_notice);
            if self.first_notice == 0 {
                self.last_notice = 0;
            }
        }
        if let Notice::Final(_) = notice {
            self.release(slot);
        }
        Some((slot, notice))
    }

    fn release(&mut self, slot: u32) {
        let to = self.outbox.at(slot).to;
        self.peers.at_mut(to).references -= 1;
        self.outbox_used -= 1;
        self.free_outbox.push(&mut self.outbox, slot);
        self.leave_when_settled();
    }

    fn end_wondering(&mut self, slot: u32) {
        self.wondering = false;
        self.release(slot);
    }

    /// The event for a notice. A freed slot keeps its content until the next command.
    pub(super) fn notice_event(&self, slot: u32, notice: Notice) -> ClientEvent<'_> {
        let entry = self.outbox.at(slot);
        let id = entry.id;
        let status = |status| ClientEvent::MessageStatus {
            id,
            to: self.peers.at(entry.to).name.as_str(),
            status,
        };
        match notice {
            Notice::Show => ClientEvent::Message {
                from: self.name.as_str(),
                id: MessageId {
                    incarnation: self.incarnation,
                    counter: entry.counter,
                },
                text: entry.text(),
                channel: false,
                kept_at: None,
            },
            Notice::Status(progress) => status(progress),
            Notice::Final(Final::Message(result)) => status(result),
            Notice::Final(Final::Posted) => ClientEvent::Posted { id },
            Notice::Final(Final::NotPosted { store_failed }) => {
                ClientEvent::NotPosted { id, store_failed }
            }
            Notice::Final(Final::Silent(request)) => {
                ClientEvent::ServerNotResponding { id, request }
            }
            Notice::Final(Final::Offline) => ClientEvent::Offline { id },
            Notice::Final(Final::Deregistered) => ClientEvent::Deregistered { id },
        }
    }

    // ---- the way of a message ----

    /// Sends a command on its way. The first table must have arrived.
    pub(super) fn dispatch(&mut self, slot: u32) {
        let OutboxSlot { form, to, .. } = *self.outbox.at(slot);
        if matches!(form, Form::Post | Form::Leave) {
            return self.request(slot);
        }
        let peer = self.peers.at_mut(to);
        if peer.name == self.name {
            self.outbox.at_mut(slot).show = true;
            self.settle(slot, Final::Message(MessageStatus::Delivered));
        } else if peer.scouting {
            peer.held.push(&mut self.outbox, slot);
        } else if peer.pending != 0 {
            self.store(slot, false);
        } else if peer.presence == Presence::Unknown {
            self.look_up(slot);
        } else if !self.trusts(to) {
            self.settle(slot, Final::Message(MessageStatus::ForeignKey));
        } else if self.is_reachable(to) {
            self.send_directly(slot);
        } else if !self.seal_letter(slot) {
            self.settle(slot, Final::Message(MessageStatus::ForeignKey));
        } else {
            self.peers.at_mut(to).scouting = true;
            self.store(slot, true);
        }
    }

    fn is_reachable(&self, peer: u32) -> bool {
        let peer = self.peers.at(peer);
        peer.presence == Presence::Online
            && peer.receipt >= peer.kept
            && peer.suspect != peer.incarnation
    }

    fn send_directly(&mut self, slot: u32) {
        if !self.unseal_letter(slot) {
            debug_assert!(false, "we have sealed it ourselves");
            return self.settle(slot, Final::Message(MessageStatus::NotDelivered));
        }
        let to = self.outbox.at(slot).to;
        self.outbox.at_mut(slot).form = Form::Direct;
        let peer = self.peers.at_mut(to);
        peer.queue.push(&mut self.outbox, slot);
        self.sessions.at_mut(to).enqueue();
        if self.sessions.at(to).phase() == Phase::Closed {
            self.call(to);
        }
        // Where something waits to be transmitted already, one more frame changes nothing.
        if !self.sessions.is_ready(to) {
            self.attend(to);
        }
    }

    fn look_up(&mut self, slot: u32) {
        let entry = self.outbox.at_mut(slot);
        entry.form = Form::Lookup;
        let to = entry.to;
        self.peers.at_mut(to).scouting = true;
        self.request(slot);
    }

    fn store(&mut self, slot: u32, bounce: bool) {
        if !self.seal_letter(slot) {
            return self.settle(slot, Final::Message(MessageStatus::ForeignKey));
        }
        let to = self.outbox.at(slot).to;
        let peer = self.peers.at_mut(to);
        peer.pending += 1;
        let suspicious = peer.suspect != 0 && peer.suspect == peer.incarnation;
        let closed = self.sessions.at(to).phase() == Phase::Closed;
        if suspicious && closed && self.now.millis_since(peer.tried_at) >= PATH_RETRY_MS {
            self.call(to);
            self.attend(to);
        }
        let entry = self.outbox.at_mut(slot);
        entry.form = Form::Store;
        entry.bounce = bounce;
        entry.tried = if suspicious {
            self.peers.at(to).suspect
        } else {
            0
        };
        entry.sent_to_server = true;
        self.notice(slot);
        self.request(slot);
    }

    /// Hands a slot to the session with the server, or keeps it back while too many requests have no result.
    pub(super) fn request(&mut self, slot: u32) {
        self.backlog.push(&mut self.outbox, slot);
        self.release_backlog();
    }

    /// The server remembers the outcomes of the last 32: none may be asked for while the one that many before it has no
    /// result, though those between them may have theirs.
    fn may_request(&self) -> bool {
        let numbered = |entry: &OutboxSlot| !entry.form.is_lookup();
        let queue = &self.peers.at(SERVER).queue;
        let oldest = self.awaiting.find(&self.outbox, numbered);
        let oldest = oldest.or_else(|| queue.find(&self.outbox, numbered));
        let since = |slot| self.requests.wrapping_sub(self.outbox.at(slot).request);
        self.requests_open < REQUESTS_MAX
            && oldest.is_none_or(|slot| since(slot) < REQUESTS_MAX - 1)
    }

    pub(super) fn release_backlog(&mut self) {
        while self.may_request() {
            let Some(slot) = self.backlog.pop(&self.outbox) else {
                return;
            };
            self.requests_open += 1;
            let entry = self.outbox.at_mut(slot);
            if !entry.form.is_lookup() {
                self.requests = self.requests.wrapping_add(1);
                entry.request = self.requests;
            }
            let server = self.peers.at_mut(SERVER);
            server.queue.push(&mut self.outbox, slot);
            self.sessions.at_mut(SERVER).enqueue();
            match self.sessions.at(SERVER).phase() {
                Phase::Closed => self.open_server(),
                // A request gets all its retries, also if the session was being renewed quietly.
                Phase::Opening if self.sessions.at(SERVER).outstanding() == 1 => self.open_server(),
                _ => {}
            }
            self.attend(SERVER);
        }
    }

    /// What the outbox slot says, as a frame.
    pub(super) fn frame(&self, slot: u32) -> Frame<'_> {
        let entry = self.outbox.at(slot);
        let OutboxSlot {
            request,
            counter,
            tried,
            bounce,
            ..
        } = *entry;
        let to = || self.peers.at(entry.to).name.as_str();
        match entry.form {
            Form::Direct => Frame::Text {
                counter,
                text: entry.text_bytes(),
            },
            Form::Lookup | Form::Wonder => Frame::Lookup {
                query: counter,
                name: to(),
            },
            Form::Store => Frame::Store {
                request,
                counter,
                tried,
                bounce,
                to: to(),
                letter: entry.kept_letter(),
            },
            Form::Post => Frame::Post {
                request,
                counter,
                text: entry.text(),
            },
            Form::Leave => Frame::Leave { request },
        }
    }

    // ---- results ----

    /// The peer acknowledged its oldest message.
    pub(super) fn delivered(&mut self, peer: u32) {
        if let Some(slot) = self.peers.at_mut(peer).queue.pop(&self.outbox) {
            self.settle(slot, Final::Message(MessageStatus::Delivered));
        }
    }

    /// The server acknowledged the oldest request: now its result is awaited.
    pub(super) fn request_acknowledged(&mut self) {
        if let Some(slot) = self.peers.at_mut(SERVER).queue.pop(&self.outbox) {
            self.awaiting.push(&mut self.outbox, slot);
        }
    }

    fn take_awaiting(&mut self, wanted: impl Fn(&OutboxSlot) -> bool) -> Option<u32> {
        let slot = self.awaiting.take(&mut self.outbox, wanted)?;
        self.requests_open -= 1;
        Some(slot)
    }

    pub(super) fn take_result(&mut self, request: u32, outcome: Outcome) {
        let Some(slot) =
            self.take_awaiting(|entry| !entry.form.is_lookup() && entry.request == request)
        else {
            return;
        };
        match self.outbox.at(slot).form {
            Form::Store => self.stored(slot, outcome),
            Form::Post if outcome == Outcome::Saved => self.settle(slot, Final::Posted),
            Form::Post => {
                self.settle(
                    slot,
                    Final::NotPosted {
                        store_failed: outcome == Outcome::NotStored,
                    },
                );
            }
            Form::Leave => self.left(slot),
            Form::Direct | Form::Lookup | Form::Wonder => {
                debug_assert!(false, "these have no result");
            }
        }
        self.release_backlog();
    }

    fn stored(&mut self, slot: u32, outcome: Outcome) {
        let OutboxSlot {
            to,
            counter,
            bounce: scout,
            ..
        } = *self.outbox.at(slot);
        let peer = self.peers.at_mut(to);
        peer.pending -= 1;
        let result = match outcome {
            Outcome::Exists => {
                // Nothing of ours is kept for this peer. What its entry is now, only the server knows.
                peer.receipt = peer.kept;
                self.outbox.at_mut(slot).exists = true;
                self.notice(slot);
                return self.look_up(slot);
            }
            Outcome::Saved => {
                peer.kept = peer.kept.max(counter);
                MessageStatus::Saved
            }
            Outcome::NoSuchClient => {
                // A whole table knows better: the answer may be older than it.
                if self.table.is_partial() {
                    peer.presence = Presence::Unknown;
                }
                MessageStatus::NoSuchClient
            }
            Outcome::Full => MessageStatus::MailboxFull,
            Outcome::NotStored | Outcome::Left => MessageStatus::NotStored,
        };
        self.settle(slot, Final::Message(result));
        if scout {
            self.peers.at_mut(to).scouting = false;
            if outcome == Outcome::Saved {
                while let Some(slot) = self.peers.at_mut(to).held.pop(&self.outbox) {
                    self.store(slot, false);
                }
            } else {
                self.release_held(to);
            }
        }
    }

    /// The scout for this peer has found the way: send what was held.
    fn release_held(&mut self, peer: u32) {
        while !self.peers.at(peer).scouting {
            let Some(slot) = self.peers.at_mut(peer).held.pop(&self.outbox) else {
                return;
            };
            self.dispatch(slot);
        }
    }

    /// What was looked up is in the table now, or `missing`.
    pub(super) fn looked_up(&mut self, query: u32, missing: bool) {
        let Some(slot) =
            self.take_awaiting(|entry| entry.form.is_lookup() && entry.counter == query)
        else {
            return;
        };
        let peer = self.outbox.at(slot).to;
        if missing {
            self.unlist(peer);
        }
        if self.outbox.at(slot).form == Form::Wonder {
            self.end_wondering(slot);
            return self.release_backlog();
        }
        self.peers.at_mut(peer).scouting = false;
        if missing {
            self.settle(slot, Final::Message(MessageStatus::NoSuchClient));
        } else {
            self.dispatch(slot);
        }
        self.release_held(peer);
        self.release_backlog();
    }

    // ---- when a path is lost ----

    /// The session with a peer is over: what was outstanding goes another way, together.
    pub(super) fn fall_back(&mut self, peer: u32) {
        self.close_connection(peer);
        let mut queue = core::mem::replace(&mut self.peers.at_mut(peer).queue, Queue::EMPTY);
        while let Some(slot) = queue.pop(&self.outbox) {
            self.dispatch(slot);
        }
    }

    /// The server is silent: everything that needs it ends.
    pub(super) fn fail_requests(&mut self) {
        let mut queue = core::mem::replace(&mut self.peers.at_mut(SERVER).queue, Queue::EMPTY);
        let mut awaiting = core::mem::replace(&mut self.awaiting, Queue::EMPTY);
        let mut backlog = core::mem::replace(&mut self.backlog, Queue::EMPTY);
        awaiting.append(&mut self.outbox, &mut queue);
        awaiting.append(&mut self.outbox, &mut backlog);
        self.requests_open = 0;
        while let Some(slot) = awaiting.pop(&self.outbox) {
            self.fail_request(slot);
        }
    }

    fn fail_request(&mut self, slot: u32) {
        let OutboxSlot { form, to, .. } = *self.outbox.at(slot);
        let not_delivered = Final::Message(MessageStatus::NotDelivered);
        match form {
            Form::Post => return self.settle(slot, Final::Silent(Request::SendAll)),
            Form::Leave => return self.leave_failed(slot),
            Form::Wonder => return self.end_wondering(slot),
            Form::Store => self.peers.at_mut(to).pending -= 1,
            Form::Direct | Form::Lookup => {}
        }
        self.settle(slot, not_delivered);
        self.peers.at_mut(to).scouting = false;
        self.abandon_held(to);
    }

    fn abandon_held(&mut self, peer: u32) {
        while let Some(slot) = self.peers.at_mut(peer).held.pop(&self.outbox) {
            self.settle(slot, Final::Message(MessageStatus::NotDelivered));
        }
    }

    /// No way is left for the messages to this peer.
    pub(super) fn abandon_messages(&mut self, peer: u32) {
        while let Some(slot) = self.peers.at_mut(peer).queue.pop(&self.outbox) {
            self.settle(slot, Final::Message(MessageStatus::NotDelivered));
        }
        self.abandon_held(peer);
    }

    /// The session with the server is a new one: what has no result is sent again, in its order.
    pub(super) fn repeat_requests(&mut self) {
        let mut queue = core::mem::replace(&mut self.peers.at_mut(SERVER).queue, Queue::EMPTY);
        let mut awaiting = core::mem::replace(&mut self.awaiting, Queue::EMPTY);
        let mut count = 0;
        let mut at = awaiting.first();
        while let Some(slot) = at {
            count += 1;
            at = self.outbox.at(slot).next.checked_sub(1);
        }
        awaiting.append(&mut self.outbox, &mut queue);
        let server = self.peers.at_mut(SERVER);
        server.queue = awaiting;
        for _ in 0..count {
            self.sessions.at_mut(SERVER).enqueue();
        }
    }

    /// When results are awaited, a silent server is noticed this early.
    pub(super) fn awaits_results(&self) -> bool {
        !self.awaiting.is_empty()
    }

    pub(super) fn note_time(&mut self, now: Instant) {
        note_time(&mut self.now, &mut self.woke_at, now, self.retry);
    }
}

/// Something to report of a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Notice {
    Show,
    Status(MessageStatus),
    Final(Final),
}
