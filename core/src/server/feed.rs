//! What each client gets next: one merged stream of kept messages, log entries and changes of the table, in the
//! order in which they were stored, with results and receipts in between.
//!
//! Nothing is queued per client: cursors are walked when a datagram is built. Clients that have got everything
//! wait in two lists, ordered by how far they have got, so that whoever is behind is found in O(1).

use super::Server;
use super::channel::NextEntry;
use super::mailbox::text;
use super::roster::entry;
use super::storage::{Flight, FlightSlot};
use crate::crypto::PublicKey;
use crate::driver::Transmit;
use crate::limits::{BODY_LEN_MAX, DATAGRAM_LEN_MAX};
use crate::session::connection::Wants;
use crate::wire::{DataWriter, Datagram, Frame, Outcome};

/// Whether there is anything new for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Nobody has looked.
    Perhaps,
    None,
}

/// Bytes of a page around its entries, at most.
const PAGE_OVERHEAD: usize = 12;
/// What a page leaves free when it is first built, so that it fits behind the longest header when it is repeated.
const PAGE_RESERVE: usize = 16;

impl Server<'_> {
    // ---- who is next ----

    /// Puts a client that has got everything at the end of the lists of those who wait for more.
    pub(super) fn feed(&mut self, slot: u32, waits: bool) {
        let name = self.names.at(slot);
        let table = waits && !name.partial && name.announced_online;
        self.log_feed.remove(&mut self.names, slot);
        self.table_feed.remove(&mut self.names, slot);
        if waits {
            self.log_feed.push(&mut self.names, slot);
        }
        if table {
            self.table_feed.push(&mut self.names, slot);
        }
    }

    /// The client that is most behind, if any is: in each list the first has got least.
    fn most_behind(&self) -> Option<u32> {
        let log = self
            .log_feed
            .first()
            .filter(|slot| self.names.at(*slot).log_sent < self.channel.visible);
        let table = || {
            self.table_feed
                .first()
                .filter(|slot| self.names.at(*slot).table_sent < self.table_version)
        };
        log.or_else(table)
    }

    pub(super) fn feed_is_behind(&self) -> bool {
        self.most_behind().is_some()
    }

    // ---- what is next for one client ----

    /// What is next for this client, if one more frame may be on the way to it.
    pub(super) fn own_news(&mut self, slot: u32) -> Option<Flight> {
        if self.may_add(slot) {
            self.next_flight(slot)
        } else {
            None
        }
    }

    pub(super) fn next_flight(&mut self, slot: u32) -> Option<Flight> {
        let name = self.names.at(slot);
        if name.registering || !self.sessions.at(slot).is_open() {
            return None;
        }
        if !name.is_here() {
            return self.next_result(slot).map(Flight::Result);
        }
        let mail = name
            .mailbox
            .next_unsent()
            .map(|index| (index, self.mail.slots.at(index).order));
        let entry = self.next_log_entry(slot);
        if let (Some((index, order)), entry) = (mail, entry) {
            return Some(match entry {
                Some(entry) if entry.order() < order => entry.flight(),
                _ => Flight::Mail(index),
            });
        }
        if let Some(request) = self.next_result(slot) {
            return Some(Flight::Result(request));
        }
        if let Some(index) = self.names.at(slot).receipts.next_unsent() {
            return Some(Flight::Receipt(index));
        }
        self.check_capacity(slot);
        let name = self.names.at(slot);
        if name.partial_due && name.announced_online {
            return Some(Flight::Partial);
        }
        match (self.next_change(slot), entry) {
            (Some(change), Some(entry)) if entry.order() < change => Some(entry.flight()),
            (Some(_), _) => Some(self.next_page(slot)),
            (None, entry) => entry.map(NextEntry::flight),
        }
    }

    /// A page from where the client is; where it ends is known when it is built.
    fn next_page(&self, slot: u32) -> Flight {
        let name = self.names.at(slot);
        match name.snapshot.checked_sub(1) {
            Some(from) => Flight::Snapshot {
                from,
                upto: self.names_used,
            },
            None => Flight::Changes {
                from: name.table_sent,
                upto: self.table_version,
            },
        }
    }

    /// Whether the client has not acknowledged everything that was kept at its registration.
    pub(super) fn owes_kept(&mut self, slot: u32) -> bool {
        let name = self.names.at(slot);
        let boundary = name.boundary;
        if let Some(index) = name.mailbox.all.first()
            && self.mail.slots.at(index).order < boundary
        {
            return true;
        }
        if name.log_acked < name.log_sent {
            return self
                .channel
                .get(name.log_acked)
                .is_none_or(|entry| entry.order < boundary);
        }
        self.next_log_entry(slot)
            .is_some_and(|entry| entry.order() < boundary)
    }

    // ---- building ----

    pub(super) fn transmit(&mut self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Option<Transmit> {
        if let Some(reply) = self.reply.take().or_else(|| self.next_recall()) {
            return Some(reply.emit(out));
        }
        loop {
            let slot = match self.sessions.pop_ready() {
                Some(slot) => slot,
                None => self.most_behind()?,
            };
            let (len, news) = match self.sessions.at(slot).wants() {
                Wants::Accept => {
                    let connection = self.sessions.at_mut(slot);
                    connection.sent_accept();
                    let accept = Datagram::Accept {
                        to: connection.remote_id(),
                        message: connection.handshake_message(),
                    };
                    (accept.emit(&self.identity, out), News::Perhaps)
                }
                Wants::Data => self.build_data(slot, None, out),
                _ => match self.own_news(slot) {
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

    /// Whether one more frame may be on the way to this client.
    pub(super) fn may_add(&self, slot: u32) -> bool {
        let connection = self.sessions.at(slot);
        connection.is_open()
            && connection.outstanding() < self.flights_each
            && connection.has_window()
    }

    /// Builds a datagram of frames, the `first` of which may be known; returns its length, and whether there is more.
    fn build_data(
        &mut self,
        slot: u32,
        mut first: Option<Flight>,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> (usize, News) {
        let name = self.names.at(slot);
        let connection = &self.sessions.at_mut(slot);
        let window = if name.throttled { 0 } else { self.window };
        let header = connection.header(window, None);
        let mut writer = DataWriter::new(out, connection.remote_id(), &header);
        let mut news = News::Perhaps;
        loop {
            let connection = self.sessions.at(slot);
            if connection.may_send() {
                let flight = self.flight(slot, connection.position());
                if self.write(slot, flight, true, &mut writer).is_none() {
                    writer.pad();
                    break;
                }
            } else {
                if !self.may_add(slot) {
                    break;
                }
                let Some(flight) = first.take().or_else(|| self.next_flight(slot)) else {
                    news = News::None;
                    break;
                };
                let Some(flight) = self.write(slot, flight, false, &mut writer) else {
                    writer.pad();
                    break;
                };
                self.embark(slot, flight);
            }
            self.sessions.at_mut(slot).pushed();
        }
        let (now, retry) = (self.now, self.retry);
        let connection = self.sessions.at_mut(slot);
        connection.sent_data(now, retry, &mut self.stats);
        (writer.finish(&self.identity, connection.keys_mut()), news)
    }

    fn flight_place(&self, slot: u32, sequence: u32) -> usize {
        let within = sequence.checked_rem(self.flights_each).unwrap_or_default();
        slot as usize * self.flights_each as usize + within as usize
    }

    fn flight(&self, slot: u32, sequence: u32) -> Flight {
        self.flights
            .get(self.flight_place(slot, sequence))
            .map_or(Flight::Vacant, |flight| flight.0)
    }

    /// Gives a flight a sequence number.
    pub(super) fn enqueue(&mut self, slot: u32, flight: Flight) {
        let sequence = self.sessions.at_mut(slot).enqueue();
        let place = self.flight_place(slot, sequence);
        if let Some(free) = self.flights.get_mut(place) {
            *free = FlightSlot(flight);
        }
    }

    /// From here on the client is told the whole table as it is now. What is on its way of one before says nothing if it is
    /// repeated: filled with what has changed since, its pages might not have room for all that they stand for.
    fn begin_snapshot(&mut self, slot: u32) {
        let connection = self.sessions.at(slot);
        let (first, count) = (connection.acked(), connection.outstanding());
        for ahead in 0..count {
            let place = self.flight_place(slot, first.wrapping_add(ahead));
            if let Some(FlightSlot(flight @ Flight::Snapshot { .. })) = self.flights.get_mut(place)
            {
                *flight = Flight::Emptied;
            }
        }
        let version = self.table_version;
        let name = self.names.at_mut(slot);
        name.snapshot_version = version;
        name.forgotten = version;
    }

    /// A flight was written for the first time: the cursor it came from moves on.
    fn embark(&mut self, slot: u32, flight: Flight) {
        self.enqueue(slot, flight);
        let names_used = self.names_used;
        let name = self.names.at_mut(slot);
        match flight {
            Flight::Mail(_) => name.mailbox.sent(&self.mail.slots),
            Flight::Receipt(_) => name.receipts.sent(&self.mail.slots),
            Flight::Log(number) => {
                name.log_sent = number + 1;
                name.log_flown = number + 1;
            }
            Flight::Skipped { upto, .. } => {
                name.log_sent = upto;
                name.log_flown = upto;
                name.own_lost = 0;
            }
            Flight::Result(request) => name.result_sent = request,
            Flight::Partial => name.partial_due = false,
            Flight::Changes { upto, .. } => {
                name.table_sent = upto;
                name.page_due = false;
            }
            Flight::Snapshot { upto, .. } if upto < names_used => name.snapshot = upto + 1,
            Flight::Snapshot { .. } => {
                name.snapshot = 0;
                name.table_sent = name.snapshot_version;
                name.page_due = false;
            }
            Flight::Emptied | Flight::Found { .. } | Flight::Missing { .. } | Flight::Vacant => {}
        }
    }

    /// Writes a flight; returns it with the end of its page filled in, or `None` if it does not fit.
    fn write(
        &mut self,
        slot: u32,
        mut flight: Flight,
        again: bool,
        writer: &mut DataWriter<'_>,
    ) -> Option<Flight> {
        if let Flight::Changes { from, upto } = flight
            && again
            && from != upto
        {
            let forgotten = !self.has_change(from + 1);
            let version = self.table_version;
            let name = self.names.at_mut(slot);
            // What the page said is not remembered any more: neither it nor those behind it may bring the client to
            // a version before the whole table has followed.
            if forgotten && upto > name.forgotten {
                name.snapshot = 1;
                name.forgotten = version;
            }
            if upto <= name.forgotten {
                flight = Flight::Emptied;
            }
        }
        let asked = flight;
        let name = self.names.at(slot);
        // Only a page needs this, and most frames are none.
        let mut page;
        let reserve = if again {
            PAGE_OVERHEAD
        } else {
            PAGE_OVERHEAD + PAGE_RESERVE
        };
        let room = writer.room().saturating_sub(reserve).min(BODY_LEN_MAX);
        let frame = match flight {
            Flight::Mail(index) => {
                let mail = self.mail.slots.at(index);
                let kept = self.mail.texts.load(mail.text, &mut self.scratch);
                let (key, kept) = PublicKey::in_front_of(kept);
                let (letter_key, letter) = PublicKey::in_front_of(kept);
                Frame::Mail {
                    serial: mail.serial,
                    incarnation: mail.incarnation,
                    counter: mail.counter,
                    stamp: mail.stamp,
                    kept: mail.order < name.boundary,
                    key,
                    from: self.names.at(mail.from).name.as_str(),
                    letter_key,
                    letter,
                }
            }
            Flight::Log(number) => match self.channel.get(number) {
                Some(entry) => Frame::Channel {
                    number,
                    incarnation: entry.incarnation,
                    counter: entry.counter,
                    stamp: entry.stamp,
                    kept: entry.order < name.boundary,
                    from: self.names.at(entry.from).name.as_str(),
                    text: text(self.channel.texts.load(entry.text, &mut self.scratch)),
                },
                // It fell out of the log while it was on its way.
                None => Frame::Skipped { count: 1 },
            },
            Flight::Skipped { count, .. } => Frame::Skipped { count },
            Flight::Result(request) => Frame::Result {
                request,
                // Only a client that has more requests open than it may can have lost this one.
                outcome: name.outcome(request).unwrap_or(Outcome::NotStored),
            },
            Flight::Receipt(index) => {
                let mail = self.mail.slots.at(index);
                Frame::Receipt {
                    to: self.names.at(mail.to).name.as_str(),
                    counter: mail.counter,
                }
            }
            Flight::Found { query, slot } if !self.names.at(slot).is_listed() => {
                Frame::Missing { query }
            }
            Flight::Found { query, slot } => Frame::Found {
                query,
                entry: entry(self.names.at(slot)),
            },
            Flight::Missing { query } => Frame::Missing { query },
            Flight::Partial => Frame::Partial,
            Flight::Changes { from, upto } => {
                page = [0; BODY_LEN_MAX];
                let (frame, end) = self.changes_page(from, upto, page.get_mut(..room)?);
                flight = Flight::Changes { from, upto: end };
                frame
            }
            Flight::Snapshot { from, upto } => {
                if from == 0 && !again {
                    self.begin_snapshot(slot);
                }
                page = [0; BODY_LEN_MAX];
                let (frame, end) = self.snapshot_page(slot, from, upto, page.get_mut(..room)?);
                flight = Flight::Snapshot { from, upto: end };
                frame
            }
            Flight::Emptied => Frame::EMPTIED_PAGE,
            Flight::Vacant => {
                debug_assert!(false, "every sequence number has its flight");
                Frame::Skipped { count: 0 }
            }
        };
        if again && flight != asked && writer.has_frames() {
            // As the first of a datagram the page fits again.
            return None;
        }
        debug_assert!(
            !again || flight == asked,
            "a repeated page has no room for all that it stands for: {asked:?}, {flight:?}"
        );
        let stuck = !again
            && match flight {
                Flight::Changes { from, upto } => from == upto && upto != self.table_version,
                Flight::Snapshot { from, upto } => from == upto && upto != self.names_used,
                _ => false,
            };
        if stuck || !writer.push(&frame) {
            return None;
        }
        self.stats.sent.count_frame(frame.kind());
        Some(flight)
    }

    // ---- acknowledgements ----

    /// The client acknowledged its oldest frames.
    pub(super) fn acknowledged(&mut self, slot: u32, newly: u32) {
        let first = self.sessions.at(slot).acked().wrapping_sub(newly);
        for ahead in 0..newly {
            match self.flight(slot, first.wrapping_add(ahead)) {
                Flight::Mail(_) => self.handed_over(slot),
                Flight::Log(number) => self.log_acknowledged(slot, number + 1),
                Flight::Skipped { upto, .. } => self.log_acknowledged(slot, upto),
                Flight::Receipt(_) => self.receipt_acknowledged(slot),
                Flight::Result(request) => {
                    let name = self.names.at_mut(slot);
                    name.result_acked = name.result_acked.max(request);
                }
                _ => {}
            }
        }
        if newly != 0 {
            self.settle_return(slot);
        }
    }

    fn log_acknowledged(&mut self, slot: u32, upto: u32) {
        let name = self.names.at_mut(slot);
        name.log_acked = name.log_acked.max(upto);
        if name.log_acked >= name.log_flown {
            name.log_acked = name.log_sent;
        }
        // Its own entries need no acknowledgement.
        loop {
            let name = self.names.at(slot);
            let passed = self
                .channel
                .get(name.log_acked)
                .is_some_and(|entry| entry.void || entry.from == slot);
            if name.log_acked >= name.log_sent || !passed {
                break;
            }
            self.names.at_mut(slot).log_acked += 1;
        }
        self.note_progress(slot);
    }

    /// The client told what it had before its acknowledgement got lost.
    pub(super) fn note_shown(&mut self, slot: u32, mail: u64, channel: u32) {
        while let Some(oldest) = self.names.at(slot).mailbox.all.first() {
            if self.mail.slots.at(oldest).serial > mail {
                break;
            }
            self.handed_over(slot);
        }
        let next = channel.saturating_add(1).min(self.channel.visible);
        if next > self.names.at(slot).log_acked {
            let name = self.names.at_mut(slot);
            name.log_acked = next;
            name.own_lost = 0;
            self.note_progress(slot);
        }
    }

    /// A session has ended: what was not acknowledged is sent again in the next one.
    pub(super) fn rewind(&mut self, slot: u32) {
        let name = self.names.at_mut(slot);
        name.mailbox.rewind();
        name.receipts.rewind();
        name.log_sent = name.log_acked;
        name.log_flown = name.log_acked;
        name.forgotten = 0;
        name.result_sent = name.last_request;
    }

    /// The client told which version of the table it has, and nothing is on its way to it.
    pub(super) fn check_table(&mut self, slot: u32, version: u32) {
        let name = self.names.at_mut(slot);
        if self.sessions.at(slot).outstanding() == 0
            && name.snapshot == 0
            && version != name.table_sent
        {
            name.table_sent = version.min(name.table_sent);
            if version == 0 {
                name.snapshot = 1;
            }
        }
    }
}

impl NextEntry {
    /// Entries that are gone come before everything else.
    fn order(self) -> u64 {
        match self {
            Self::Entry { order, .. } => order,
            Self::Skipped { .. } => 0,
        }
    }

    fn flight(self) -> Flight {
        match self {
            Self::Entry { number, .. } => Flight::Log(number),
            Self::Skipped { upto, count } => Flight::Skipped { upto, count },
        }
    }
}
