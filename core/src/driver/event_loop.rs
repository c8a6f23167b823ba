//! The event loop that every adapter runs.

use core::fmt;

use super::endpoint::Endpoint;
use super::network::{Network, Sent};
use super::transmit_queue::{Flushed, TransmitQueue};
use crate::drop_reason::Disposition;
use crate::limits::RECEIVE_LEN;
use crate::time::Instant;

/// Most datagrams that the loop reads before it sends the answers. The answers to a burst share
/// datagrams, and a flood delays no answer for long.
const READS_PER_POLL: usize = 16;

/// Most datagrams that the loop sends before it reads the network again.
const SENDS_PER_POLL: usize = 256;

/// Most calls of `handle_timeout` in one poll. Each does a bounded part of the due work, and
/// thousands of clients may have gone silent at once.
const TIMEOUTS_PER_POLL: usize = 64;

/// The delay before the loop polls outputs again that the caller left with the endpoint: no event
/// reports that the caller has room for them.
const LEFT_OVER_PAUSE_MS: u64 = 5;

/// Drives an [`Endpoint`] over a [`Network`]: the owner of all three polls it, and parks in
/// between.
///
/// 1. [`poll`](Self::poll) does all work that is possible now.
/// 2. [`next_deadline`](Self::next_deadline) returns how long to wait for a datagram, or for room
///    to send if the network is [blocked](Flushed::Blocked).
///
/// It is all zero bits when new: as a static, it takes no room in an image.
pub struct EventLoop {
    queue: TransmitQueue,
    received: [u8; RECEIVE_LEN],
    /// There may be more to read.
    is_unread: bool,
    flushed: Flushed,
    /// The endpoint was due when the last poll ended.
    was_due: bool,
    /// The endpoint was due when the last poll ended, and when the one before it did.
    is_left_over: bool,
    polled_at: Instant,
}

impl Default for EventLoop {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("is_unread", &self.is_unread)
            .field("flushed", &self.flushed)
            .finish_non_exhaustive()
    }
}

impl EventLoop {
    /// Creates a loop.
    pub const fn new() -> Self {
        Self {
            queue: TransmitQueue::new(),
            received: [0; RECEIVE_LEN],
            is_unread: false,
            flushed: Flushed::Drained,
            was_due: false,
            is_left_over: false,
            polled_at: Instant::ZERO,
        }
    }

    /// Does all work that is possible now: reads datagrams, handles timeouts, and sends. Each of
    /// these is bounded; [`next_deadline`](Self::next_deadline) is the present if there is more.
    ///
    /// It calls `drain` first, for inputs from the caller itself, and after each input. `drain`
    /// takes all outputs that are not datagrams, in the [order](crate#the-contract) of the
    /// contract.
    pub fn poll<E: Endpoint + ?Sized, N: Network + ?Sized>(
        &mut self,
        endpoint: &mut E,
        network: &mut N,
        now: Instant,
        mut drain: impl FnMut(&mut E, Instant),
    ) {
        network.begin_poll(now);
        drain(endpoint, now);
        // Reads first: a received answer must count before its timeout.
        self.read(endpoint, network, now, &mut drain);
        for _ in 0..TIMEOUTS_PER_POLL {
            if endpoint.poll_timeout().is_none_or(|due| due > now) {
                break;
            }
            endpoint.handle_timeout(now);
            drain(endpoint, now);
            self.flush(endpoint, network, now);
            if self.flushed != Flushed::Drained {
                break;
            }
        }
        self.flush(endpoint, network, now);
        network.end_poll();

        let is_due = endpoint.poll_timeout().is_some_and(|due| due <= now);
        self.is_left_over = is_due && self.was_due;
        self.was_due = is_due;
        self.polled_at = now;
    }

    /// Returns how the last poll ended: whether the network took all datagrams.
    pub fn flushed(&self) -> Flushed {
        self.flushed
    }

    /// Returns when to poll again, or `None` if there is no deadline.
    ///
    /// Poll earlier if a datagram arrives, or if the network has room again after a poll that ended
    /// [blocked](Flushed::Blocked).
    pub fn next_deadline<E: Endpoint + ?Sized, N: Network + ?Sized>(
        &self,
        endpoint: &E,
        network: &N,
    ) -> Option<Instant> {
        if self.is_unread || self.flushed == Flushed::Budget {
            return Some(self.polled_at);
        }
        let due = endpoint.poll_timeout().map(|due| {
            // The endpoint handled its timeouts and was drained: `drain` left an output there.
            if self.is_left_over && due <= self.polled_at {
                self.polled_at.plus_millis(LEFT_OVER_PAUSE_MS)
            } else {
                due
            }
        });
        match (due, network.next_deadline()) {
            (Some(due), Some(next)) => Some(due.min(next)),
            (due, next) => due.or(next),
        }
    }

