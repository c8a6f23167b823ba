//! Accepts the frames of the inbox, one at a time, and builds their events.

use core::ops::Range;

use super::roster::Sender;
use super::stored::{self, Envelope};
use crate::client::event::{ClientEvent, MessageId, NotShownReason};
use crate::client::inbox::{Inbox, TakenFrame};
use crate::client::machine::Client;
use crate::client::peers::SERVER;
use crate::client::receipts::Receipts;
use crate::drop_reason::DropReason;
use crate::name::Name;
use crate::wire::Frame;

/// The result of accepting one frame.
enum Step {
    /// The frame has no event of its own.
    Quiet,
    /// There is no frame, or it waits until all messages before it are written.
    Wait,
    KeptMessages,
    TableUpdated,
    Show(Shown),
}

/// The event of a message in the selected frame; its content is in the inbox.
enum Shown {
    Text,
    /// A direct message; its text is in these bytes of the inbox.
    Direct {
        counter: u32,
        text: Range<usize>,
    },
    Withheld {
        channel: bool,
        reason: NotShownReason,
    },
    Dropped {
        count: u32,
    },
}

/// The work for a frame, without a borrow of its bytes.
enum Task {
    Nothing,
    Drop(DropReason),
    /// A frame of the server that is not a message.
    Apply,
    /// A stored message, in a frame that ends at this byte.
    Mail(usize),
    /// A channel message: entry number, sender and counter.
    Entry(u32, Sender, u32),
    /// A channel message of a peer with a foreign key: entry number, and peer.
    Foreign(u32, u32),
    /// A channel message of an ignored key: entry number.
    Ignored(u32),
    /// A direct message: counter, and bytes of its text.
    Text(u32, Range<usize>),
}

impl Task {
    /// Returns the task of a frame that ends at this byte.
    fn of(frame: &Frame<'_>, is_from_server: bool, end: usize) -> Self {
        match *frame {
            Frame::Mail { .. } if is_from_server => Self::Mail(end),
            _ if is_from_server => Self::Apply,
            Frame::Text { counter, text } if stored::is_text(text) => {
                Self::Text(counter, end.saturating_sub(text.len())..end)
            }
            Frame::Text { .. } => Self::Drop(DropReason::Malformed),
            _ => Self::Drop(DropReason::Unexpected),
        }
    }
}

