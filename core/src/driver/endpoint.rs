//! The interface that client and server share for adapters.

use core::net::SocketAddr;

use crate::drop_reason::Disposition;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::key_log::LoggedKey;
use crate::time::Instant;
use crate::transmit::Transmit;

/// One row of the table of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry<'a> {
    /// Name of the client.
    pub name: &'a str,
    /// The address at which it receives.
    pub address: SocketAddr,
    /// Whether it is active.
    pub online: bool,
}

/// The network side of a [`Client`](crate::Client) or [`Server`](crate::Server); adapters are
/// generic over it.
pub trait Endpoint {
    /// Takes a datagram from the network, and opens it where it lies: its bytes are worthless
    /// afterwards. Cost: independent of the number of clients.
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition;

    /// Tells that time has passed. A call before [`poll_timeout`](Self::poll_timeout) is harmless.
    fn handle_timeout(&mut self, now: Instant);

    /// Builds the next datagram into `out`; `None` when there is nothing to send.
    fn poll_transmit(&mut self, now: Instant, out: &mut [u8; DATAGRAM_LEN_MAX])
    -> Option<Transmit>;

    /// When to call [`handle_timeout`](Self::handle_timeout); the last `now` while anything waits
    /// to be polled. O(1).
    fn poll_timeout(&self) -> Option<Instant>;

    /// Takes the next key that has come into use; `None` if there is none, or nobody asked for them
    /// with `log_keys`. Polled before [`poll_transmit`](Self::poll_transmit), each comes before
    /// the datagrams that are encrypted with it.
    fn poll_key_log(&mut self) -> Option<LoggedKey> {
        None
    }
}
