//! One turn of the loop that every adapter runs, written once.

use core::fmt;
use core::net::SocketAddr;

use super::endpoint::{Endpoint, Flushed, Outgoing, Sent};
use crate::drop_reason::Disposition;
use crate::limits::RECEIVE_LEN;
use crate::time::Instant;

/// Datagrams that are read before the endpoint's answers are sent, so that the answers to a burst share
/// datagrams, but nobody waits for a flood to end.
const READS_PER_TURN: usize = 16;

/// Datagrams that are sent before the network is read again.
const SENDS_PER_TURN: usize = 256;

/// How often the endpoint is told the time in one turn: each time it does a bounded part of what is due, and
/// thousands of clients may have gone silent at once.
const TIMEOUTS_PER_TURN: usize = 64;

/// How long to wait for something whose end nothing reports: the caller leaves an event with the endpoint until it
/// has room for it.
const LEFT_OVER_PAUSE_MS: u64 = 5;

/// What carries datagrams: a socket, or a network stack. Nothing here waits.
pub trait Network {
    /// Takes the next datagram that has arrived: where it came from, and its length. What is longer than the buffer
    /// is cut: it is too long for the protocol, too.
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)>;

    /// Sends a datagram, or keeps it to send it together with others. One that cannot be sent at all is dropped, as on
    /// any network.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent;

    /// Sends what [`send`](Self::send) has kept: there is nothing more at this moment. What the network does not take
    /// now is offered again with the next datagram, or the next call.
    fn flush(&mut self) -> Sent {
        Sent::Done
    }
}

/// Runs an [`Endpoint`] over a [`Network`], one turn at a time: whoever owns both decides when, and sleeps in between.
pub struct Turn {
    outgoing: Outgoing,
    received: [u8; RECEIVE_LEN],
    /// There may be more to read.
    unread: bool,
    flushed: Flushed,
    /// The endpoint was due when the last turn ended.
    was_due: bool,
}

impl Default for Turn {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("unread", &self.unread)
            .field("flushed", &self.flushed)
            .finish_non_exhaustive()
    }
}

impl Turn {
    /// Before the first turn.
    pub const fn new() -> Self {
        Self {
            outgoing: Outgoing::new(),
            received: [0; RECEIVE_LEN],
            unread: false,
            flushed: Flushed::Drained,
            was_due: false,
        }
    }

