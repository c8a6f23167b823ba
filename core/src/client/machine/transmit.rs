//! Datagrams of the client, built when the caller polls.

use crate::client::machine::Client;
use crate::client::peers::SERVER;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::connection::Wants;
use crate::transmit::Transmit;
use crate::wire::DataWriter;

impl Client<'_> {
    /// Builds the next datagram: replies first, then handshakes and Data.
    // A frame of its own keeps that of the caller small, below which the stack is wiped.
    #[inline(never)]
    pub(super) fn transmit(&mut self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Option<Transmit> {
        if let Some(transmit) = self.sessions.emit_reply(out) {
            return Some(transmit);
        }
        loop {
            let peer = self.sessions.pop_ready()?;
            let len = match self.sessions.at(peer).wants() {
                Wants::Nothing => continue,
                Wants::Handshake if cfg!(feature = "call-guard") && !self.may_request(peer) => {
                    self.sessions.hold_request(peer);
                    self.reschedule(peer);
                    continue;
                }
                Wants::Handshake => {
                    let recipient = self.recipient(peer);
                    self.sessions.emit_request(peer, recipient.as_ref(), out)
                }
                Wants::Accept => self.sessions.emit_accept(peer, out),
                Wants::Data => {
                    if self.withdraws_ack(peer) {
                        continue;
                    }
                    match self.ask_for_renewal(peer, out) {
                        0 => self.build_data(peer, out),
                        len => len,
                    }
                }
            };
            self.reschedule(peer);
            if len != 0 {
                self.sessions.on_transmit(len, out);
                let to = self.sessions.at(peer).remote().get();
                return Some(Transmit { to, len });
            }
            // No handshake is possible with this key.
            if peer == SERVER {
                self.server_silent();
            } else {
                self.peer_silent(peer);
            }
        }
    }

    /// Builds a request for a fresh cookie if the session with the server is old, once in an
    /// interval. The session goes on until the cookie is here: then one round trip renews it.
    //= PROTOCOL.md#5.9
    fn ask_for_renewal(&mut self, peer: u32, out: &mut [u8; DATAGRAM_LEN_MAX]) -> usize {
        let (now, retry) = (self.sessions.now(), self.sessions.retry());
        let is_due = peer == SERVER
            && self.sessions.is_worn(SERVER, self.renew_ms)
            && self.registration.is_active()
            && self.server.may_ask(now, retry);
        if is_due {
            self.sessions.emit_cookie_request(SERVER, out)
        } else {
            0
        }
    }

    /// Withdraws an acknowledgement that would tell nothing: it is due again when a receipt comes
    /// back. One that carries the cookie for a new address is sent. Returns whether there is
    /// nothing else to send.
    //= PROTOCOL.md#6.5
    fn withdraws_ack(&mut self, peer: u32) -> bool {
        let carries_cookie = peer == SERVER && self.server.has_path_cookie();
        let is_waiting = self.peers.at(peer).receipts().is_waiting();
        if !is_waiting || carries_cookie || !self.inbox.is_empty() {
            return false;
        }
        let connection = self.sessions.at_mut(peer);
        connection.withdraw_ack();
        connection.wants() == Wants::Nothing
    }

    //= PROTOCOL.md#3.12
    fn build_data(&mut self, peer: u32, out: &mut [u8; DATAGRAM_LEN_MAX]) -> usize {
        //= PROTOCOL.md#6.5
        let receipts = self.peers.at_mut(peer).receipts_mut();
        let window = if !self.inbox.is_empty() {
            self.inbox.note_blocked_peer(peer);
            0
        } else if receipts.is_stalled() {
            0
        } else {
            self.window
        };
        let version = (peer == SERVER).then_some(self.table.version());
        let connection = self.sessions.at(peer);
        let mut header = connection.header(window, version);
        header.acknowledged = receipts.report(header.acknowledged);
        if peer == SERVER {
            header.cookie = self.server.take_path_cookie();
        }
        let mut writer = DataWriter::new(out, connection.remote_id(), &header);
        // A cookie has no room beside the largest frame.
        while header.cookie.is_none()
            && let Some((slot, sequence)) = self.next_to_send(peer)
        {
            let frame = self.frame(slot);
            let kind = frame.kind();
            if !writer.push(&frame) {
                writer.pad();
                break;
            }
            self.sessions.stats_mut().sent.count_frame(kind);
            self.peers.at_mut(peer).sending_mut().sent(slot, sequence);
            self.sessions.at_mut(peer).pushed();
        }
        self.sessions.finish_data(peer, writer)
    }

    /// Returns the next outbox slot to send in this session, and its sequence number. `None` if
    /// nothing may be sent.
    #[inline]
    fn next_to_send(&self, peer: u32) -> Option<(u32, u32)> {
        let connection = self.sessions.at(peer);
        if !connection.may_send() {
            return None;
        }
        let (position, oldest) = (connection.position(), connection.acked());
        let sending = self.peers.at(peer).sending();
        let slot = self.outbox.at_position(sending, position, oldest)?;
        Some((slot, position))
    }
}
