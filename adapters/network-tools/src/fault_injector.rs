//! Injects faults into the sent datagrams of a network.

use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{Instant, Network, Sent};
use fastrand::Rng;

/// Maximum number of delayed datagrams; further ones are not delayed.
const DELAYED_MAX: usize = 4_096;

/// Faults of a network; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Percentage of datagrams to drop.
    pub drop_percent: u8,
    /// Percentage of datagrams to send twice.
    pub duplicate_percent: u8,
    /// Percentage of datagrams in which one bit is inverted.
    pub corrupt_percent: u8,
    /// Maximum delay of each datagram in milliseconds; delayed datagrams are reordered.
    pub delay_ms: u16,
}

/// Network that injects faults into the datagrams sent through it. Received datagrams pass
/// unchanged: the other side has an injector of its own.
#[derive(Debug)]
pub struct FaultInjector<N> {
    inner: N,
    faults: Faults,
    rng: Rng,
    now: Instant,
    /// Delayed datagrams, sorted by due time.
    delayed: VecDeque<Delayed>,
    /// The inner network is blocked.
    is_blocked: bool,
}

#[derive(Debug)]
struct Delayed {
    due: Instant,
    to: SocketAddr,
    datagram: Vec<u8>,
}

impl<N> FaultInjector<N> {
    /// Creates an injector around a network. The same seed gives the same faults.
    pub fn new(inner: N, faults: Faults, seed: u64) -> Self {
        Self {
            inner,
            faults,
            rng: Rng::with_seed(seed),
            now: Instant::ZERO,
            delayed: VecDeque::new(),
            is_blocked: false,
        }
    }

    /// Returns the inner network.
    pub fn inner(&self) -> &N {
        &self.inner
    }

    /// Returns the inner network.
    pub fn inner_mut(&mut self) -> &mut N {
        &mut self.inner
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    /// Inverts one bit of a datagram.
    fn corrupt(&mut self, datagram: &mut [u8]) {
        if !datagram.is_empty() {
            let at = self.rng.usize(..datagram.len());
            datagram[at] ^= 1 << self.rng.u8(..8);
        }
    }

    /// Delays a datagram for a random time. Returns false if there is no room for it.
    fn hold_back(&mut self, to: SocketAddr, datagram: &[u8]) -> bool {
        if self.delayed.len() == DELAYED_MAX {
            return false;
        }
        let delay = self.rng.u16(..=self.faults.delay_ms);
        let due = self.now.plus_millis(delay.into());
        let place = self.delayed.partition_point(|other| other.due <= due);
        let datagram = datagram.to_vec();
        self.delayed.insert(place, Delayed { due, to, datagram });
        true
    }
}

impl<N: Network> FaultInjector<N> {
    /// Sends the delayed datagrams that are due.
    fn release(&mut self) -> Sent {
        while let Some(next) = self.delayed.front().filter(|next| next.due <= self.now) {
            if self.inner.send(next.to, &next.datagram) == Sent::WouldBlock {
                self.is_blocked = true;
                return Sent::WouldBlock;
            }
            self.delayed.pop_front();
        }
        self.is_blocked = false;
        Sent::Done
    }

    /// Sends a datagram, or queues it first: its faults have happened, and must not happen again.
    fn pass(&mut self, to: SocketAddr, datagram: &[u8]) {
        if self.inner.send(to, datagram) == Sent::WouldBlock {
            self.is_blocked = true;
            self.delayed.push_front(Delayed {
                due: Instant::ZERO,
                to,
                datagram: datagram.to_vec(),
            });
        }
    }
}

impl<N: Network> Network for FaultInjector<N> {
    fn begin_poll(&mut self, now: Instant) {
        self.now = now;
        self.inner.begin_poll(now);
    }

    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        self.inner.receive(buffer)
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let faults = self.faults;
        if faults == Faults::default() {
            return self.inner.send(to, datagram);
        }
        if self.release() == Sent::WouldBlock {
            return Sent::WouldBlock;
        }
        if self.happens(faults.drop_percent) {
            return Sent::Done;
        }
        let mut datagram = datagram.to_vec();
        if self.happens(faults.corrupt_percent) {
            self.corrupt(&mut datagram);
        }
        if self.happens(faults.duplicate_percent) {
            self.hold_back(to, &datagram);
        }
        if faults.delay_ms == 0 || !self.hold_back(to, &datagram) {
            self.pass(to, &datagram);
        }
        Sent::Done
    }

    fn flush(&mut self) -> Sent {
        match self.release() {
            Sent::Done => self.inner.flush(),
            Sent::WouldBlock => Sent::WouldBlock,
        }
    }

    fn end_poll(&mut self) {
        self.inner.end_poll();
    }