    /// Does all that is to be done now: reads datagrams, tells the endpoint the time, and sends. Each of them is
    /// bounded: [`wake_at`](Self::wake_at) says whether something is left.
    ///
    /// `drain` is called after every input, the caller's own ones before this call included: it takes from the
    /// endpoint whatever is not a datagram.
    pub fn run<E: Endpoint + ?Sized, N: Network + ?Sized>(
        &mut self,
        endpoint: &mut E,
        network: &mut N,
        now: Instant,
        mut drain: impl FnMut(&mut E, Instant),
    ) {
        drain(endpoint, now);
        // First read, then tell the time: an answer that is here already must not be missed.
        self.read(endpoint, network, now, &mut drain);
        for _ in 0..TIMEOUTS_PER_TURN {
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
    }

    /// Whether the network took everything at the end of the last turn.
    pub fn flushed(&self) -> Flushed {
        self.flushed
    }

    /// When the next turn is due, if the network reports nothing before: a datagram that arrived, or room to send if
    /// the last turn ended [blocked](Flushed::Blocked). To be called once behind each turn.
    pub fn wake_at<E: Endpoint + ?Sized>(&mut self, endpoint: &E, now: Instant) -> Option<Instant> {
        let due = endpoint.poll_timeout();
        let due_now = due.is_some_and(|due| due <= now);
        let left_over = due_now && self.was_due;
        self.was_due = due_now;
        if self.unread || self.flushed == Flushed::Budget {
            Some(now)
        } else if left_over {
            // It was told the time and drained just now: what makes it due was left there.
            Some(now.plus_millis(LEFT_OVER_PAUSE_MS))
        } else {
            due
        }
    }

    fn read<E: Endpoint + ?Sized, N: Network + ?Sized>(
        &mut self,
        endpoint: &mut E,
        network: &mut N,
        now: Instant,
        drain: &mut impl FnMut(&mut E, Instant),
    ) {
        for _ in 0..READS_PER_TURN {
            let received = network.receive(&mut self.received);
            self.unread = received.is_some();
            let Some((from, len)) = received else {
                return;
            };
            let datagram = self.received.get_mut(..len).unwrap_or_default();
            let handled = endpoint.handle_datagram(now, from, datagram);
            drain(endpoint, now);
            // Answers inside of sessions can wait and share datagrams. An answer to somebody without a session is
            // not remembered anywhere: it leaves before the next datagram is read.
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
            .outgoing
            .flush(endpoint, now, SENDS_PER_TURN, |to, datagram| {
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

    const PEER: SocketAddr = SocketAddr::new(
        core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)),
        9,
    );

    /// Answers each datagram, after it was told the time if that is due.
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

    /// What arrived and what left, in order; takes so many datagrams.
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
    fn answers_share_a_turn_but_strangers_are_answered_one_by_one() {
        for (accepts, order) in [
            (true, [false, false, true, true]),
            (false, [false, true, false, true]),
        ] {
            let mut echo = Echo {
                accepts,
                ..Echo::default()
            };
            let (mut wire, mut turn) = (wire(2, 9), Turn::new());
            turn.run(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
            assert_eq!(sent(&wire), order);
            assert_eq!(turn.wake_at(&echo, Instant::ZERO), None);
        }
    }

    #[test]
    fn a_flood_is_read_in_parts() {
        let mut echo = Echo {
            accepts: true,
            ..Echo::default()
        };
        let (mut wire, mut turn) = (wire(100, 500), Turn::new());
        turn.run(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!(wire.arriving.len(), 100 - READS_PER_TURN);
        for _ in 0..100 / READS_PER_TURN {
            assert_eq!(turn.wake_at(&echo, Instant::ZERO), Some(Instant::ZERO));
            turn.run(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        }
        assert_eq!(turn.wake_at(&echo, Instant::ZERO), None);
        assert_eq!(wire.log.len(), 200);
    }

    #[test]
    fn what_the_network_does_not_take_waits_for_it() {
        let mut echo = Echo {
            accepts: true,
            ..Echo::default()
        };
        let (mut wire, mut turn) = (wire(3, 1), Turn::new());
        turn.run(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!(turn.flushed(), Flushed::Blocked);
        assert_eq!(turn.wake_at(&echo, Instant::ZERO), None);
        wire.room = 9;
        turn.run(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!(turn.flushed(), Flushed::Drained);
        let left: Vec<_> = wire.log.into_iter().filter(|(sent, _)| *sent).collect();
        assert_eq!(left, [0, 1, 2].map(|number| (true, vec![number])));
    }

    /// Keeps what it is given until it is told that there is no more, and then takes it if it has room.
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
    fn what_the_network_gathers_leaves_at_the_end_of_the_turn_or_waits_for_it() {
        let mut echo = Echo {
            accepts: true,
            ..Echo::default()
        };
        let mut network = Gathering(wire(3, 2), Vec::new());
        let mut turn = Turn::new();
        turn.run(&mut echo, &mut network, Instant::ZERO, |_, _| {});
        assert_eq!(turn.flushed(), Flushed::Blocked);
        assert_eq!(turn.wake_at(&echo, Instant::ZERO), None);
        network.0.room = 3;
        turn.run(&mut echo, &mut network, Instant::ZERO, |_, _| {});
        assert_eq!(turn.flushed(), Flushed::Drained);
        assert_eq!(sent(&network.0), [false, false, false, true, true, true]);
    }

    #[test]
    fn an_endpoint_that_cannot_send_is_told_the_time_once() {
        let mut echo = Echo {
            accepts: true,
            due: Some(Instant::ZERO),
            ..Echo::default()
        };
        let (mut wire, mut turn) = (wire(1, 0), Turn::new());
        turn.run(&mut echo, &mut wire, Instant::ZERO, |_, _| {});
        assert_eq!((echo.timeouts, turn.flushed()), (1, Flushed::Blocked));
    }

    #[test]
    fn what_is_left_with_the_endpoint_is_looked_at_again_after_a_pause() {
        let mut echo = Echo {
            due: Some(Instant::from_millis(10)),
            ..Echo::default()
        };
        let (mut wire, mut turn) = (wire(0, 0), Turn::new());
        let mut wake_at = |now| {
            let now = Instant::from_millis(now);
            let mut drained = 0;
            turn.run(&mut echo, &mut wire, now, |_, _| drained += 1);
            (drained, turn.wake_at(&echo, now).map(Instant::as_millis))
        };
        assert_eq!(wake_at(9), (1, Some(10)));
        // Due, and due again behind that: its caller left something there.
        assert_eq!(wake_at(10), (1 + TIMEOUTS_PER_TURN, Some(10)));
        assert_eq!(wake_at(10), (1 + TIMEOUTS_PER_TURN, Some(15)));
    }
}
