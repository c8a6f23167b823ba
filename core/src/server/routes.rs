//! How the parts of a server work together: what leads to what when a frame is sent or
//! acknowledged, a message or a name is stored, a client leaves.

use super::channel_log::{Appended, Evicted, LogSlot};
use super::delivery::{Acked, Delivery};
use super::event_queue::Pending;
use super::in_flight::Flight;
use super::listing::Listing;
use super::mailboxes::{HandedOver, Parties};
use super::{Server, feed};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::name::Name;
use crate::session::connection::{Connection, Wants};
use crate::transmit::Transmit;
use crate::wire::DataWriter;

/// Whether there is anything new for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// The feed was not asked.
    Perhaps,
    None,
}

impl<'a> Server<'a> {
    pub(super) fn report(&mut self, event: Pending) {
        self.events.push(event);
    }

    /// The next place in the common order of messages and changes of the table.
    pub(super) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    fn delivery(&mut self) -> Delivery<'_, 'a> {
        Delivery {
            roster: &mut self.roster,
            mail: &mut self.mail,
            channel: &self.channel,
            table: &self.table,
            in_flight: &mut self.in_flight,
            scratch: &mut self.scratch,
            stats: self.sessions.stats_mut(),
        }
    }

    // ---- names ----

    /// Gives a new name a slot; `None` if the room is full.
    pub(super) fn insert(&mut self, name: Name) -> Option<u32> {
        let inserted = self.roster.insert(name, self.channel.next_number())?;
        if let Some(version) = inserted.replaced {
            self.sessions.change(inserted.slot, Connection::close);
            self.table.forget_upto(version);
        }
        Some(inserted.slot)
    }

    /// The slot of a sender that may have been forgotten since.
    pub(super) fn sender_slot(&mut self, name: &str) -> Option<u32> {
        if let Some(slot) = self.roster.find(name) {
            return Some(slot);
        }
        let slot = self.insert(Name::new(name).ok()?)?;
        self.roster.at_mut(slot).membership.forget();
        Some(slot)
    }

    /// A change of this name is to be stored.
    pub(super) fn change_name(&mut self, slot: u32) {
        let serial = self.mail.serial();
        self.journal
            .note_change(self.roster.slots_mut(), slot, serial);
    }

    /// A cursor of this name has moved, and is to be stored.
    pub(super) fn note_progress(&mut self, slot: u32) {
        self.journal.note_progress(self.roster.slots_mut(), slot);
    }

    /// A change of this name is stored: it gets its place in the order of all changes, and others
    /// may know it.
    pub(super) fn announce(&mut self, slot: u32) {
        let order = self.next_order();
        let version = self.table.add(slot, order);
        let name = self.roster.at_mut(slot);
        let (incarnation, address) = (name.process.incarnation(), name.process.address());
        name.listing = Listing::new(version, name.membership.status(), incarnation, address);
        self.attend(slot);
    }

    /// A name is offline from now on, or was for so many seconds in an earlier life of the server.
    pub(super) fn is_away(&mut self, slot: u32, before_s: u32) {
        let names = self.roster.slots_mut();
        self.absence.add(names, slot, self.sessions.now(), before_s);
    }

    /// Begins to forget the name that was offline for too long; false if there is none.
    pub(super) fn expire_one(&mut self) -> bool {
        let Some(slot) = self
            .absence
            .expired(self.roster.slots(), self.sessions.now())
        else {
            return false;
        };
        if self.roster.at(slot).results.is_leaving() {
            // The store has not even taken that it left.
            self.is_away(slot, 0);
            return true;
        }
        self.absence.remove(self.roster.slots_mut(), slot);
        self.end_session(slot);
        self.journal.drop_progress(self.roster.slots_mut(), slot);
        self.roster.at_mut(slot).membership.expire();
        self.change_name(slot);
        true
    }

    /// Forgets a name with the messages for it. Its own messages stay.
    pub(super) fn forget(&mut self, slot: u32) {
        while let Some(index) = self.mail.pop(&mut self.roster.at_mut(slot).mailbox) {
            self.remove_mail(index);
        }
        self.drop_receipts(slot);
        self.sessions.change(slot, Connection::close);
        let names = self.roster.slots_mut();
        self.journal.drop_change(names, slot);
        self.absence.remove(names, slot);
        self.liveness.remove(names, slot);
        self.notices.remove(names, slot);
        let name = self.roster.at_mut(slot);
        name.forget();
        if name.listing.version() != 0 {
            self.announce(slot);
        }
        self.roster.vacate(slot);
    }

    // ---- messages ----

    /// A message was stored: it takes its place in the mailbox.
    pub(super) fn keep(&mut self, index: u32) {
        let order = self.next_order();
        let Parties { from, to } = self.mail.parties(index);
        self.roster.at_mut(from).receipts.on_kept(index);
        let mailbox = &mut self.roster.at_mut(to).mailbox;
        self.mail.keep(index, order, mailbox);
        self.attend(to);
    }

