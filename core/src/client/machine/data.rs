//! Data datagrams of sessions, and lost sessions.

use core::net::SocketAddr;

use crate::client::machine::Client;
use crate::client::peers::SERVER;
use crate::crypto::TAG_LEN;
use crate::drop_reason::{Disposition, DropReason};
use crate::session::connection::{Arrival, Phase};
use crate::wire::{Frames, Header};

impl Client<'_> {
    /// Handles a stateless reset.
    pub(super) fn take_reset(
        &mut self,
        from: SocketAddr,
        echo: u64,
        token: [u8; TAG_LEN],
    ) -> Disposition {
        let peer = match self.sessions.take_reset(from, echo, &token) {
            Ok(peer) => peer,
            Err(reason) => {
                if reason == DropReason::UnknownSession {
                    self.renew_lost_session(from);
                }
                return self.sessions.count_drop(reason);
            }
        };
        if peer == SERVER {
            self.take_server_reset();
        } else if self.sessions.at(peer).outstanding() != 0 {
            self.call(peer);
        } else {
            self.close_connection(peer);
        }
        Disposition::Accepted
    }

    /// Asks for a new session if the datagram shows that the server is back. This client has given
    /// up the old session. While it renews its session, it is silent about the one before: the
    /// server would take a Reset for a departure.
    fn renew_lost_session(&mut self, from: SocketAddr) {
        if from != self.server.address() || !self.registration.is_in_room() {
            return;
        }
        match self.sessions.at(SERVER).phase() {
            Phase::Closed => self.open_server(),
            Phase::Handshaking => self.sessions.drop_reply(),
            Phase::Accepted | Phase::Open => {}
        }
    }

    /// Handles a failed path: the peer did not answer, or has another process.
    pub(super) fn peer_silent(&mut self, peer: u32) {
        self.peers.at_mut(peer).route_mut().note_silence();
        self.fall_back(peer);
    }

    /// Handles a Data datagram: acknowledgements, then frames.
    pub(super) fn take_data(
        &mut self,
        from: SocketAddr,
        to: u64,
        datagram: &mut [u8],
    ) -> Disposition {
        let received = match self.sessions.receive(from, to, datagram) {
            Ok(received) => received,
            Err(reason) => {
                if reason == DropReason::UnknownSession {
                    self.renew_lost_session(from);
                }
                return self.sessions.count_drop(reason);
            }
        };
        let peer = received.slot;
        if peer == SERVER {
            self.events.contact_mut().heard(self.sessions.now());
        }
        let (header, frames) = (received.header, received.frames);
        if let Some(reason) = header.closed
            && peer == SERVER
        {
            return self.refused(reason);
        }
        match self.sessions.take_header(peer, &header, peer == SERVER) {
            Ok(newly) if peer == SERVER => self.take_server_acks(newly, header.window),
            Ok(newly) => {
                self.peers.at_mut(peer).route_mut().note_answer();
                (0..newly).for_each(|_| self.delivered(peer));
            }
            Err(reason) => return self.sessions.count_drop(reason),
        }
        let disposition = self.take_frames(peer, &header, frames);
        self.reschedule(peer);
        disposition
    }

    /// Handles the acknowledgement of `newly` requests by the server, and its window.
    fn take_server_acks(&mut self, newly: u32, window: u16) {
        (0..newly).for_each(|_| self.request_acknowledged());
        // Throttling lasts until nothing is in flight: the server accepts some requests between two
        // closed windows.
        if self.sessions.at(SERVER).outstanding() == 0 {
            self.events.note_throttled(false);
        } else if window == 0 {
            self.events.note_throttled(true);
        }
        self.watch_results();
    }

    /// Puts the frames into the inbox that are next in their session.
    fn take_frames(&mut self, peer: u32, header: &Header, mut frames: Frames<'_>) -> Disposition {
        let mut disposition = Disposition::Accepted;
        let connection = self.sessions.at_mut(peer);
        let may_delay_ack = !connection.is_ack_due();
        if !frames.rest().is_empty() {
            connection.flush_ack();
            connection.frames_came(header.phase);
        }
        if header.probe || !frames.rest().is_empty() {
            self.inbox.forbid_ack_delay(peer);
        }
        let mut number = header.first;
        while !frames.rest().is_empty() {
            match self.sessions.at_mut(peer).arrival(number) {
                Arrival::Next => {
                    //= PROTOCOL.md#11.7
                    if peer != SERVER && self.is_ignored(peer) {
                        return self.sessions.count_drop(DropReason::IgnoredKey);
                    }
                    if peer != SERVER && self.admit(peer).is_err() {
                        return self.sessions.count_drop(DropReason::PinsFull);
                    }
                    if !self.inbox.fill(peer, number, &frames, may_delay_ack) {
                        return self.sessions.count_drop(DropReason::Busy);
                    }
                    break;
                }
                Arrival::Duplicate => {
                    self.peers.at_mut(peer).receipts_mut().note_repetition();
                    disposition = self.sessions.count_drop(DropReason::Duplicate);
                    if let Some(Err(reason)) = frames.next() {
                        disposition = self.sessions.count_drop(reason);
                    }
                    number = number.wrapping_add(1);
                }
                Arrival::Early => {
                    return self.sessions.count_drop(DropReason::OutOfOrder);
                }
            }
        }
        disposition
    }
}
