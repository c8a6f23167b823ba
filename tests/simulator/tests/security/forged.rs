//! First datagrams that are forged, and reach the server as fast as it takes them.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use chatapp_core::crypto::{KEY_LEN, TAG_LEN};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{ClientHello, Cookie, Datagram, Hello, Refusal, VERSION};
use chatapp_core::{Disposition, DropReason, Endpoint, Instant, Server, ServerEvent, Usage};
use chatapp_simulator::attacker::tagged;
use chatapp_simulator::keys::Holder;
use chatapp_simulator::medium::Captured;
use chatapp_simulator::people;
use chatapp_simulator::world::World;

use crate::{ANN, DATA, attacker, plain, public};

/// Number of different datagrams of each kind.
const EACH: u8 = 16;

/// Kinds of datagrams that occur only as answers to strangers.
const ANSWERS: [&str; 3] = ["unsupported", "cookie", "reset"];

/// All different datagrams, each with its source; without one, it comes from a new stranger each
/// time.
pub(crate) struct Forged {
    all: Vec<(Option<SocketAddr>, Vec<u8>)>,
    random: fastrand::Rng,
}

impl Default for Forged {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            random: fastrand::Rng::with_seed(1),
        }
    }
}

impl Forged {
    /// Adds a datagram from a stranger, and from each of these addresses, whose owners do not know
    /// of it.
    fn add(&mut self, borrowed: &[SocketAddr], bytes: &[u8]) {
        self.all.push((None, bytes.to_vec()));
        for from in borrowed {
            self.all.push((Some(*from), bytes.to_vec()));
        }
    }

    /// Adds datagrams that need no cookie: requests for one, datagrams of no session, and junk.
    pub(crate) fn without_cookies(&mut self, borrowed: &[SocketAddr]) {
        for number in 0..EACH {
            let id = self.random.u64(1..);
            let message: Vec<u8> = (0..120).map(|_| self.random.u8(..)).collect();
            let plain_ones = [
                Datagram::CookieRequest { id },
                Datagram::Cookie {
                    to: id,
                    cookie: self.invented_cookie(),
                    key: Some(attacker().public()),
                },
                Datagram::Accept {
                    to: id,
                    message: &message,
                },
                Datagram::Refuse {
                    to: id,
                    reason: Refusal::Evicted,
                },
                Datagram::Reset {
                    echo: id,
                    token: [number; TAG_LEN],
                },
                Datagram::Unsupported {
                    version: VERSION + 1,
                    echo: id,
                },
            ];
            for datagram in plain_ones {
                self.add(borrowed, &plain(&datagram));
            }
            let hello = Hello::Peer { to_incarnation: id };
            self.add(borrowed, &begun(hello, id, number, &message));
            for version in [VERSION, VERSION + 1] {
                let mut data = vec![version, DATA];
                data.extend(&message[..10 + usize::from(number)]);
                self.add(borrowed, &data);
                data.extend(&message);
                self.add(borrowed, &data);
            }
            let len = self.random.usize(..DATAGRAM_LEN_MAX + 100);
            let junk: Vec<u8> = (0..len).map(|_| self.random.u8(..)).collect();
            self.add(borrowed, &junk);
        }
    }

    /// Adds requests of which only the cookie is wrong: it is not valid for their source.
    pub(crate) fn with_cookie(&mut self, cookie: Cookie, borrowed: &[SocketAddr]) {
        for number in 0..EACH {
            let id = self.random.u64(1..);
            // A new name, or that of another client.
            let name = match number % 2 {
                0 => format!("mallory{number}"),
                _ => people::name(ANN),
            };
            let hello = ClientHello {
                incarnation: id,
                table_epoch: 0,
                table_version: 0,
                epoch: 0,
                mail_shown: 0,
                channel_shown: 0,
                table_capacity: 64,
                session_sequence: u32::MAX,
                window: 32,
                reset: [number; TAG_LEN],
                name: &name,
            };
            let payload = postcard::to_stdvec(&hello).expect("a vector grows as needed");
            self.add(
                borrowed,
                &begun(Hello::Client(cookie), id, number, &payload),
            );
        }
    }

    /// Adds the same requests with invented cookies.
    pub(crate) fn with_invented_cookies(&mut self, borrowed: &[SocketAddr]) {
        for issued_at_ms in [0, 1, 10_000, u64::MAX] {
            let mac = self.random.u64(..);
            self.with_cookie(Cookie { issued_at_ms, mac }, borrowed);
        }
    }

    fn invented_cookie(&mut self) -> Cookie {
        Cookie {
            issued_at_ms: self.random.u64(..200_000),
            mac: self.random.u64(..),
        }
    }

