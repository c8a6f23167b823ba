//! The queue of datagrams between an endpoint and its network.

use core::fmt;
use core::net::SocketAddr;

use super::endpoint::Endpoint;
use super::network::Sent;
use crate::address::PackedAddress;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::time::Instant;
use crate::transmit::Transmit;

/// The result of a [`flush`](TransmitQueue::flush).
#[must_use = "a blocked datagram waits for the next flush"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// There is nothing more to send.
    Drained,
    /// The network has no room: flush again when it does.
    Blocked,
    /// The budget is used up: there may be more to send.
    Budget,
}

/// Moves datagrams from an endpoint to the network, and keeps one that the network refused.
///
/// It is all zero bits when new: as a static, it takes no room in an image.
pub struct TransmitQueue {
    buffer: [u8; DATAGRAM_LEN_MAX],
    /// The datagram in the buffer was not sent; `len` is its length, and `to` its destination.
    is_unsent: bool,
    len: usize,
    to: PackedAddress,
}

impl Default for TransmitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TransmitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransmitQueue")
            .field("is_unsent", &self.is_unsent)
            .finish_non_exhaustive()
    }
}

impl TransmitQueue {
    /// Creates an empty queue.
    pub const fn new() -> Self {
        Self {
            buffer: [0; DATAGRAM_LEN_MAX],
            is_unsent: false,
            len: 0,
            to: PackedAddress::VACANT,
        }
    }

    /// Sends the datagrams of the endpoint, at most `budget` of them.
    pub fn flush<E: Endpoint + ?Sized>(
        &mut self,
        endpoint: &mut E,
        now: Instant,
        budget: usize,
        mut send: impl FnMut(SocketAddr, &[u8]) -> Sent,
    ) -> Flushed {
        for _ in 0..budget {
            let Some(transmit) = self.next(endpoint, now) else {
                return Flushed::Drained;
            };
            let datagram = self.buffer.get(..transmit.len).unwrap_or_default();
            if send(transmit.to, datagram) == Sent::WouldBlock {
                self.is_unsent = true;
                self.len = transmit.len;
                self.to = transmit.to.into();
                return Flushed::Blocked;
            }
        }
        Flushed::Budget
    }

    /// Returns the datagram that was not sent, or else the endpoint's next one.
    fn next<E: Endpoint + ?Sized>(&mut self, endpoint: &mut E, now: Instant) -> Option<Transmit> {
        if core::mem::take(&mut self.is_unsent) {
            return Some(Transmit {
                to: self.to.get(),
                len: self.len,
            });
        }
        endpoint.poll_transmit(now, &mut self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drop_reason::Disposition;
    use std::vec::Vec;

    /// An endpoint with this many datagrams to send, numbered downwards.
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
    fn offers_a_blocked_datagram_again_before_others() {
        let (mut numbers, mut queue) = (Numbers(3), TransmitQueue::new());
        let mut flush = |budget, taken: usize| {
            let mut offered = Vec::new();
            let flushed = queue.flush(&mut numbers, Instant::ZERO, budget, |_, datagram| {
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
