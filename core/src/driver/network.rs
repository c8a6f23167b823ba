//! The network under an endpoint.

use core::net::SocketAddr;

use crate::limits::RECEIVE_LEN;
use crate::time::Instant;

/// The result of [`Network::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The network took the datagram, or lost it: the protocol retransmits.
    Done,
    /// The network has no room now. The caller keeps the datagram, and sends it again in the next
    /// poll. It does not call [`Network::flush`] before that.
    WouldBlock,
}

/// Sends and receives datagrams: a socket, a network stack, or a layer around another network. No
/// method blocks.
pub trait Network {
    /// Starts an [`EventLoop::poll`](crate::EventLoop::poll) at this time.
    fn begin_poll(&mut self, now: Instant) {
        let _ = now;
    }

    /// Copies the next received datagram into the buffer; returns its source and its length. It
    /// truncates a datagram longer than the buffer, which the protocol drops.
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)>;

    /// Sends a datagram, or queues it to send it together with others. It drops a datagram that it
    /// can never send.
    ///
    /// If its queue is full, it first sends the queued datagrams itself: only this makes room.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent;

    /// Sends the datagrams that [`send`](Self::send) has queued: none follows now. The network
    /// keeps those that it cannot send, and tries again with the next datagram or the next call.
    fn flush(&mut self) -> Sent {
        Sent::Done
    }

    /// Ends a poll: the endpoint has nothing more to send, or the network is blocked.
    fn end_poll(&mut self) {}

    /// Returns when the network itself needs a poll of the loop, or `None` if its events wake the
    /// loop.
    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}
