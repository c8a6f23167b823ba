//! The interface that client and server share for adapters.

use core::net::SocketAddr;

use crate::drop_reason::Disposition;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::key_log::LoggedKey;
use crate::time::Instant;
use crate::transmit::Transmit;

/// One entry of the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry<'a> {
    /// Name of the client.
    pub name: &'a str,
    /// Address at which the client receives.
    pub address: SocketAddr,
    /// Whether the client is active.
    pub online: bool,
    /// Whether this client has pinned another key for the name than the server lists.
    pub foreign_key: bool,
}

/// The network interface of a [`Client`](crate::Client) or [`Server`](crate::Server); adapters are
/// generic over it.
pub trait Endpoint {
    /// Processes a datagram from the network. It decrypts in place: the content of `datagram` is
    /// undefined afterwards.
    ///
    /// Cost: independent of the number of clients, except that a client with a full table scans it
    /// to evict a peer.
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition;

    /// Processes the deadlines up to `now`. A call before [`poll_timeout`](Self::poll_timeout) is
    /// harmless.
    fn handle_timeout(&mut self, now: Instant);

    /// Builds the next datagram into `out`, or returns `None` if there is nothing to send.
    fn poll_transmit(&mut self, now: Instant, out: &mut [u8; DATAGRAM_LEN_MAX])
    -> Option<Transmit>;

    /// Returns when to call [`handle_timeout`](Self::handle_timeout): the last `now` while an
    /// output waits to be polled. Cost: O(1).
    fn poll_timeout(&self) -> Option<Instant>;

    /// Returns the next key of the key log, or `None` if there is none, or `log_keys` was not
    /// called.
    ///
    /// Poll it before [`poll_transmit`](Self::poll_transmit): then each key precedes the datagrams
    /// that are encrypted with it.
    fn poll_key_log(&mut self) -> Option<LoggedKey> {
        None
    }
}
