//! Datagrams that an attacker has overheard, and addresses without a process.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::choices::Choices;

/// Number of recent datagrams that the attacker remembers.
const RECENT_MAX: usize = 128;
/// Of the datagrams before them, the attacker remembers every n-th while there is room.
const OLD_EVERY: usize = 8;
const OLD_MAX: usize = 512;

/// A datagram on its way: source, destination, payload.
pub(crate) type Overheard = (SocketAddr, SocketAddr, Vec<u8>);

/// The datagrams that an attacker has overheard.
#[derive(Debug, Default)]
pub struct Sniffer {
    recent: VecDeque<Overheard>,
    old: VecDeque<Overheard>,
    count: usize,
}

impl Sniffer {
    /// Records a datagram.
    pub fn overhear(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.count += 1;
        self.recent.push_back((from, to, bytes.to_vec()));
        if self.recent.len() <= RECENT_MAX {
            return;
        }
        let oldest = self.recent.pop_front();
        if self.count.is_multiple_of(OLD_EVERY) {
            self.old.extend(oldest);
        }
        if self.old.len() > OLD_MAX {
            self.old.pop_front();
        }
    }

    /// Returns a recent or an old datagram.
    pub(crate) fn any(&self, choices: &mut dyn Choices) -> Option<Overheard> {
        let chosen = if choices.chance(300) && !self.old.is_empty() {
            &self.old
        } else {
            &self.recent
        };
        chosen.get(choices.index(chosen.len())).cloned()
    }

    /// Returns the recent datagrams, the latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Overheard> {
        self.recent.iter().rev()
    }
}

/// Returns an address without any process.
pub(crate) fn stranger(choices: &mut dyn Choices) -> SocketAddr {
    SocketAddr::new(
        Ipv4Addr::new(10, 66, 0, 1).into(),
        6_000 + choices.below(8) as u16,
    )
}

/// Returns whether an address is one of a process that does not exist.
pub fn is_stranger(address: SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V4(ip) if ip.octets()[1] == 66)
}