    fn read<E: Endpoint + ?Sized, N: Network + ?Sized>(
        &mut self,
        endpoint: &mut E,
        network: &mut N,
        now: Instant,
        drain: &mut impl FnMut(&mut E, Instant),
    ) {
        for _ in 0..READS_PER_POLL {
            let received = network.receive(&mut self.received);
            self.is_unread = received.is_some();
            let Some((from, len)) = received else {
                return;
            };
            let datagram = self.received.get_mut(..len).unwrap_or_default();
            let handled = endpoint.handle_datagram(now, from, datagram);
            drain(endpoint, now);
            // Answers in sessions can wait and share datagrams. The endpoint has room for one
            // stateless answer: it leaves before the next datagram is read.
            if handled != Disposition::Accepted {
                self.flush(endpoint, network, now);
            }
        }
    }

    fn flush<E: Endpoint + ?Sized, N: Network + ?Sized>(
        &mut self,
        endpoint: &mut E,
        network: &mut N,
        now: Instant,
    ) {
        self.flushed = self
            .queue
            .flush(endpoint, now, SENDS_PER_POLL, |to, datagram| {
                network.send(to, datagram)
            });
        if self.flushed != Flushed::Blocked && network.flush() == Sent::WouldBlock {
            self.flushed = Flushed::Blocked;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::drop_reason::DropReason;
    use crate::limits::DATAGRAM_LEN_MAX;
    use crate::transmit::Transmit;
    use core::net::SocketAddr;

    const PEER: SocketAddr = SocketAddr::new(
        core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)),
        9,
    );

    /// An endpoint that answers each datagram.
    #[derive(Default)]
    struct Echo {
        answers: VecDeque<Vec<u8>>,
        accepts: bool,
        due: Option<Instant>,
        timeouts: usize,
    }

    impl Endpoint for Echo {
        fn handle_datagram(
            &mut self,
            _: Instant,
            _: SocketAddr,
            datagram: &mut [u8],
        ) -> Disposition {
            self.answers.push_back(datagram.to_vec());
            if self.accepts {
                Disposition::Accepted
            } else {
                Disposition::Ignored(DropReason::NoCookie)
            }
        }

        fn handle_timeout(&mut self, _: Instant) {
            self.timeouts += 1;
        }

        fn poll_transmit(
            &mut self,
            _: Instant,
            out: &mut [u8; DATAGRAM_LEN_MAX],
        ) -> Option<Transmit> {
            let answer = self.answers.pop_front()?;
            let len = answer.len();
            out.get_mut(..len)?.copy_from_slice(&answer);
            Some(Transmit { to: PEER, len })
        }

        fn poll_timeout(&self) -> Option<Instant> {
            self.due
        }
    }

    /// A network that records datagrams in both directions, in order; it accepts `room` of them.
    #[derive(Default)]
    struct Wire {
        arriving: VecDeque<Vec<u8>>,
        room: usize,
        log: Vec<(bool, Vec<u8>)>,
    }

    impl Network for Wire {
        fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
            let datagram = self.arriving.pop_front()?;
            buffer[..datagram.len()].copy_from_slice(&datagram);
            let len = datagram.len();
            self.log.push((false, datagram));
            Some((PEER, len))
        }