    /// Adds all recorded datagrams to the server: unchanged, with one changed bit and a fitting
    /// short tag, and truncated. None has its own source.
    pub(crate) fn recorded(&mut self, overheard: &[Captured], server: SocketAddr) {
        let said: BTreeSet<&[u8]> = overheard
            .iter()
            .filter(|datagram| datagram.to == server)
            .map(|datagram| &datagram.bytes[..])
            .collect();
        assert!(!said.is_empty());
        for bytes in said {
            self.add(&[], bytes);
            let mut changed = bytes.to_vec();
            let bit = self.random.usize(..8 * (bytes.len() - 8));
            changed[bit / 8] ^= 1 << (bit % 8);
            self.add(&[], &changed);
            self.add(&[], &tagged(changed));
            let cut_off = self.random.usize(..bytes.len());
            self.add(&[], &bytes[..cut_off]);
        }
    }

    /// Gives the datagrams with these numbers to the server, and checks its answers. No other
    /// process runs meanwhile.
    pub(crate) fn pour(&mut self, world: &mut World, numbers: Range<u32>) {
        let World { server, medium, .. } = world;
        let server = server.as_mut().expect("the server runs");
        let now = server.body.clock(medium.now);
        let before = server.machine.look(State::of);
        let expected = before.dropped + u64::from(numbers.end - numbers.start);
        let (mut datagram, mut out) = (Vec::new(), [0; DATAGRAM_LEN_MAX]);
        let mut reported = 0;
        for number in numbers {
            let (from, bytes) = &self.all[self.random.usize(..self.all.len())];
            let from = from.unwrap_or_else(|| far_away(number));
            datagram.clone_from(bytes);
            let handled = server.take(medium, from, &mut datagram);
            assert!(
                matches!(handled, Disposition::Ignored(_)),
                "{handled:?}: {bytes:?}"
            );
            server.machine.with(|server| {
                let mut got = 0;
                while let Some(transmit) = server.poll_transmit(now, &mut out) {
                    assert_eq!(transmit.to, from, "the answer went to another address");
                    got += transmit.len;
                }
                assert!(got <= bytes.len(), "{got} bytes in return for {bytes:?}");
                assert!(server.poll_persist().is_none());
                while let Some(event) = server.poll_event() {
                    let version = matches!(event, ServerEvent::ForeignVersion { .. });
                    assert!(version, "{event:?}: {bytes:?}");
                    reported += 1;
                }
                assert!(server.poll_key_log().is_none());
            });
        }
        let after = server.machine.look(State::of);
        assert!(
            reported <= 1,
            "other versions were reported too often or never"
        );
        assert_eq!(after.dropped, expected, "each is counted once");
        assert_eq!(
            after,
            State {
                dropped: expected,
                ..before
            }
        );
    }
}

/// The state that the server reports, without the numbers of datagrams and of answers to strangers.
#[derive(Debug, PartialEq)]
struct State {
    dropped: u64,
    usage: Usage,
    table: Vec<String>,
    timeout: Option<Instant>,
    frames: [u64; 2],
    repeated: [u64; 3],
    sent: Vec<(&'static str, u64)>,
}

impl State {
    fn of(server: &Server<'_>) -> Self {
        let stats = server.stats();
        let table = server.table().map(|entry| format!("{entry:?}"));
        let sent = stats.sent.datagrams_by_kind();
        Self {
            dropped: DropReason::ALL
                .iter()
                .map(|reason| stats.drops(*reason))
                .sum(),
            usage: server.usage(),
            table: table.collect(),
            timeout: server.poll_timeout(),
            frames: [stats.received.frames(), stats.sent.frames()],
            repeated: [
                stats.retransmissions_timed,
                stats.retransmissions_on_evidence,
                stats.give_ups,
            ],
            sent: sent.filter(|(kind, _)| !ANSWERS.contains(kind)).collect(),
        }
    }
}

/// Builds a handshake with the server under the attacker's key.
fn begun(hello: Hello, id: u64, number: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let (server, ephemeral) = (public(Holder::Server), [number + 1; KEY_LEN]);
    let len = hello.emit(id, &attacker(), &server, &ephemeral, payload, &mut out);
    out[..len].to_vec()
}

/// Returns a distinct address for each number.
fn far_away(number: u32) -> SocketAddr {
    if number.is_multiple_of(2) {
        (Ipv4Addr::from_bits((20 << 24) + number), 6_000).into()
    } else {
        let network = 0x2001_0db8 << 96;
        (
            Ipv6Addr::from_bits(network + (u128::from(number) << 64)),
            6_000,
        )
            .into()
    }
}