impl Client<'_> {
    /// Returns the next event. The caller returns the [receipt](ClientEvent::receipt) of a message
    /// to [`handle_shown`](Self::handle_shown) when its output has written the event, in order.
    ///
    /// While the caller has [`SHOWN_MAX`](crate::limits::SHOWN_MAX) receipts, frames wait: messages
    /// and what the server sends behind them. Other events still come. Cost: that of one frame.
    pub fn poll_event(&mut self) -> Option<ClientEvent<'_>> {
        loop {
            if let Some(event) = self.events.pop() {
                return Some(event);
            }
            if let Some((slot, notice)) = self.next_notice() {
                return Some(self.notice_event(slot, notice));
            }
            if let Some(event) = self.events.contact_mut().pop() {
                return Some(event);
            }
            if let Some((peer, count)) = self.take_delivered() {
                let to = self.peers.at(peer).name().as_str();
                return Some(ClientEvent::KeptDelivered { to, count });
            }
            match self.advance_inbox() {
                Step::Wait => return None,
                Step::Quiet => {}
                Step::KeptMessages => return Some(ClientEvent::KeptMessages),
                Step::TableUpdated => return Some(ClientEvent::TableUpdated),
                Step::Show(shown) => return Some(self.shown_event(shown)),
            }
        }
    }

    /// Accepts the next frame.
    fn advance_inbox(&mut self) -> Step {
        if self.inbox.is_empty() || self.receipts.is_blocked() {
            return Step::Wait;
        }
        self.inbox.select_next();
        self.receipts.set_record(None);
        let peer = self.inbox.peer();
        let mut frames = self.inbox.frames();
        let frame = frames.next();
        let (_, behind) = frames.parts();
        if let Some(Ok(frame)) = &frame
            && self.announces(frame)
        {
            self.server_log.announce();
            return Step::KeptMessages;
        }
        let kind = frame.as_ref().and_then(|it| Some(it.as_ref().ok()?.kind()));
        let mut may_wait = false;
        let task = match frame {
            Some(Ok(Frame::Channel {
                number,
                from,
                incarnation,
                counter,
                kept,
                ..
            })) if peer == SERVER => {
                may_wait = !kept;
                match self.peers.find(from.as_bytes()) {
                    Some(peer) if self.peers.at(peer).key().is_foreign() => {
                        Task::Foreign(number, peer)
                    }
                    _ if self.is_ignored_name(from) => Task::Ignored(number),
                    Some(peer) if self.peers.is_process(peer, incarnation) => {
                        Task::Entry(number, Sender::Current(peer), counter)
                    }
                    _ => {
                        let hash = self.peers.hash(from.as_bytes());
                        let suite = self.sessions.identity().suite();
                        let sender = self.dedup.writer(suite, hash, from, incarnation);
                        Task::Entry(number, Sender::Other(sender), counter)
                    }
                }
            }
            Some(Ok(frame)) => Task::of(&frame, peer == SERVER, behind.at()),
            Some(Err(reason)) => Task::Drop(reason),
            None => Task::Nothing,
        };
        let step = self.perform(peer, task);
        if let Step::Wait = step {
            return step;
        }
        if let Some(kind) = kind {
            self.sessions.stats_mut().received.count_frame(kind);
        }
        let taken = self.inbox.take_to(behind);
        let may_wait = may_wait && self.delays_ack(&taken);
        self.sessions.at_mut(peer).accepted(taken.has_more);
        match step {
            Step::Show(_) if Receipts::ARE_LATE => self.give_receipt(peer, taken.number, may_wait),
            _ => self.acknowledge(peer, true, may_wait),
        }
        if !taken.has_more
            && let Some(blocked_peer) = self.inbox.take_blocked_peer()
        {
            self.sessions.at_mut(blocked_peer).ack_now();
            self.reschedule(blocked_peer);
        }
        step
    }

    /// Does the work for a frame of a peer.
    fn perform(&mut self, peer: u32, task: Task) -> Step {
        match task {
            Task::Nothing => Step::Quiet,
            Task::Drop(reason) => self.drop_frame(reason),
            Task::Apply => self.take_server_frame(),
            Task::Mail(end) => self.take_mail(end),
            Task::Entry(number, sender, counter) => {
                let is_new = self.server_log.take_entry(number);
                if is_new && self.accept_message(sender, counter, true) {
                    return Step::Show(Shown::Text);
                }
                self.drop_repeated(if is_new {
                    self.is_unwritten(sender, counter, true)
                } else {
                    self.server_log.is_unwritten_entry(number)
                })
            }
            Task::Foreign(number, peer) => {
                let is_new = self.server_log.take_entry(number);
                if is_new && self.peers.at_mut(peer).key_mut().report_foreign() {
                    return self.withhold(true, NotShownReason::ForeignKey);
                }
                self.drop_frame(DropReason::ForeignKey)
            }
            Task::Ignored(number) => {
                self.server_log.take_entry(number);
                self.drop_frame(DropReason::IgnoredKey)
            }
            Task::Text(counter, text) => {
                let sender = Sender::Current(peer);
                if !self.accept_message(sender, counter, false) {
                    return self.drop_repeated(self.is_unwritten(sender, counter, false));
                }
                Step::Show(Shown::Direct { counter, text })
            }
        }
    }

    // Inlined, it takes more of a small flash.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    fn drop_frame(&mut self, reason: DropReason) -> Step {
        self.sessions.count_drop(reason);
        Step::Quiet
    }

    /// Drops a message that was shown before. If it is not written yet, it waits for its receipt:
    /// its acknowledgement would be that of the other one.
    //= PROTOCOL.md#10.1
    fn drop_repeated(&mut self, is_unwritten: bool) -> Step {
        if is_unwritten && self.waits_for_receipts() {
            return Step::Wait;
        }
        self.drop_frame(DropReason::Duplicate)
    }

    /// Accepts the stored message in the selected frame, which ends at this byte.
    fn take_mail(&mut self, end: usize) -> Step {
        let Some(Ok(
            frame @ Frame::Mail {
                serial,
                message_key,
                ciphertext,
                ..
            },
        )) = self.inbox.latest()
        else {
            return Step::Quiet;
        };
        let message = stored::start_of(&message_key, ciphertext, end)..end;
        if !self.server_log.take_mail(serial) {
            return self.drop_repeated(self.server_log.is_unwritten_mail(serial));
        }
        let Some(envelope) = Envelope::of(&frame) else {
            return self.drop_frame(DropReason::Malformed);
        };
        let sender = self.sender(envelope.from.as_str(), envelope.incarnation);
        if self.has_seen(sender, envelope.counter, false)
            || self.has_mark(sender, &envelope.from, envelope.counter)
        {
            return self.drop_repeated(self.is_unwritten(sender, envelope.counter, false));
        }
        //= PROTOCOL.md#11.7
        if self.pins.ignored().has_key(&envelope.key) {
            return self.drop_frame(DropReason::IgnoredKey);
        }
        match self.decrypt_stored(sender, &envelope, message) {
            Ok(()) => {
                self.accept_stored(sender, &envelope.from, envelope.counter);
                Step::Show(Shown::Text)
            }
            Err(reason) => self.withhold(false, reason),
        }
    }

    /// Reports that the message in the selected frame is not shown.
    fn withhold(&mut self, channel: bool, reason: NotShownReason) -> Step {
        self.sessions.count_drop(match reason {
            NotShownReason::ForeignKey => DropReason::ForeignKey,
            NotShownReason::Unreadable => DropReason::Unreadable,
            NotShownReason::PinsFull => DropReason::PinsFull,
        });
        Step::Show(Shown::Withheld { channel, reason })
    }

    /// Returns whether the acknowledgement of a channel message is delayed, if the message came
    /// alone. The server may send the next message meanwhile, and one acknowledgement covers both
    /// (RFC 9000, section 13.2.2).
    ///
    /// Every second one is delayed. By their session ids, half of the clients begin with the first
    /// message, half with the second. So the server never gets the acknowledgements of all at once.
    //= PROTOCOL.md#6.4
    fn delays_ack(&self, taken: &TakenFrame) -> bool {
        let connection = self.sessions.at(SERVER);
        let is_second = (connection.local_id() ^ u64::from(taken.number)) & 1 != 0;
        self.window > 1 && !is_second && taken.is_alone && connection.is_ack_due()
    }

    /// Returns whether a frame is the first new stored message since the registration. An event
    /// announces it before it is shown.
    fn announces(&self, frame: &Frame<'_>) -> bool {
        if self.server_log.has_announced() || self.inbox.peer() != SERVER {
            return false;
        }
        match *frame {
            Frame::Mail {
                kept: true,
                serial,
                incarnation,
                counter,
                from,
                key,
                ..
            } => {
                let sender = self.sender(from, incarnation);
                self.server_log.is_new_mail(serial)
                    && !self.pins.ignored().has_key(&key)
                    && !self.has_seen(sender, counter, false)
                    && !Name::new(from).is_ok_and(|name| self.has_mark(sender, &name, counter))
            }
            Frame::Channel {
                kept: true,
                number,
                incarnation,
                counter,
                from,
                ..
            } => {
                self.server_log.is_new_entry(number)
                    && !self.has_seen(self.sender(from, incarnation), counter, true)
                    && !self.is_foreign(from)
                    && !self.is_ignored_name(from)
            }
            _ => false,
        }
    }

    // ---- frames of the server that are not messages ----

    /// Applies the selected frame of the server.
    fn take_server_frame(&mut self) -> Step {
        // The frame borrows the buffer meanwhile.
        let inbox = core::mem::replace(&mut self.inbox, Inbox::EMPTY);
        let step = match inbox.latest() {
            Some(Ok(frame)) => self.apply(&frame),
            _ => Step::Quiet,
        };
        self.inbox = inbox;
        step
    }

    //= PROTOCOL.md#14.1
    // Inlined, it takes more of a small flash.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    fn apply(&mut self, frame: &Frame<'_>) -> Step {
        match *frame {
            Frame::Skipped { count } => return Step::Show(Shown::Dropped { count }),
            Frame::Result { outcome, .. } if self.holds_result(outcome) => return Step::Wait,
            Frame::Result { request, outcome } => self.take_result(request, outcome),
            Frame::Receipt { to, counter } => {
                if let Some(peer) = self.peers.find(to.as_bytes()) {
                    self.peers.at_mut(peer).route_mut().note_receipt(counter);
                    self.report_delivered(peer);
                }
            }
            page if page == Frame::EMPTIED_PAGE => self.table.await_whole(),
            Frame::Page {
                version,
                restart,
                complete,
                entries,
            } => {
                let changed = self.take_page(version, restart, complete, entries);
                // A renewed session begins with a page, or the whole table, which may have no news.
                let has_news = changed || !self.registration.is_active();
                let completes = self.table.completes_news(has_news, complete);
                if completes && self.registration.is_in_room() {
                    self.arrived();
                    return Step::TableUpdated;
                }
            }
            Frame::Found { query: 0, entry } if self.uses_medium_keys() => {
                self.take_medium_key(entry.name, &entry.key);
            }
            Frame::Found { query, entry } => {
                let changed = self.take_entry(&entry);
                self.looked_up(query, false);
                if changed {
                    return Step::TableUpdated;
                }
            }
            Frame::Missing { query } => self.looked_up(query, true),
            Frame::Partial => {
                self.table.note_partial();
                if self.registration.is_arriving() {
                    self.arrived();
                    return Step::TableUpdated;
                }
            }
            _ => {
                self.sessions.count_drop(DropReason::Unexpected);
            }
        }
        Step::Quiet
    }

    // ---- events ----

    /// Returns the sender of the message in the selected frame.
    fn sender_of_latest(&self) -> &str {
        match self.inbox.latest() {
            Some(Ok(Frame::Mail { from, .. } | Frame::Channel { from, .. })) => from,
            _ => self.peers.at(self.inbox.peer()).name().as_str(),
        }
    }

    /// Builds the event of the selected frame.
    fn shown_event(&self, shown: Shown) -> ClientEvent<'_> {
        let receipt = Some(self.receipts.latest());
        match shown {
            Shown::Withheld { channel, reason } => ClientEvent::NotShown {
                from: self.sender_of_latest(),
                channel,
                reason,
                receipt,
            },
            Shown::Dropped { count } => ClientEvent::ChannelDropped { count, receipt },
            Shown::Direct { counter, text } => {
                let peer = self.peers.at(self.inbox.peer());
                ClientEvent::Message {
                    from: peer.name().as_str(),
                    id: MessageId {
                        incarnation: peer.listing().incarnation(),
                        counter,
                    },
                    text: self.inbox.text(&text),
                    channel: false,
                    kept_at: None,
                    sent_at: None,
                    receipt,
                }
            }
            Shown::Text => self.latest_message(),
        }
    }

    /// Builds the event of the message in the selected frame.
    fn latest_message(&self) -> ClientEvent<'_> {
        let receipt = Some(self.receipts.latest());
        match self.inbox.latest() {
            Some(Ok(Frame::Mail {
                from,
                incarnation,
                counter,
                message_key,
                ciphertext,
                kept,
                stamp,
                ..
            })) => ClientEvent::Message {
                from,
                id: MessageId {
                    incarnation,
                    counter,
                },
                text: stored::text_of(&message_key, ciphertext),
                channel: false,
                kept_at: kept.then_some(stamp),
                sent_at: stored::other_time(ciphertext, stamp),
                receipt,
            },
            Some(Ok(Frame::Channel {
                from,
                incarnation,
                counter,
                text,
                kept,
                stamp,
                ..
            })) => ClientEvent::Message {
                from,
                id: MessageId {
                    incarnation,
                    counter,
                },
                text,
                channel: true,
                kept_at: kept.then_some(stamp),
                sent_at: None,
                receipt,
            },
            _ => {
                debug_assert!(false, "a frame without a message is shown");
                ClientEvent::TableUpdated
            }
        }
    }
}
