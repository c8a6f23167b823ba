//! Delivery of commands: chooses paths, and handles results.

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

    /// Allocates a slot for a command; `None` if there is no room.
    pub(super) fn allocate(&mut self, form: Form, to: u32, text: &str) -> Option<u32> {
        let slot = self.outbox.allocate(form, to, text)?;
        self.peers.at_mut(to).add_reference();
        Some(slot)
    }

    /// Frees the slot of a command that ended.
    pub(super) fn release(&mut self, slot: u32) {
        let to = self.outbox.at(slot).to();
        self.peers.at_mut(to).drop_reference();
        self.outbox.release(slot);
        self.leave_when_settled();
    }

    /// Returns the next notice of a command. The final notice frees the slot; its event is built
    /// before the next command.
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
                sent_at: None,
                receipt: None,
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

    // ---- the path of a message ----

    /// Sends a command on the path that its recipient has now. The client must be active.
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
            Way::Wait => peer.route_mut().enqueue(self.outbox.slots(), slot),
            Way::Follow => self.store(slot, Form::Store),
            Way::LookUp => self.look_up(slot),
            Way::Direct => match self.admit(to) {
                Ok(()) => {
                    self.note_direct_after_all(slot);
                    self.send_directly(slot);
                }
                Err(status) => self.end_message(slot, status),
            },
            // One answer gives the medium-term key, before the message is encrypted.
            Way::Probe if self.awaits_medium_key(to) => self.look_up_key(slot),
            Way::Probe => self.store(slot, Form::Probe),
        }
    }

    fn send_directly(&mut self, slot: u32) {
        if !self.decrypt_message(slot) {
            debug_assert!(false, "a message of this client cannot be decrypted");
            return self.end_message(slot, MessageStatus::NotDelivered);
        }
        let entry = self.outbox.at_mut(slot);
        let to = entry.to();
        entry.set_form(Form::Direct);
        let peer = self.peers.at_mut(to);
        peer.sending_mut().push(self.outbox.slots(), slot);
        self.sessions.at_mut(to).enqueue();
        // Frames without an acknowledgement are sent again in the new session.
        //= PROTOCOL.md#5.9
        let is_closed = self.sessions.at(to).phase() == Phase::Closed;
        if is_closed || self.sessions.is_worn(to, self.renew_ms) {
            self.call(to);
        } else if cfg!(feature = "call-guard") && self.sessions.at(to).is_path_doubted() {
            self.sessions.at_mut(to).probe();
        }
        // If the session is ready to send, one more frame changes nothing.
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
        if let Err(status) = self.encrypt_message(slot) {
            return self.end_message(slot, status);
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
        let is_told = self.is_told_of_server(slot);
        self.outbox.at_mut(slot).store_as(form, tried);
        if !is_told {
            self.outbox.notice(slot).sent_to_server();
        }
        self.request(slot);
    }

    // ---- requests ----

    /// Queues a request to the server, and sends it once no older one prevents that.
    pub(super) fn request(&mut self, slot: u32) {
        self.requests.enqueue(&mut self.outbox, slot);
        self.open_requests();
    }

    /// Sends queued requests to the server, as many as may be open.
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
                // A request gets all its retransmissions, even if the session was being renewed.
                Phase::Handshaking
                    if server.outstanding() == 1 && self.sessions.is_late(SERVER) =>
                {
                    self.open_server();
                }
                _ => {}
            }
            self.reschedule(SERVER);
        }
    }

    /// Queues all requests without a result again, for a new session with the server.
    pub(super) fn repeat_requests(&mut self) {
        let sending = self.peers.at_mut(SERVER).sending_mut();
        let count = self.requests.repeat(&mut self.outbox, sending);
        let server = self.sessions.at_mut(SERVER);
        (0..count).for_each(|_| {
            server.enqueue();
        });
    }

    /// Builds the frame of an outbox slot.
    pub(super) fn frame(&self, slot: u32) -> Frame<'_> {
        let entry = self.outbox.at(slot);
        entry.frame(|| self.peers.at(entry.to()).name())
    }

    // ---- results ----

    /// Settles the oldest message to a peer, which has acknowledged it.
    pub(super) fn delivered(&mut self, peer: u32) {
        let sending = self.peers.at_mut(peer).sending_mut();
        if let Some(slot) = sending.pop(self.outbox.slots()) {
            self.end_message(slot, MessageStatus::Delivered);
        }
    }

    /// Records that the server acknowledged the oldest request; its result follows.
    pub(super) fn request_acknowledged(&mut self) {
        let sending = self.peers.at_mut(SERVER).sending_mut();
        if let Some(slot) = sending.pop(self.outbox.slots()) {
            self.requests.acknowledged(&mut self.outbox, slot);
        }
    }

    /// Handles the result of a request.
    pub(super) fn take_result(&mut self, request: u32, outcome: Outcome) {
        let Some(slot) = self.requests.take_result(&mut self.outbox, request) else {
            return;
        };
        match self.outbox.at(slot).form() {
            Form::Store | Form::Probe => self.stored(slot, outcome),
            Form::Post if outcome == Outcome::Saved => self.outbox.settle(slot, Final::Posted),
            #[cfg(feature = "moderation")]
            Form::Post if outcome == Outcome::Muted => {
                self.outbox.settle(slot, Final::Muted);
            }
            Form::Post => {
                let store_failed = outcome == Outcome::NotStored;
                self.outbox.settle(slot, Final::NotPosted { store_failed });
            }
            Form::Leave => self.left(slot),
            #[cfg(feature = "medium-keys")]
            Form::Publication => self.publication_answered(slot, Some(outcome)),
            #[cfg(feature = "medium-keys")]
            Form::KeyLookup | Form::Clearing => {
                debug_assert!(false, "the server sent a result for a lookup");
            }
            Form::Direct | Form::Lookup | Form::CallerLookup => {
                debug_assert!(false, "the server sent a result for a lookup");
            }
        }
        self.open_requests();
    }

    fn stored(&mut self, slot: u32, outcome: Outcome) {
        let entry = self.outbox.at(slot);
        let (to, form, counter) = (entry.to(), entry.form(), entry.counter());
        let peer = self.peers.at_mut(to);
        peer.route_mut().end_store();
        let status = match outcome {
            Outcome::Exists => {
                // Only the server knows the present entry of the peer.
                peer.route_mut().note_nothing_stored();
                self.outbox.notice(slot).exists();
                return self.look_up(slot);
            }
            Outcome::Saved => {
                peer.route_mut().note_stored(counter);
                self.report_delivered(to);
                MessageStatus::Saved
            }
            Outcome::NoSuchClient => {
                // The server forgot its messages with the name.
                peer.route_mut().count_mut().forget();
                // A whole table takes precedence: the answer may be older.
                if self.table.is_partial() {
                    self.peers.unlist(to);
                }
                MessageStatus::NoSuchClient
            }
            Outcome::Full => MessageStatus::MailboxFull,
            #[cfg(feature = "moderation")]
            Outcome::Muted => MessageStatus::Muted,
            #[cfg(not(feature = "moderation"))]
            Outcome::Muted => MessageStatus::NotStored,
            Outcome::NotStored | Outcome::Left => MessageStatus::NotStored,
        };
        let is_probe = form == Form::Probe;
        self.end_message(slot, status);
        if is_probe {
            self.peers.at_mut(to).route_mut().end_probe();
            self.follow_probe(to, outcome == Outcome::Saved);
        }
    }

    /// Makes the next event tell of stored messages that a peer got, if there are any. A partial
    /// roster does not tell whether the server forgot a name, and its messages with it.
    //= PROTOCOL.md#10.5
    pub(super) fn report_delivered(&mut self, peer: u32) {
        if !cfg!(feature = "kept-receipts") {
            return;
        }
        let count = self.peers.at_mut(peer).route_mut().count_mut();
        if self.table.is_partial() {
            count.forget();
        } else if count.has_delivered() {
            self.events.note_kept_by(peer);
        }
    }

    /// Returns a peer that got stored messages, and their number.
    pub(super) fn take_delivered(&mut self) -> Option<(u32, u32)> {
        if !cfg!(feature = "kept-receipts") {
            return None;
        }
        let peer = self.events.take_kept_by()?;
        let count = self.peers.at_mut(peer).route_mut().count_mut();
        let count = count.take_delivered();
        (count != 0).then_some((peer, count))
    }

    /// Forgets the count of stored messages without a receipt: from now on, it cannot be known
    /// whether they arrive.
    pub(super) fn forget_kept(&mut self) {
        if cfg!(feature = "kept-receipts") {
            for peer in self.peers.used() {
                self.peers.at_mut(peer).route_mut().count_mut().forget();
            }
        }
    }

    /// Sends the messages that waited for a probe: to the server if it stored the probe.
    fn follow_probe(&mut self, peer: u32, is_stored: bool) {
        while let Some(slot) = self.pop_waiting(peer) {
            if is_stored {
                self.store(slot, Form::Store);
            } else {
                self.dispatch(slot);
            }
        }
    }

    /// Takes the oldest waiting message, unless a probe is in flight.
    fn pop_waiting(&mut self, peer: u32) -> Option<u32> {
        let route = self.peers.at_mut(peer).route_mut();
        if route.has_probe() {
            return None;
        }
        route.pop_waiting(self.outbox.slots())
    }

    /// Handles the answer to a lookup: the name is in the roster, or `missing`.
    pub(super) fn looked_up(&mut self, query: u32, missing: bool) {
        let Some(slot) = self.requests.take_lookup(&mut self.outbox, query) else {
            return;
        };
        let entry = self.outbox.at(slot);
        let (peer, form) = (entry.to(), entry.form());
        #[cfg(feature = "medium-keys")]
        if form == Form::Clearing {
            self.clearing_answered(slot, true);
            return self.open_requests();
        }
        if missing {
            self.unlist(peer);
        }
        self.note_medium_key_asked(peer);
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

    /// Closes the session with a peer. Its outstanding messages choose a path again, in order.
    pub(super) fn fall_back(&mut self, peer: u32) {
        self.close_connection(peer);
        let mut queue = self.peers.at_mut(peer).sending_mut().take();
        while let Some(slot) = queue.pop(self.outbox.slots()) {
            self.dispatch(slot);
        }
    }

    /// Fails all requests: the server is silent.
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
            #[cfg(feature = "medium-keys")]
            Form::Publication => return self.publication_answered(slot, None),
            #[cfg(feature = "medium-keys")]
            Form::Clearing => return self.clearing_answered(slot, false),
            Form::Store | Form::Probe => route.end_store(),
            Form::Direct | Form::Lookup => {}
            #[cfg(feature = "medium-keys")]
            Form::KeyLookup => {}
        }
        route.end_probe();
        self.end_message(slot, MessageStatus::NotDelivered);
        self.abandon_waiting(to);
    }

    fn abandon_waiting(&mut self, peer: u32) {
        loop {
            let route = self.peers.at_mut(peer).route_mut();
            let Some(slot) = route.pop_waiting(self.outbox.slots()) else {
                return;
            };
            self.end_message(slot, MessageStatus::NotDelivered);
        }
    }

    /// Fails all messages to this peer: no path is left.
    pub(super) fn abandon_messages(&mut self, peer: u32) {
        let mut queue = self.peers.at_mut(peer).sending_mut().take();
        while let Some(slot) = queue.pop(self.outbox.slots()) {
            self.end_message(slot, MessageStatus::NotDelivered);
        }
        self.abandon_waiting(peer);
    }
}