    fn next_deadline(&self) -> Option<Instant> {
        let released = self.delayed.front().filter(|_| !self.is_blocked);
        [self.inner.next_deadline(), released.map(|next| next.due)]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 10_000;

    /// Network that records datagrams while it has room.
    #[derive(Default)]
    struct Sink {
        now: u64,
        sent: Vec<(u64, Vec<u8>)>,
        is_full: bool,
    }

    impl Network for Sink {
        fn begin_poll(&mut self, now: Instant) {
            self.now = now.as_millis();
        }

        fn receive(&mut self, _: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
            None
        }

        fn send(&mut self, _: SocketAddr, datagram: &[u8]) -> Sent {
            if self.is_full {
                return Sent::WouldBlock;
            }
            self.sent.push((self.now, datagram.to_vec()));
            Sent::Done
        }
    }

    fn to() -> SocketAddr {
        ([192, 0, 2, 1], 9).into()
    }

    /// Sends numbered datagrams, one each millisecond. Returns those that left, with the time, in
    /// order.
    fn sent(faults: Faults) -> Vec<(u64, Vec<u8>)> {
        let mut injector = FaultInjector::new(Sink::default(), faults, 7);
        for number in 0..2 * COUNT {
            injector.begin_poll(Instant::from_millis(number as u64));
            if number < COUNT {
                let datagram = (number as u64).to_le_bytes();
                assert_eq!(injector.send(to(), &datagram), Sent::Done);
            }
            assert_eq!(injector.flush(), Sent::Done);
        }
        assert_eq!(injector.next_deadline(), None);
        injector.inner.sent
    }

    fn numbers(sent: &[(u64, Vec<u8>)]) -> Vec<u64> {
        let number = |datagram: &Vec<u8>| u64::from_le_bytes(datagram[..].try_into().unwrap());
        sent.iter().map(|(_, datagram)| number(datagram)).collect()
    }

    /// Returns whether a random count is close to its expected value.
    fn is_about(count: usize, percent: usize) -> bool {
        count.abs_diff(COUNT * percent / 100) < COUNT / 50
    }

    #[test]
    fn changes_nothing_without_faults() {
        let numbers = numbers(&sent(Faults::default()));
        assert!(numbers.into_iter().eq(0..COUNT as u64));
    }

    #[test]
    fn drops_and_duplicates_the_given_shares() {
        let faults = Faults {
            drop_percent: 20,
            duplicate_percent: 30,
            ..Faults::default()
        };
        let left = numbers(&sent(faults));
        assert!(is_about(left.len(), 104), "{}", left.len());
        let mut once = left.clone();
        once.dedup();
        assert!(is_about(once.len(), 80), "{}", once.len());
        assert!(once.is_sorted());
    }

    #[test]
    fn inverts_one_bit_in_the_given_share() {
        let faults = Faults {
            corrupt_percent: 20,
            ..Faults::default()
        };
        let flipped = (0..)
            .zip(numbers(&sent(faults)))
            .map(|(number, left): (u64, _)| (number ^ left).count_ones());
        let flipped: Vec<u32> = flipped.collect();
        assert!(flipped.iter().all(|bits| *bits <= 1));
        assert!(is_about(
            flipped.iter().filter(|bits| **bits == 1).count(),
            20
        ));
    }

    #[test]
    fn delays_by_up_to_the_delay_and_reorders() {
        let faults = Faults {
            delay_ms: 300,
            ..Faults::default()
        };
        let sent = sent(faults);
        let numbers = numbers(&sent);
        assert_eq!(numbers.len(), COUNT);
        assert!(!numbers.is_sorted());
        let delays: Vec<u64> = sent
            .iter()
            .zip(&numbers)
            .map(|((at, _), number)| at - number)
            .collect();
        assert!(delays.iter().all(|delay| *delay <= 300));
        assert!(delays.iter().any(|delay| *delay > 290));
    }

    #[test]
    fn injects_faults_once_while_blocked() {
        let faults = Faults {
            corrupt_percent: 100,
            ..Faults::default()
        };
        let mut injector = FaultInjector::new(Sink::default(), faults, 7);
        injector.inner.is_full = true;
        assert_eq!(injector.send(to(), &[0]), Sent::Done);
        assert_eq!(injector.send(to(), &[0]), Sent::WouldBlock);
        assert_eq!(injector.flush(), Sent::WouldBlock);
        assert_eq!(injector.next_deadline(), None);
        injector.inner.is_full = false;
        assert_eq!(injector.send(to(), &[0]), Sent::Done);
        assert_eq!(injector.flush(), Sent::Done);
        let bits = injector
            .inner
            .sent
            .iter()
            .map(|(_, sent)| sent[0].count_ones());
        assert_eq!(bits.collect::<Vec<_>>(), [1, 1]);
    }
}
