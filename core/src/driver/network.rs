//! The network that an endpoint is driven over.

use core::net::SocketAddr;

use crate::limits::RECEIVE_LEN;
use crate::time::Instant;

/// The fate of a datagram that was handed to a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The network took it, or lost it as any network may: the protocol repeats what matters.
    Done,
    /// The network takes nothing now; the datagram stays with the caller, who offers it again.
    WouldBlock,
}

/// Sends and receives datagrams: a socket, a network stack, or a layer around another network. No
/// method waits.
pub trait Network {
    /// Tells the time at the start of each [`EventLoop::poll`](crate::EventLoop::poll).
    fn begin_poll(&mut self, now: Instant) {
        let _ = now;
    }

    /// Takes the next datagram that has arrived, and returns its source and its length. A datagram
    /// longer than the buffer is truncated: it is too long for the protocol as well.
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)>;

    /// Sends a datagram, or keeps it to send it together with others. A datagram that can never be
    /// sent is dropped, as on any network.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent;

    /// Sends what [`send`](Self::send) has kept, since nothing follows at this moment. The network
    /// keeps what it cannot send now, and tries again with the next datagram or the next call.
    fn flush(&mut self) -> Sent {
        Sent::Done
    }

    /// Ends a poll: the endpoint has nothing more to send, or the network is blocked.
    fn end_poll(&mut self) {}

    /// Returns when the loop must be polled for the sake of the network itself; `None` if the
    /// network reports everything that happens to it.
    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}
