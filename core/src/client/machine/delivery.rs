//! Sends commands on their way, and takes what becomes of them.

use crate::client::event::{ClientEvent, MessageId, MessageStatus, Request};
use crate::client::machine::Client;
use crate::client::notices::{Final, Notice};
use crate::client::outbox_slot::Form;
use crate::client::peers::SERVER;
use crate::client::route::Way;
use crate::session::connection::Phase;
use crate::wire::{Frame, Outcome};

impl Client<'_> {
    // ---- commands ----

    /// Takes a slot for a command; `None` if there is no room.
    pub(super) fn allocate(&mut self, form: Form, to: u32, text: &str) -> Option<u32> {
        let slot = self.outbox.allocate(form, to, text)?;
        self.peers.at_mut(to).add_reference();
        Some(slot)
    }

    /// Frees the slot of a command that ended.
    fn release(&mut self, slot: u32) {
        let to = self.outbox.at(slot).to();
        self.peers.at_mut(to).drop_reference();
        self.outbox.release(slot);
        self.leave_when_settled();
    }

    /// Takes the next thing to report of a command. The slot is freed if it was the last; the event
    /// is made before the next command.
    pub(super) fn next_notice(&mut self) -> Option<(u32, Notice)> {
        let (slot, notice) = self.outbox.next_notice()?;
        if let Notice::Final(_) = notice {
            self.release(slot);
        }
        Some((slot, notice))
    }

    /// Returns the event for a notice.
    pub(super) fn notice_event(&self, slot: u32, notice: Notice) -> ClientEvent<'_> {
        let entry = self.outbox.at(slot);
        let to = self.peers.at(entry.to()).name();
        match notice {
            Notice::Show => ClientEvent::Message {
                from: self.name.as_str(),
                id: MessageId {
                    incarnation: self.incarnation,
                    counter: entry.counter(),
                },
                text: entry.text().as_str(),
                channel: false,
                kept_at: None,
            },
            Notice::Status(status) => ClientEvent::MessageStatus {
                id: entry.id(),
                to: to.as_str(),
                status,
            },
            Notice::Final(result) => result.event(entry.id(), to),
        }
    }

    fn end_message(&mut self, slot: u32, status: MessageStatus) {
        self.outbox.settle(slot, Final::Message(status));
    }

    // ---- the way of a message ----

    /// Sends a command on its way. The first table must have arrived.
    pub(super) fn dispatch(&mut self, slot: u32) {
        let entry = self.outbox.at(slot);
        if matches!(entry.form(), Form::Post | Form::Leave) {
            return self.request(slot);
        }
        let to = entry.to();
        let peer = self.peers.at_mut(to);
        if *peer.name() == self.name {
            return self.outbox.settle(slot, Final::ToSelf);
        }
        let listing = peer.listing();
        match peer.route().way(listing.presence(), listing.incarnation()) {
            Way::Hold => peer.route_mut().hold(self.outbox.slots(), slot),
            Way::Follow => self.store(slot, Form::Store),
            Way::LookUp => self.look_up(slot),
            Way::Direct if self.pins.trusts(self.peers.slots(), to) => self.send_directly(slot),
            Way::Direct => self.end_message(slot, MessageStatus::ForeignKey),
            Way::Probe => self.store(slot, Form::Probe),
        }
    }

    fn send_directly(&mut self, slot: u32) {
        if !self.decrypt_message(slot) {
            debug_assert!(false, "this client has encrypted it itself");
            return self.end_message(slot, MessageStatus::NotDelivered);
        }
        let entry = self.outbox.at_mut(slot);
        let to = entry.to();
        entry.set_form(Form::Direct);
        let peer = self.peers.at_mut(to);
        peer.sending_mut().push(self.outbox.slots(), slot);
        self.sessions.at_mut(to).enqueue();
        if self.sessions.at(to).phase() == Phase::Closed {
            self.call(to);
        }
        // Where something waits to be transmitted already, one more frame changes nothing.
        if !self.sessions.is_ready(to) {
            self.reschedule(to);
        }
    }

    fn look_up(&mut self, slot: u32) {
        let entry = self.outbox.at_mut(slot);
        entry.set_form(Form::Lookup);
        let to = entry.to();
        self.peers.at_mut(to).route_mut().start_probe();
        self.request(slot);
    }

    fn store(&mut self, slot: u32, form: Form) {
        if !self.encrypt_message(slot) {
            return self.end_message(slot, MessageStatus::ForeignKey);
        }
        let to = self.outbox.at(slot).to();
        let peer = self.peers.at_mut(to);
        peer.route_mut().start_store(form);
        let tried = peer.route().tried(peer.listing().incarnation());
        if tried != 0
            && peer.route().is_retry_due(self.sessions.now())
            && self.sessions.at(to).phase() == Phase::Closed
        {
            self.call(to);
            self.reschedule(to);
        }
        self.outbox.at_mut(slot).store_as(form, tried);
        self.outbox.notice(slot).sent_to_server();
        self.request(slot);
    }

    // ---- requests ----

    /// Asks something of the server, as soon as no older request is in the way.
    pub(super) fn request(&mut self, slot: u32) {
        self.requests.hold(&mut self.outbox, slot);
        self.open_requests();
    }

    pub(super) fn open_requests(&mut self) {
        loop {
            let sending = self.peers.at_mut(SERVER).sending_mut();
            if !self.requests.open(&mut self.outbox, sending) {
                return;
            }
            let server = self.sessions.at_mut(SERVER);
            server.enqueue();
            match server.phase() {
                Phase::Closed => self.open_server(),
                // A request gets all its retries, also if the session was being renewed quietly.
                Phase::Handshaking if server.outstanding() == 1 => self.open_server(),
                _ => {}
            }
            self.reschedule(SERVER);
        }
    }

    /// Queues what has no result again, for a new session with the server.
    pub(super) fn repeat_requests(&mut self) {
        let sending = self.peers.at_mut(SERVER).sending_mut();
        let count = self.requests.repeat(&mut self.outbox, sending);
        let server = self.sessions.at_mut(SERVER);
        (0..count).for_each(|_| {
            server.enqueue();
        });
    }

    /// Returns what an outbox slot says, as a frame.
    pub(super) fn frame(&self, slot: u32) -> Frame<'_> {
        let entry = self.outbox.at(slot);
        entry.frame(|| self.peers.at(entry.to()).name())
    }

    // ---- results ----

    /// The peer acknowledged its oldest message.
    pub(super) fn delivered(&mut self, peer: u32) {
        let sending = self.peers.at_mut(peer).sending_mut();
        if let Some(slot) = sending.pop(self.outbox.slots()) {
            self.end_message(slot, MessageStatus::Delivered);
        }
    }

    /// The server acknowledged the oldest request: its result is awaited.
    pub(super) fn request_acknowledged(&mut self) {
        let sending = self.peers.at_mut(SERVER).sending_mut();
        if let Some(slot) = sending.pop(self.outbox.slots()) {
            self.requests.acknowledged(&mut self.outbox, slot);
        }
    }

    pub(super) fn take_result(&mut self, request: u32, outcome: Outcome) {
        let Some(slot) = self.requests.take_result(&mut self.outbox, request) else {
            return;
        };
        match self.outbox.at(slot).form() {
            Form::Store | Form::Probe => self.stored(slot, outcome),
            Form::Post if outcome == Outcome::Saved => self.outbox.settle(slot, Final::Posted),
            Form::Post => {
                let store_failed = outcome == Outcome::NotStored;
                self.outbox.settle(slot, Final::NotPosted { store_failed });
            }
            Form::Leave => self.left(slot),
            Form::Direct | Form::Lookup | Form::CallerLookup => {
                debug_assert!(false, "these have no result");
            }
        }
        self.open_requests();
    }

    fn stored(&mut self, slot: u32, outcome: Outcome) {
        let entry = self.outbox.at(slot);
        let to = entry.to();
        let peer = self.peers.at_mut(to);
        peer.route_mut().end_store();
        let status = match outcome {
            Outcome::Exists => {
                // What the entry of the peer is now, only the server knows.
                peer.route_mut().note_nothing_kept();
                self.outbox.notice(slot).exists();
                return self.look_up(slot);
            }
            Outcome::Saved => {
                peer.route_mut().note_kept(entry.counter());
                MessageStatus::Saved
            }
            Outcome::NoSuchClient => {
                // A whole table knows better: the answer may be older than it.
                if self.table.is_partial() {
                    peer.listing_mut().unlist();
                }
                MessageStatus::NoSuchClient
            }
            Outcome::Full => MessageStatus::MailboxFull,
            Outcome::NotStored | Outcome::Left => MessageStatus::NotStored,
        };
        let is_probe = entry.form() == Form::Probe;
        self.end_message(slot, status);
        if is_probe {
            self.peers.at_mut(to).route_mut().end_probe();
            self.follow_probe(to, outcome == Outcome::Saved);
        }
    }

    /// The probe has its result: sends what was held to the server, too, or directly.
    fn follow_probe(&mut self, peer: u32, is_stored: bool) {
        while let Some(slot) = self.pop_held(peer) {
            if is_stored {
                self.store(slot, Form::Store);
            } else {
                self.dispatch(slot);
            }
        }
    }

    /// Takes the oldest held message, unless a probe is in flight.
    fn pop_held(&mut self, peer: u32) -> Option<u32> {
        let route = self.peers.at_mut(peer).route_mut();
        if route.has_probe() {
            return None;
        }
        route.pop_held(self.outbox.slots())
    }

    /// The entry of the name is in the roster now, or it is `missing`.
    pub(super) fn looked_up(&mut self, query: u32, missing: bool) {
        let Some(slot) = self.requests.take_lookup(&mut self.outbox, query) else {
            return;
        };
        let entry = self.outbox.at(slot);
        let (peer, form) = (entry.to(), entry.form());
        if missing {
            self.unlist(peer);
        }
        if form == Form::CallerLookup {
            self.end_caller_lookup(slot);
        } else {
            self.peers.at_mut(peer).route_mut().end_probe();
            if missing {
                self.end_message(slot, MessageStatus::NoSuchClient);
            } else {
                self.dispatch(slot);
            }
            self.follow_probe(peer, false);
        }
        self.open_requests();
    }

    fn end_caller_lookup(&mut self, slot: u32) {
        self.requests.set_looks_up_caller(false);
        self.release(slot);
    }

    // ---- when a path is lost ----

    /// The session with a peer is over: what was outstanding goes another way, together.
    pub(super) fn fall_back(&mut self, peer: u32) {
        self.close_connection(peer);
        let mut queue = self.peers.at_mut(peer).sending_mut().take();
        while let Some(slot) = queue.pop(self.outbox.slots()) {
            self.dispatch(slot);
        }
    }

    /// The server is silent: everything that needs it ends.
    pub(super) fn fail_requests(&mut self) {
        let sending = self.peers.at_mut(SERVER).sending_mut();
        let mut failed = self.requests.take_all(&mut self.outbox, sending);
        while let Some(slot) = failed.pop(self.outbox.slots()) {
            self.fail_request(slot);
        }
    }

    fn fail_request(&mut self, slot: u32) {
        let entry = self.outbox.at(slot);
        let (to, form) = (entry.to(), entry.form());
        let route = self.peers.at_mut(to).route_mut();
        match form {
            Form::Post => {
                let silent = Final::Silent(Request::SendAll);
                return self.outbox.settle(slot, silent);
            }
            Form::Leave => return self.leave_failed(slot),
            Form::CallerLookup => return self.end_caller_lookup(slot),
            Form::Store | Form::Probe => route.end_store(),
            Form::Direct | Form::Lookup => {}
        }
        route.end_probe();
        self.end_message(slot, MessageStatus::NotDelivered);
        self.abandon_held(to);
    }

    fn abandon_held(&mut self, peer: u32) {
        loop {
            let route = self.peers.at_mut(peer).route_mut();
            let Some(slot) = route.pop_held(self.outbox.slots()) else {
                return;
            };
            self.end_message(slot, MessageStatus::NotDelivered);
        }
    }

    /// No way is left for the messages to this peer.
    pub(super) fn abandon_messages(&mut self, peer: u32) {
        let mut queue = self.peers.at_mut(peer).sending_mut().take();
        while let Some(slot) = queue.pop(self.outbox.slots()) {
            self.end_message(slot, MessageStatus::NotDelivered);
        }
        self.abandon_held(peer);
    }
}
