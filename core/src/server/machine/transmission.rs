//! Datagrams to clients: scheduling, contents and acknowledgements.

use super::Server;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::server::delivery::{Acked, Delivery};
use crate::server::feed;
use crate::server::in_flight::SentFrame;
use crate::session::connection::{Needs, Wants};
use crate::transmit::Transmit;
use crate::wire::DataWriter;

/// Whether the feed has a new frame for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// The server has not asked the feed.
    Perhaps,
    None,
}

impl<'a> Server<'a> {
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

    /// Builds the next datagram: replies first, then restart notices, then Accept and Data.
    // A frame of its own keeps that of the caller small, below which the stack is wiped.
    #[inline(never)]
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
            self.reschedule_with(slot, news);
            if len != 0 {
                self.sessions.on_transmit(len, out);
                let to = self.sessions.at(slot).remote().get();
                return Some(Transmit { to, len });
            }
        }
    }

    /// Builds the notice that is due next: the last datagram of a session that the server has
    /// closed, or a restart notice.
    fn emit_notice(&mut self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Option<Transmit> {
        let (now, retry) = (self.sessions.now(), self.sessions.retry());
        let slot = self.notices.next(self.roster.slots_mut(), now, retry)?;
        let to = self.roster.at(slot).process().address().get();
        if let Some(parting) = self.sessions.emit_parting(slot, to, out) {
            self.notices.remove(self.roster.slots_mut(), slot);
            return Some(parting);
        }
        let id = self.sessions.at(slot).local_id();
        self.sessions.emit_reset(to, id, out)
    }

    /// Returns the client that is furthest behind, if any is.
    pub(super) fn most_behind(&self) -> Option<u32> {
        self.feed
            .most_behind(self.roster.slots(), &self.channel, &self.table)
    }

    /// Returns whether the server may send this client one more new frame.
    fn may_add(&self, slot: u32) -> bool {
        let connection = self.sessions.at(slot);
        connection.is_open()
            && self.in_flight.has_room(connection.outstanding())
            && connection.has_window()
    }

    /// Returns the next frame for this client, for which [`may_add`](Self::may_add) is true.
    fn next_frame(&mut self, slot: u32) -> Option<SentFrame> {
        let used = self.roster.used();
        let name = self.roster.at_mut(slot);
        feed::next(slot, name, &self.mail, &self.channel, &self.table, used)
    }

    /// Builds a datagram of frames; returns its length, and whether more may follow. The caller may
    /// already have the `first` new frame.
    fn build_data(
        &mut self,
        slot: u32,
        mut first: Option<SentFrame>,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> (usize, News) {
        let throttled = self.roster.at(slot).is_throttled();
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

    /// Handles the acknowledgement of the `newly` oldest frames in flight.
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

    /// Records the messages and entries that the client has shown, from its ClientHello. Their
    /// acknowledgements may have been lost.
    pub(super) fn note_shown(&mut self, slot: u32, mail: u64, channel: u32) {
        loop {
            let mailbox = self.roster.at_mut(slot).mailbox_mut();
            let Some(index) = self.mail.on_acked_upto(mailbox, mail) else {
                break;
            };
            self.handed_over(slot, index);
        }
        let name = self.roster.at_mut(slot);
        if name.channel_mut().on_shown(&self.channel, channel) {
            self.note_progress(slot);
        }
    }

    /// Returns whether the client has not acknowledged everything from before its registration.
    pub(super) fn is_behind_boundary(&mut self, slot: u32) -> bool {
        let name = self.roster.at_mut(slot);
        let boundary = name.membership().boundary();
        let oldest = self.mail.oldest_order(name.mailbox());
        oldest.is_some_and(|order| order < boundary)
            || name.channel_mut().is_before(&self.channel, slot, boundary)
    }

    /// Compares the client's version of the table with the cursor, if no frame is in flight to it.
    pub(super) fn check_table(&mut self, slot: u32, version: u32) {
        if self.sessions.at(slot).outstanding() == 0 {
            let cursor = self.roster.at_mut(slot).table_mut();
            cursor.check(&self.table, version);
        }
    }

    // ---- scheduling ----

    /// Updates the lists that a name is in, after a change of the name or its session.
    pub(super) fn reschedule(&mut self, slot: u32) {
        self.reschedule_with(slot, News::Perhaps);
    }

    fn reschedule_with(&mut self, slot: u32, news: News) {
        let wants = self.sessions.at(slot).wants() != Wants::Nothing;
        let room = self.may_add(slot);
        let due = wants || (news == News::Perhaps && room && self.next_frame(slot).is_some());
        let membership = self.roster.at(slot).membership();
        let waits = room && !due && membership.is_here() && !membership.is_registering();
        self.feed.wait(self.roster.slots_mut(), slot, waits);
        self.sessions.reschedule(slot, |_| Needs {
            is_ready: due,
            asks_for_window: true,
        });
    }
}
