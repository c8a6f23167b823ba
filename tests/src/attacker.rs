//! Somebody who hears every datagram and can send anything from anywhere, at any time: what was overheard, as it was or
//! changed, and datagrams of its own making, under a key of its own.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use chatapp_core::Identity;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::seal::TAG_LEN;
use chatapp_core::wire::{Cookie, Datagram, Refusal};

use crate::choices::Choices;
use crate::keys::{Holder, Keys};
use crate::medium::Medium;
use crate::trace::Kind;

/// Datagrams that the attacker remembers of late, and of all time.
const OVERHEARD_MAX: usize = 128;

/// What an attacker has overheard.
#[derive(Debug, Default)]
pub struct Sniffer {
    overheard: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Sniffer {
    /// A datagram passed by.
    pub fn overhear(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if self.overheard.len() == OVERHEARD_MAX {
            self.overheard.pop_front();
        }
        self.overheard.push_back((from, to, bytes.to_vec()));
    }
}

/// Addresses where none of our processes ever is.
fn stranger(choices: &mut dyn Choices) -> SocketAddr {
    SocketAddr::new(
        Ipv4Addr::new(10, 66, 0, 1).into(),
        6_000 + choices.below(8) as u16,
    )
}

/// Whether an address is one of those.
pub fn is_stranger(address: SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V4(ip) if ip.octets()[1] == 66)
}

/// One act against the room: `addresses` are those of its processes, the server's first.
pub fn attack(medium: &mut Medium, keys: Keys, addresses: &[SocketAddr]) {
    let choices = &mut *medium.choices;
    let victim = addresses[choices.index(addresses.len())];
    let spoofed = addresses[choices.index(addresses.len())];
    let stranger = stranger(choices);
    let overheard = medium.sniffer.overheard.len();
    let remembered = medium
        .sniffer
        .overheard
        .get(choices.index(overheard))
        .cloned();
    match (choices.below(4), remembered) {
        (0, Some((from, to, bytes))) => medium.inject(Kind::Recorded, from, to, bytes),
        (1, Some((_, to, bytes))) => medium.inject(Kind::Redirected, stranger, to, bytes),
        (2, _) => {
            let junk = (0..choices.below(1_300))
                .map(|_| choices.next_u64() as u8)
                .collect();
            medium.inject(Kind::Junk, stranger, victim, junk);
        }
        _ => {
            let from = if choices.chance(500) {
                stranger
            } else {
                spoofed
            };
            let bytes = forge(choices, &keys.identity(Holder::Attacker));
            medium.inject(Kind::Forged, from, victim, bytes);
        }
    }
}

/// A well-formed datagram that opens or ends something, with guessed numbers.
fn forge(choices: &mut dyn Choices, identity: &Identity) -> Vec<u8> {
    let mut guess = || choices.next_u64();
    let id = guess();
    let message: Vec<u8> = (0..100 + guess() % 100).map(|_| guess() as u8).collect();
    let forged = match guess() % 6 {
        0 => Datagram::CookieRequest { id },
        1 => Datagram::Accept {
            to: id,
            message: &message,
        },
        2 => Datagram::Refuse {
            to: id,
            reason: Refusal::Displaced,
        },
        3 => Datagram::Reset {
            echo: id,
            token: [guess() as u8; TAG_LEN],
        },
        4 => Datagram::Cookie {
            to: id,
            cookie: Cookie {
                issued_at_ms: guess(),
                mac: guess(),
            },
            key: (guess() % 2 == 0).then(|| identity.public()),
        },
        _ => Datagram::Unsupported {
            version: guess() as u8,
            echo: id,
        },
    };
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = forged.emit(identity, &mut out);
    out[..len].to_vec()
}
