//! Somebody who hears every datagram and can send anything from anywhere, but does not know what a session does.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Accept, Call, Datagram, Hello, Refusal};

use crate::choices::Choices;
use crate::medium::Medium;
use crate::trace::Kind;

/// Datagrams that the attacker remembers.
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

/// One act against the room: `names` are those in it, `addresses` those of its processes, the server's first.
pub fn attack(medium: &mut Medium, names: &[String], addresses: &[SocketAddr]) {
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
            let name = choices.index(names.len());
            let bytes = forge(choices, &names[name]);
            medium.inject(Kind::Forged, from, victim, bytes);
        }
    }
}

/// A well-formed datagram that opens or ends something, with guessed numbers.
fn forge(choices: &mut dyn Choices, name: &str) -> Vec<u8> {
    let mut guess = || choices.next_u64();
    let id = guess();
    let forged = match guess() % 7 {
        0 => Datagram::Hello(Hello {
            id,
            incarnation: guess(),
            resume: guess(),
            cookie: guess() & guess(),
            table_epoch: guess(),
            table_version: guess() as u32,
            epoch: guess(),
            mail_shown: guess(),
            channel_shown: guess() as u32,
            table_capacity: guess() as u32,
            opening: guess() as u32,
            window: guess() as u16,
            name,
        }),
        1 => Datagram::Call(Call {
            id,
            from_incarnation: guess(),
            to_incarnation: guess(),
            opening: guess() as u32,
            window: guess() as u16,
            from: name,
        }),
        2 => {
            let (epoch, table_epoch) = (guess(), guess());
            Datagram::Accept {
                to: id,
                accept: Accept {
                    id: guess(),
                    epoch,
                    table_epoch,
                    window: guess() as u16,
                },
            }
        }
        3 => Datagram::Refuse {
            to: id,
            reason: Refusal::Displaced,
        },
        4 => Datagram::Reset { echo: id },
        5 => Datagram::Cookie {
            to: id,
            cookie: guess(),
        },
        _ => Datagram::Unsupported {
            version: guess() as u8,
            echo: id,
        },
    };
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = forged.emit(&mut out);
    out[..len].to_vec()
}
