//! What client and server have in common, and the part of the run loop that all adapters share.

use core::fmt;
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
    /// Where it receives.
    pub address: SocketAddr,
    /// Whether it is active.
    pub online: bool,
}

/// A slice that was handed in is too small for its part; the documentation of the storage says how long it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageError(pub &'static str);

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the storage for {} is too small", self.0)
    }
}

impl core::error::Error for StorageError {}

/// The network side of a [`Client`](crate::Client) or [`Server`](crate::Server); adapters are generic over it.
pub trait Endpoint {
    /// Takes a datagram from the network, and opens it where it lies: its bytes are worthless afterwards. Cost:
    /// independent of the number of clients.
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

    /// When to call [`handle_timeout`](Self::handle_timeout); the last `now` while anything waits to be polled.
    /// O(1).
    fn poll_timeout(&self) -> Option<Instant>;

    /// Takes the next key that has come into use; `None` if there is none, or nobody asked for them with `log_keys`.
    /// Polled before [`poll_transmit`](Self::poll_transmit), each comes before the datagrams that are sealed with it.
    fn poll_key_log(&mut self) -> Option<LoggedKey> {
        None
    }
}

/// What became of a datagram that was handed to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was taken, or it is lost as any datagram can be: the protocol repeats what matters.
    Done,
    /// The network takes nothing now; the datagram is kept and offered again.
    WouldBlock,
}

/// How a [`flush`](Outgoing::flush) ended.
#[must_use = "a blocked datagram waits for the next flush"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// There is nothing more to send.
    Drained,
    /// The network takes nothing now: flush again when it does.
    Blocked,
    /// The budget is used up: there may be more.
    Budget,
}

/// Pulls datagrams out of an endpoint, and keeps the one that the network would not take.
pub struct Outgoing {
    buffer: [u8; DATAGRAM_LEN_MAX],
    unsent: Option<Transmit>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("unsent", &self.unsent)
            .finish_non_exhaustive()
    }
}

impl Outgoing {
    /// Nothing is kept.
    pub const fn new() -> Self {
        Self {
            buffer: [0; DATAGRAM_LEN_MAX],
            unsent: None,
        }
    }

    /// Sends what the endpoint has, at most `budget` datagrams.
    pub fn flush<E: Endpoint + ?Sized>(
        &mut self,
        endpoint: &mut E,
        now: Instant,
        budget: usize,
        mut send: impl FnMut(SocketAddr, &[u8]) -> Sent,
    ) -> Flushed {
        for _ in 0..budget {
            let Some(transmit) = self
                .unsent
                .take()
                .or_else(|| endpoint.poll_transmit(now, &mut self.buffer))
            else {
                return Flushed::Drained;
            };
            let datagram = self.buffer.get(..transmit.len).unwrap_or_default();
            if send(transmit.to, datagram) == Sent::WouldBlock {
                self.unsent = Some(transmit);
                return Flushed::Blocked;
            }
        }
        Flushed::Budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Has so many datagrams to send, numbered downwards.
    struct Numbers(u8);

    impl Endpoint for Numbers {
        fn handle_datagram(&mut self, _: Instant, _: SocketAddr, _: &mut [u8]) -> Disposition {
            Disposition::Accepted
        }

        fn handle_timeout(&mut self, _: Instant) {}

        fn poll_transmit(
            &mut self,
            _: Instant,
            out: &mut [u8; DATAGRAM_LEN_MAX],
        ) -> Option<Transmit> {
            out[0] = self.0;
            self.0 = self.0.checked_sub(1)?;
            let to = ([192, 0, 2, 1], 5_000).into();
            Some(Transmit { to, len: 1 })
        }

        fn poll_timeout(&self) -> Option<Instant> {
            None
        }
    }

    #[test]
    fn a_datagram_that_the_network_would_not_take_is_offered_again_before_all_others() {
        let (mut numbers, mut outgoing) = (Numbers(3), Outgoing::new());
        let mut flush = |budget, taken: usize| {
            let mut offered = Vec::new();
            let flushed = outgoing.flush(&mut numbers, Instant::ZERO, budget, |_, datagram| {
                offered.extend_from_slice(datagram);
                if offered.len() > taken {
                    Sent::WouldBlock
                } else {
                    Sent::Done
                }
            });
            (flushed, offered)
        };
        assert_eq!(flush(9, 1), (Flushed::Blocked, [3, 2].to_vec()));
        assert_eq!(flush(9, 0), (Flushed::Blocked, [2].to_vec()));
        assert_eq!(flush(1, 9), (Flushed::Budget, [2].to_vec()));
        assert_eq!(flush(9, 9), (Flushed::Drained, [1].to_vec()));
        assert_eq!(flush(9, 9), (Flushed::Drained, Vec::new()));
    }
}
