//! Overheard datagrams of a network, and addresses without any process.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::choices::Choices;

/// Datagrams that the attacker remembers of late.
const RECENT_MAX: usize = 128;
/// Of those before, every so many is remembered for as long as there is room.
const OLD_EVERY: usize = 8;
const OLD_MAX: usize = 512;

/// A datagram on its way: from, to, payload.
pub(crate) type Overheard = (SocketAddr, SocketAddr, Vec<u8>);

/// The datagrams that an attacker has overheard.
#[derive(Debug, Default)]
pub struct Sniffer {
    recent: VecDeque<Overheard>,
    old: VecDeque<Overheard>,
    count: usize,
}

impl Sniffer {
    /// A datagram passed by.
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

    /// One of them, of late or of long ago.
    pub(crate) fn any(&self, choices: &mut dyn Choices) -> Option<Overheard> {
        let kept = if choices.chance(300) && !self.old.is_empty() {
            &self.old
        } else {
            &self.recent
        };
        kept.get(choices.index(kept.len())).cloned()
    }

    /// The latest datagrams first.
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

/// Whether an address is one of those.
pub fn is_stranger(address: SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V4(ip) if ip.octets()[1] == 66)
}