    /// A message refers to its sender and its recipient.
    pub(super) fn refer(&mut self, parties: Parties) {
        self.roster.refer(parties.from);
        self.roster.refer(parties.to);
    }

    /// A message is gone.
    fn release(&mut self, parties: Parties) {
        self.roster.release(parties.from);
        self.roster.release(parties.to);
    }

    /// Removes a message that is in no mailbox.
    pub(super) fn remove_mail(&mut self, index: u32) {
        let parties = self.mail.parties(index);
        let sender = &mut self.roster.at_mut(parties.from).receipts;
        self.mail.remove(index, sender);
        self.release(parties);
    }

    /// The recipient has acknowledged a message: its sender gets a receipt.
    fn handed_over(&mut self, recipient: u32, index: u32) {
        self.note_progress(recipient);
        let parties = self.mail.parties(index);
        let sender = self.roster.at_mut(parties.from);
        let same = sender.process.incarnation() == self.mail.origin(index).incarnation;
        let is_there = same && self.sessions.at(parties.from).is_open();
        match self.mail.hand_over(index, &mut sender.receipts, is_there) {
            HandedOver::Removed => self.release(parties),
            HandedOver::Receipt if parties.from != recipient => self.attend(parties.from),
            HandedOver::Receipt => {}
        }
    }

    /// The process that waited for these receipts is gone.
    pub(super) fn drop_receipts(&mut self, slot: u32) {
        loop {
            let receipts = &mut self.roster.at_mut(slot).receipts;
            let Some(parties) = self.mail.on_receipt_acked(receipts) else {
                return;
            };
            self.release(parties);
        }
    }

    // ---- the channel ----

    /// Appends an entry, which no recipient gets before it is stored. The oldest ones make room;
    /// `None` if those that are not stored yet fill the log.
    pub(super) fn append(&mut self, entry: LogSlot, text: &str) -> Option<u32> {
        loop {
            match self.channel.append(entry, text) {
                Appended::Entry(number) => {
                    self.roster.refer(entry.from());
                    return Some(number);
                }
                Appended::Evicted(evicted) => self.evicted(evicted),
                Appended::Full => return None,
            }
        }
    }

    /// Numbers up to this one, where they are missing, are those of entries that could not be
    /// stored.
    pub(super) fn fill_channel(&mut self, upto: u32) -> Option<()> {
        while self.channel.ends_before(upto) {
            let number = self.append(LogSlot::missing(), "")?;
            self.channel.saved(number);
            self.publish(number, false);
        }
        Some(())
    }

    fn evicted(&mut self, evicted: Evicted) {
        if let Some((number, origin)) = evicted.lost {
            let sender = self.roster.at_mut(evicted.from);
            sender.channel.lose_own(number);
            // With the entry goes the proof that its request was done. A sender that may repeat it
            // needs another one, which is stored before the record that takes the entry's place.
            let same = sender.process.incarnation() == origin.incarnation;
            let is_expiring = sender.membership.is_expiring();
            if same && !is_expiring && sender.results.may_repeat(origin.request) {
                self.change_name(evicted.from);
            }
        }
        self.roster.release(evicted.from);
    }

    /// An entry was stored, or could not be: recipients may pass it now.
    pub(super) fn publish(&mut self, number: u32, stored: bool) {
        let order = self.next_order();
        self.channel.publish(number, order, stored);
    }

    // ---- out ----

