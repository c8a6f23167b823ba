//! Source addresses of answers. A machine with several addresses answers from the one that was
//! asked: the kernel would choose by its routes, and no peer expects an answer from there.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use chatapp_core::Instant;

/// Number of remote addresses in one generation. There are two generations: the addresses that
/// wrote last, at least this many, are always known.
const GENERATION_LEN: usize = 32_768;

/// Age of the young generation at which it becomes the old one. A remote address that is silent for
/// twice this time is forgotten, so a local address that lost its network does not stay in use.
const GENERATION_MS: u64 = 30_000;

/// A local address that a remote address wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    ip: IpAddr,
    /// `None` until a datagram leaves for the remote address.
    differs: Option<bool>,
}

/// The local address that each remote address wrote to last.
#[derive(Debug)]
pub(crate) struct LocalAddresses {
    young: HashMap<SocketAddr, Asked>,
    old: HashMap<SocketAddr, Asked>,
    generation_len: usize,
    young_until: Instant,
}

impl LocalAddresses {
    /// Allocates nothing.
    pub(crate) fn new() -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            generation_len: GENERATION_LEN,
            young_until: Instant::ZERO,
        }
    }

    /// Starts a new generation when one is due.
    pub(crate) fn age(&mut self, now: Instant) {
        if self.young_until <= now {
            self.young_until = now.plus_millis(GENERATION_MS);
            self.start_generation();
        }
    }

    fn start_generation(&mut self) {
        std::mem::swap(&mut self.young, &mut self.old);
        self.young.clear();
    }

    /// A datagram from `remote` arrived at this local address.
    pub(crate) fn note(&mut self, remote: SocketAddr, ip: IpAddr) {
        match self.young.get(&remote) {
            Some(asked) if asked.ip == ip => return,
            None if self.young.len() >= self.generation_len => self.start_generation(),
            _ => {}
        }
        self.young.insert(remote, Asked { ip, differs: None });
    }

    /// Returns the source for a datagram to `remote`; `None` leaves the choice to the kernel. Only
    /// an address that is not the kernel's own choice is returned: a machine that moves to another
    /// network must not stay with the address that it had.
    pub(crate) fn source_for(
        &mut self,
        remote: SocketAddr,
        kernels_choice: impl FnOnce(SocketAddr) -> IpAddr,
    ) -> Option<IpAddr> {
        let asked = match self.young.get_mut(&remote) {
            Some(asked) => asked,
            None => self.old.get_mut(&remote)?,
        };
        let ip = asked.ip;
        let differs = asked
            .differs
            .get_or_insert_with(|| kernels_choice(remote) != ip);
        differs.then_some(ip)
    }

    /// Returns the local address that `remote` wrote to.
    pub(crate) fn asked_by(&self, remote: SocketAddr) -> Option<IpAddr> {
        let asked = self.young.get(&remote).or_else(|| self.old.get(&remote))?;
        (asked.differs != Some(false)).then_some(asked.ip)
    }

    /// The kernel refuses this source: from now on it chooses.
    pub(crate) fn give_up(&mut self, remote: SocketAddr) {
        for generation in [&mut self.young, &mut self.old] {
            if let Some(asked) = generation.get_mut(&remote) {
                asked.differs = Some(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn remote(number: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], number))
    }

    #[test]
    fn answers_from_the_address_that_was_asked() {
        let mut locals = LocalAddresses::new();
        assert_eq!(locals.source_for(remote(1), |_| ONE), None);
        locals.note(remote(1), TWO);
        locals.note(remote(2), ONE);
        assert_eq!(locals.source_for(remote(1), |_| ONE), Some(TWO));
        assert_eq!(locals.source_for(remote(2), |_| ONE), None);
        assert_eq!(locals.source_for(remote(3), |_| ONE), None);
        locals.note(remote(1), ONE);
        assert_eq!(locals.source_for(remote(1), |_| ONE), None);
    }

    #[test]
    fn asks_the_kernel_once_for_each_address() {
        let mut locals = LocalAddresses::new();
        let mut asked = 0;
        for _ in 0..3 {
            locals.note(remote(1), TWO);
            locals.source_for(remote(1), |_| {
                asked += 1;
                ONE
            });
        }
        assert_eq!(asked, 1);
    }

    #[test]
    fn leaves_a_refused_source_to_the_kernel() {
        let mut locals = LocalAddresses::new();
        locals.note(remote(1), TWO);
        assert_eq!(locals.asked_by(remote(1)), Some(TWO));
        locals.give_up(remote(1));
        locals.note(remote(1), TWO);
        assert_eq!(locals.source_for(remote(1), |_| ONE), None);
        assert_eq!(locals.asked_by(remote(1)), None);
    }

    #[test]
    fn forgets_silent_addresses_and_keeps_others() {
        let mut locals = LocalAddresses::new();
        locals.age(Instant::ZERO);
        locals.note(remote(1), TWO);
        locals.note(remote(2), TWO);
        for generation in 1..=3 {
            locals.age(Instant::from_millis(generation * GENERATION_MS));
            assert_eq!(locals.source_for(remote(1), |_| ONE), Some(TWO));
            locals.note(remote(1), TWO);
        }
        assert_eq!(locals.source_for(remote(2), |_| ONE), None);
    }

    #[test]
    fn is_bounded_and_keeps_the_latest_addresses() {
        let mut locals = LocalAddresses::new();
        locals.generation_len = 4;
        for number in 0..100 {
            locals.note(remote(number), TWO);
            for latest in number.saturating_sub(3)..=number {
                assert_eq!(locals.source_for(remote(latest), |_| ONE), Some(TWO));
            }
            assert!(locals.young.len() + locals.old.len() <= 8);
        }
    }
}
