//! A bad network on purpose: what becomes of the datagrams that this program sends.

use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::Instant;
use clap::Args;
use fastrand::Rng;

/// Datagrams that are held back at most; what comes on top of them is not delayed.
const DELAYED_MAX: usize = 4_096;

/// The options about faults.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Faults, in what this program sends")]
pub(crate) struct FaultOptions {
    /// Lose so many of 100 datagrams
    #[arg(long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u8).range(0..=100))]
    drop: u8,

    /// Send so many of 100 datagrams twice
    #[arg(long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u8).range(0..=100))]
    duplicate: u8,

    /// Turn over one bit in so many of 100 datagrams
    #[arg(long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u8).range(0..=100))]
    corrupt: u8,

    /// Delay each datagram by up to so many milliseconds, so that some overtake others
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    delay: u16,
}

/// Mistreats datagrams.
#[derive(Debug)]
pub(super) struct Faults {
    options: FaultOptions,
    rng: Rng,
    /// What leaves later, the next one first.
    delayed: VecDeque<Delayed>,
}

#[derive(Debug)]
struct Delayed {
    due: Instant,
    to: SocketAddr,
    datagram: Vec<u8>,
}

impl Faults {
    pub(super) fn new(options: FaultOptions, rng: Rng) -> Self {
        Self {
            options,
            rng,
            delayed: VecDeque::new(),
        }
    }

    /// Takes a datagram that is to leave, and perhaps damages it. True if it leaves now.
    pub(super) fn take(&mut self, now: Instant, to: SocketAddr, datagram: &mut [u8]) -> bool {
        let options = self.options;
        if self.happens(options.drop) {
            return false;
        }
        if self.happens(options.corrupt) && !datagram.is_empty() {
            let at = self.rng.usize(..datagram.len());
            datagram[at] ^= 1 << self.rng.u8(..8);
        }
        if self.happens(options.duplicate) {
            self.hold_back(now, to, datagram);
        }
        options.delay == 0 || !self.hold_back(now, to, datagram)
    }

    /// Writes the next datagram that was held back and is due; where it goes, and its length.
    pub(super) fn release(&mut self, now: Instant, out: &mut [u8]) -> Option<(SocketAddr, usize)> {
        self.delayed.front().filter(|next| next.due <= now)?;
        let Delayed { to, datagram, .. } = self.delayed.pop_front()?;
        out.get_mut(..datagram.len())?.copy_from_slice(&datagram);
        Some((to, datagram.len()))
    }

    /// When something that was held back is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.delayed.front().map(|next| next.due)
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    /// Keeps a datagram until it is due; false if there is no room for it.
    fn hold_back(&mut self, now: Instant, to: SocketAddr, datagram: &[u8]) -> bool {
        if self.delayed.len() == DELAYED_MAX {
            return false;
        }
        let due = now.plus_millis(self.rng.u16(..=self.options.delay).into());
        let place = self.delayed.partition_point(|other| other.due <= due);
        let datagram = datagram.to_vec();
        self.delayed.insert(place, Delayed { due, to, datagram });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 10_000;

    /// Sends numbered datagrams, one each millisecond: what has left, with the time, in order.
    fn sent(options: FaultOptions) -> Vec<(u64, Vec<u8>)> {
        let mut faults = Faults::new(options, Rng::with_seed(7));
        let to = ([192, 0, 2, 1], 9).into();
        let mut left = Vec::new();
        let mut out = [0; 8];
        for number in 0..2 * COUNT {
            let now = Instant::from_millis(number as u64);
            while let Some((_, len)) = faults.release(now, &mut out) {
                left.push((now.as_millis(), out[..len].to_vec()));
            }
            let mut datagram = (number as u64).to_be_bytes();
            if number < COUNT && faults.take(now, to, &mut datagram) {
                left.push((now.as_millis(), datagram.to_vec()));
            }
        }
        assert_eq!(faults.due(), None);
        left
    }

    fn numbers(sent: &[(u64, Vec<u8>)]) -> Vec<u64> {
        let number = |datagram: &Vec<u8>| u64::from_be_bytes(datagram[..].try_into().unwrap());
        sent.iter().map(|(_, datagram)| number(datagram)).collect()
    }

    #[test]
    fn without_faults_everything_leaves_as_it_is() {
        let all: Vec<u64> = (0..COUNT as u64).collect();
        assert_eq!(numbers(&sent(FaultOptions::default())), all);
    }

    #[test]
    fn each_fault_happens_as_often_as_it_was_asked_for() {
        let about = |count: usize, percent: usize| {
            let wanted = COUNT * percent / 100;
            assert!(count.abs_diff(wanted) < COUNT / 50, "{count} for {wanted}");
        };
        let drop = FaultOptions {
            drop: 30,
            ..FaultOptions::default()
        };
        about(sent(drop).len(), 70);
        let duplicate = FaultOptions {
            duplicate: 20,
            ..FaultOptions::default()
        };
        about(sent(duplicate).len(), 120);
        let corrupt = FaultOptions {
            corrupt: 10,
            ..FaultOptions::default()
        };
        let flipped = numbers(&sent(corrupt));
        let damaged = (0..).zip(&flipped).filter(|(number, left)| number != *left);
        about(damaged.clone().count(), 10);
        for (number, left) in damaged {
            assert_eq!((number ^ left).count_ones(), 1);
        }
        assert!(
            sent(FaultOptions {
                drop: 100,
                ..FaultOptions::default()
            })
            .is_empty()
        );
    }

    #[test]
    fn delays_are_bounded_and_change_the_order() {
        let left = sent(FaultOptions {
            delay: 50,
            ..FaultOptions::default()
        });
        let order = numbers(&left);
        assert!(!order.is_sorted());
        for ((at, _), number) in left.iter().zip(&order) {
            assert!((0..=50).contains(&(at - number)), "{number} at {at}");
        }
        let mut all = order;
        all.sort_unstable();
        assert_eq!(all, (0..COUNT as u64).collect::<Vec<_>>());
    }
}