    pub(super) fn transmit(&mut self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Option<Transmit> {
        if let Some(transmit) = self.sessions.emit_reply(out) {
            return Some(transmit);
        }
        if let Some(transmit) = self.emit_notice(out) {
            return Some(transmit);
        }
        loop {
            let slot = match self.sessions.pop_ready() {
                Some(slot) => slot,
                None => self.most_behind()?,
            };
            let (len, news) = match self.sessions.at(slot).wants() {
                Wants::Accept => (self.sessions.emit_accept(slot, out), News::Perhaps),
                Wants::Data => self.build_data(slot, None, out),
                _ if !self.may_add(slot) => (0, News::None),
                _ => match self.next_frame(slot) {
                    None => (0, News::None),
                    first => self.build_data(slot, first, out),
                },
            };
            let to = self.sessions.at(slot).remote().get();
            self.attend_with(slot, news);
            if len != 0 {
                return Some(Transmit { to, len });
            }
        }
    }

    /// Builds the next notice to a client of an earlier life of the server that its session is
    /// gone.
    fn emit_notice(&mut self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Option<Transmit> {
        let names = self.roster.slots_mut();
        let slot = self
            .notices
            .next(names, self.sessions.now(), self.sessions.retry())?;
        let to = self.roster.at(slot).process.address().get();
        let id = self.sessions.at(slot).local_id();
        self.sessions.emit_reset(to, id, out)
    }

    /// The client that is most behind, if any is.
    pub(super) fn most_behind(&self) -> Option<u32> {
        self.feed
            .most_behind(self.roster.slots(), &self.channel, &self.table)
    }

    /// Whether one more frame may be on the way to this client.
    fn may_add(&self, slot: u32) -> bool {
        let connection = self.sessions.at(slot);
        connection.is_open()
            && self.in_flight.has_room(connection.outstanding())
            && connection.has_window()
    }

    /// The next frame for this client, which may have one more on the way to it.
    fn next_frame(&mut self, slot: u32) -> Option<Flight> {
        let names = self.roster.used();
        let name = self.roster.at_mut(slot);
        feed::next(slot, name, &self.mail, &self.channel, &self.table, names)
    }

    /// Builds a datagram of frames, the `first` of which may be known; returns its length, and
    /// whether there is more.
    fn build_data(
        &mut self,
        slot: u32,
        mut first: Option<Flight>,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> (usize, News) {
        let throttled = self.roster.at(slot).throttled;
        let window = if throttled { 0 } else { self.window };
        let connection = self.sessions.at(slot);
        let header = connection.header(window, None);
        let mut writer = DataWriter::new(out, connection.remote_id(), &header);
        let mut news = News::Perhaps;
        loop {
            let connection = self.sessions.at(slot);
            let fits = if connection.may_send() {
                let sequence = connection.position();
                self.delivery().write_again(slot, sequence, &mut writer)
            } else {
                if !self.may_add(slot) {
                    break;
                }
                let unacked = (connection.acked(), connection.outstanding());
                let Some(frame) = first.take().or_else(|| self.next_frame(slot)) else {
                    news = News::None;
                    break;
                };
                let fits = self.delivery().write_new(slot, frame, unacked, &mut writer);
                if fits {
                    self.sessions.at_mut(slot).enqueue();
                }
                fits
            };
            if !fits {
                writer.pad();
                break;
            }
            self.sessions.at_mut(slot).pushed();
        }
        (self.sessions.finish_data(slot, writer), news)
    }

    // ---- acknowledgements ----

    /// The client acknowledged its oldest frames.
    pub(super) fn acknowledged(&mut self, slot: u32, newly: u32) {
        let first = self.sessions.at(slot).acked().wrapping_sub(newly);
        for ahead in 0..newly {
            let sequence = first.wrapping_add(ahead);
            match self.delivery().on_acked(slot, sequence) {
                Acked::Nothing => {}
                Acked::Progress => self.note_progress(slot),
                Acked::Message(index) => self.handed_over(slot, index),
                Acked::Receipt(parties) => self.release(parties),
            }
        }
        if newly != 0 {
            self.settle_return(slot);
        }
    }

    /// The client told what it had before its acknowledgement got lost.
    pub(super) fn note_shown(&mut self, slot: u32, mail: u64, channel: u32) {
        loop {
            let mailbox = &mut self.roster.at_mut(slot).mailbox;
            let Some(index) = self.mail.on_acked_upto(mailbox, mail) else {
                break;
            };
            self.handed_over(slot, index);
        }
        let name = self.roster.at_mut(slot);
        if name.channel.on_shown(&self.channel, channel) {
            self.note_progress(slot);
        }
    }

    /// Whether the client has not acknowledged everything that was stored at its registration.
    pub(super) fn is_behind_boundary(&mut self, slot: u32) -> bool {
        let name = self.roster.at_mut(slot);
        let boundary = name.boundary;
        let oldest = self.mail.oldest_order(&name.mailbox);
        oldest.is_some_and(|order| order < boundary)
            || name.channel.is_before(&self.channel, slot, boundary)
    }

    /// The client told which version of the table it has, and nothing is on its way to it.
    pub(super) fn check_table(&mut self, slot: u32, version: u32) {
        if self.sessions.at(slot).outstanding() == 0 {
            self.roster.at_mut(slot).table.check(version);
        }
    }

    // ---- who is next ----

    /// Puts a name into the lists it belongs to, after anything about it or its session has
    /// changed.
    pub(super) fn attend(&mut self, slot: u32) {
        self.attend_with(slot, News::Perhaps);
    }

    fn attend_with(&mut self, slot: u32, news: News) {
        let wants = self.sessions.at(slot).wants() != Wants::Nothing;
        let room = self.may_add(slot);
        let due = wants || (news == News::Perhaps && room && self.next_frame(slot).is_some());
        let membership = &self.roster.at(slot).membership;
        let waits = room && !due && membership.is_here() && !membership.is_registering();
        self.feed.wait(self.roster.slots_mut(), slot, waits);
        self.sessions.reschedule(slot, due, true);
    }
}
