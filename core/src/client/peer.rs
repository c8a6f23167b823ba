//! Sessions with peers: calls, silence, and the datagrams inside all sessions.

use core::net::SocketAddr;

use super::storage::Presence;
use super::{Client, SERVER};
use crate::hop::{Arrival, Phase};
use crate::sessions::Side;
use crate::stats::{Drop, Handled};
use crate::wire::{Accept, Call, Data, Datagram, Refusal};

impl Client<'_> {
    /// Asks a peer for a session.
    pub(super) fn call(&mut self, peer: u32) {
        self.openings = self.openings.wrapping_add(1);
        let id = self.entropy.draw();
        let slot = self.peers.at_mut(peer);
        slot.tried_at = self.now;
        let address = slot.address;
        self.change_hop(peer, |hop| hop.open(id, address));
    }

    pub(super) fn call_to(&self, peer: u32) -> Call<'_> {
        let slot = self.peers.at(peer);
        Call {
            id: slot.hop.local_id,
            from_incarnation: self.incarnation,
            to_incarnation: slot.incarnation,
            opening: self.openings,
            window: self.window,
            from: self.name.as_str(),
        }
    }

    pub(super) fn take_call(&mut self, from: SocketAddr, call: &Call<'_>) -> Handled {
        if call.to_incarnation != self.incarnation {
            self.reply = Some((
                from,
                Datagram::Refuse {
                    to: call.id,
                    reason: Refusal::NotMe,
                },
            ));
            return self.stats.drop(Drop::UnknownPeer);
        }
        if !self.standing.is_active() {
            return self.stats.drop(Drop::Offline);
        }
        let Some(peer) = self.find_peer(call.from) else {
            return self.unknown_caller(call);
        };
        let slot = self.peers.at(peer);
        if slot.incarnation != call.from_incarnation || slot.presence == Presence::Unknown {
            return self.unknown_caller(call);
        }
        if slot.address != from.into() {
            return self.stats.drop(Drop::WrongAddress);
        }
        if slot.hop.is_open() && slot.hop.remote_id == call.id {
            self.peers.at_mut(peer).hop.accept_again();
            self.attend(peer);
            return Handled::Accepted;
        }
        if call.opening <= slot.opening {
            return self.stats.drop(Drop::Duplicate);
        }
        // Both called at the same time: the call of the higher incarnation stands (as in RFC 4271, section 6.8).
        if slot.hop.phase() == Phase::Opening && self.incarnation > call.from_incarnation {
            return self.stats.drop(Drop::Unexpected);
        }
        let (remote_id, window) = (call.id, call.window);
        self.peers.at_mut(peer).opening = call.opening;
        let id = self.entropy.draw();
        self.change_hop(peer, |hop| hop.accept(id, remote_id, from.into(), window));
        Handled::Accepted
    }

    /// A client whose table does not hold the whole room asks for the caller's entry; the caller will call again.
    fn unknown_caller(&mut self, call: &Call<'_>) -> Handled {
        if self.partial {
            self.wonder(call.from);
        }
        self.stats.drop(Drop::UnknownPeer)
    }

    pub(super) fn take_accept(&mut self, from: SocketAddr, to: u64, accept: Accept) -> Handled {
        let Some(peer) = self.sessions.find(&self.peers, Side::Local, to) else {
            return self.stats.drop(Drop::UnknownSession);
        };
        let hop = &self.peers.at(peer).hop;
        if hop.remote != from.into() {
            return self.stats.drop(Drop::WrongAddress);
        }
        if hop.phase() != Phase::Opening {
            return self.stats.drop(Drop::Duplicate);
        }
        if peer == SERVER {
            return self.take_server_accept(accept);
        }
        self.change_hop(peer, |hop| hop.opened(accept.id, accept.window));
        self.peers.at_mut(peer).suspect = 0;
        Handled::Accepted
    }

    pub(super) fn take_peer_refusal(
        &mut self,
        from: SocketAddr,
        to: u64,
        reason: Refusal,
    ) -> Handled {
        let found = self.sessions.find(&self.peers, Side::Local, to);
        let Some(peer) = found.filter(|peer| self.peers.at(*peer).hop.remote == from.into()) else {
            return self.stats.drop(Drop::UnknownSession);
        };
        let hop = &self.peers.at(peer).hop;
        if peer == SERVER || hop.phase() != Phase::Opening || reason != Refusal::NotMe {
            return self.stats.drop(Drop::Unexpected);
        }
        self.peer_silent(peer);
        Handled::Accepted
    }

    pub(super) fn take_reset(&mut self, from: SocketAddr, echo: u64) -> Handled {
        let Some(peer) = self.sessions.find(&self.peers, Side::Remote, echo) else {
            self.hear_of_server(from);
            return self.stats.drop(Drop::UnknownSession);
        };
        let hop = &self.peers.at(peer).hop;
        if hop.remote != from.into() {
            return self.stats.drop(Drop::WrongAddress);
        }
        if peer == SERVER {
            self.take_server_reset();
        } else if hop.outstanding() != 0 {
            self.call(peer);
        } else {
            self.close_hop(peer);
        }
        Handled::Accepted
    }

    /// The server may be back, and speak of a session that we have given up.
    fn hear_of_server(&mut self, from: SocketAddr) {
        let lost = self.peers.at(SERVER).hop.phase() == Phase::Closed;
        if lost && from == self.server && self.standing.is_in_room() {
            self.open_server();
        }
    }

    /// All retries to a peer are used up, or it is not there any more.
    pub(super) fn peer_silent(&mut self, peer: u32) {
        let slot = self.peers.at_mut(peer);
        slot.suspect = slot.incarnation;
        self.fall_back(peer);
    }

    pub(super) fn take_data(&mut self, from: SocketAddr, data: Data<'_>) -> Handled {
        let Some(peer) = self.sessions.find(&self.peers, Side::Local, data.to) else {
            self.reply = Some((from, Datagram::Reset { echo: data.to }));
            self.hear_of_server(from);
            return self.stats.drop(Drop::UnknownSession);
        };
        let hop = &self.peers.at(peer).hop;
        if hop.remote != from.into() {
            return self.stats.drop(Drop::WrongAddress);
        }
        if !hop.is_open() {
            return self.stats.drop(Drop::Unexpected);
        }
        let (header, mut frames) = match data.open(hop.remote_id) {
            Ok(opened) => opened,
            Err(reason) => return self.stats.drop(reason),
        };
        let (now, retry) = (self.now, self.retry);
        let hop = &mut self.peers.at_mut(peer).hop;
        let newly = match hop.take_header(&header, now, retry, peer == SERVER, &mut self.stats) {
            Ok(newly) => newly,
            Err(reason) => return self.stats.drop(reason),
        };
        if peer == SERVER {
            (0..newly).for_each(|_| self.request_acknowledged());
            // It lasts until nothing waits: between two refusals the server takes some of it.
            if self.peers.at(SERVER).hop.outstanding() == 0 {
                self.note_throttled(false);
            } else if header.window == 0 {
                self.note_throttled(true);
            }
            self.watch_results();
        } else {
            self.peers.at_mut(peer).suspect = 0;
            (0..newly).for_each(|_| self.delivered(peer));
        }
        let mut handled = Handled::Accepted;
        if !frames.rest().is_empty() {
            self.peers.at_mut(peer).hop.frames_came(header.round);
        }
        let mut number = header.first;
        while !frames.rest().is_empty() {
            match self.peers.at_mut(peer).hop.arrival(number) {
                Arrival::Next => {
                    if !self.inbox.fill(peer, number, frames.rest()) {
                        handled = self.stats.drop(Drop::Busy);
                    }
                    break;
                }
                Arrival::Duplicate => {
                    handled = self.stats.drop(Drop::Duplicate);
                    if let Some(Err(reason)) = frames.next() {
                        handled = self.stats.drop(reason);
                    }
                    number = number.wrapping_add(1);
                }
                Arrival::Early => {
                    handled = self.stats.drop(Drop::OutOfOrder);
                    break;
                }
            }
        }
        self.attend(peer);
        handled
    }
}