        fn send(&mut self, _: SocketAddr, datagram: &[u8]) -> Sent {
            let Some(room) = self.room.checked_sub(1) else {
                return Sent::WouldBlock;
            };
            self.room = room;
            self.log.push((true, datagram.to_vec()));
            Sent::Done
        }
    }

    fn wire(arriving: u8, room: usize) -> Wire {
        Wire {
            arriving: (0..arriving).map(|number| vec![number]).collect(),
            room,
            log: Vec::new(),
        }
    }

    fn sent(wire: &Wire) -> Vec<bool> {
        wire.log.iter().map(|(sent, _)| *sent).collect()
    }

    #[test]
    fn sends_a_stateless_answer_before_it_reads_on() {
        for (accepts, order) in [
            (true, [false, false, true, true]),
            (false, [false, true, false, true]),
        ] {
            let mut echo = Echo {
                accepts,
                ..Echo::default()
            };
            let (mut wire, mut event_loop) = (wire(2, 9), EventLoop::new());
            event_loop.poll(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
            assert_eq!(sent(&wire), order);
            assert_eq!(event_loop.next_deadline(&echo, &wire), None);
        }
    }

    #[test]
    fn reads_a_flood_in_parts() {
        let mut echo = Echo {
            accepts: true,
            ..Echo::default()
        };
        let (mut wire, mut event_loop) = (wire(100, 500), EventLoop::new());
        event_loop.poll(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!(wire.arriving.len(), 100 - READS_PER_POLL);
        for _ in 0..100 / READS_PER_POLL {
            assert_eq!(event_loop.next_deadline(&echo, &wire), Some(Instant::ZERO));
            event_loop.poll(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        }
        assert_eq!(event_loop.next_deadline(&echo, &wire), None);
        assert_eq!(wire.log.len(), 200);
    }

    #[test]
    fn keeps_datagrams_while_the_network_is_blocked() {
        let mut echo = Echo {
            accepts: true,
            ..Echo::default()
        };
        let (mut wire, mut event_loop) = (wire(3, 1), EventLoop::new());
        event_loop.poll(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!(event_loop.flushed(), Flushed::Blocked);
        assert_eq!(event_loop.next_deadline(&echo, &wire), None);
        wire.room = 9;
        event_loop.poll(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!(event_loop.flushed(), Flushed::Drained);
        let left: Vec<_> = wire.log.into_iter().filter(|(sent, _)| *sent).collect();
        assert_eq!(left, [0, 1, 2].map(|number| (true, vec![number])));
    }

    /// A network that queues datagrams until it is flushed, and then sends them if it has room.
    struct Gathering(Wire, Vec<Vec<u8>>);

    impl Network for Gathering {
        fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
            self.0.receive(buffer)
        }

        fn send(&mut self, _: SocketAddr, datagram: &[u8]) -> Sent {
            self.1.push(datagram.to_vec());
            Sent::Done
        }

        fn flush(&mut self) -> Sent {
            if self.1.len() > self.0.room {
                return Sent::WouldBlock;
            }
            for datagram in self.1.drain(..) {
                assert_eq!(self.0.send(PEER, &datagram), Sent::Done);
            }
            Sent::Done
        }
    }

    #[test]
    fn flushes_the_network_at_the_end_of_a_poll() {
        let mut echo = Echo {
            accepts: true,
            ..Echo::default()
        };
        let mut network = Gathering(wire(3, 2), Vec::new());
        let mut event_loop = EventLoop::new();
        event_loop.poll(&mut echo, &mut network, Instant::ZERO, |_, _| {});
        assert_eq!(event_loop.flushed(), Flushed::Blocked);
        assert_eq!(event_loop.next_deadline(&echo, &network), None);
        network.0.room = 3;
        event_loop.poll(&mut echo, &mut network, Instant::ZERO, |_, _| {});
        assert_eq!(event_loop.flushed(), Flushed::Drained);
        assert_eq!(sent(&network.0), [false, false, false, true, true, true]);
    }

    #[test]
    fn handles_one_timeout_while_blocked() {
        let mut echo = Echo {
            accepts: true,
            due: Some(Instant::ZERO),
            ..Echo::default()
        };
        let (mut wire, mut event_loop) = (wire(1, 0), EventLoop::new());
        event_loop.poll(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!((echo.timeouts, event_loop.flushed()), (1, Flushed::Blocked));
    }

    #[test]
    fn polls_again_after_a_pause_for_left_outputs() {
        let mut echo = Echo {
            due: Some(Instant::from_millis(10)),
            ..Echo::default()
        };
        let (mut wire, mut event_loop) = (wire(0, 0), EventLoop::new());
        let mut deadline_after = |now| {
            let now = Instant::from_millis(now);
            let mut drained = 0;
            event_loop.poll(&mut echo, &mut wire, now, |_, _| drained += 1);
            (
                drained,
                event_loop
                    .next_deadline(&echo, &wire)
                    .map(Instant::as_millis),
            )
        };
        assert_eq!(deadline_after(9), (1, Some(10)));
        // The endpoint stays due: `drain` left an output there.
        assert_eq!(deadline_after(10), (1 + TIMEOUTS_PER_POLL, Some(10)));
        assert_eq!(deadline_after(10), (1 + TIMEOUTS_PER_POLL, Some(15)));
    }
}
