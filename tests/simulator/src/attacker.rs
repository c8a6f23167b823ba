//! An attacker that hears every datagram and can send anything from anywhere, at any time. It sends
//! overheard datagrams, unchanged or changed, and datagrams of its own making, under its own key.
//! It knows the names in the room, and all public keys.

use std::hash::Hasher;
use std::net::SocketAddr;

use chatapp_core::crypto::{KEY_LEN, TAG_LEN};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{ClientHello, Cookie, Datagram, Hello, PeerHello, Refusal};
use chatapp_core::{Identity, PublicKey};
use siphasher::sip::SipHasher24;

use crate::choices::Choices;
use crate::keys::{Holder, Keys};
use crate::medium::Medium;
use crate::numbers::NameId;
use crate::people::{is_squat, squats};
use crate::sniffer::{Sniffer, is_stranger, stranger};
use crate::trace::Kind;

/// Length of the short tag, in bytes.
const SHORT_TAG_LEN: usize = 8;

/// The knowledge of an attacker about the room.
pub struct Room {
    /// The keys of the world; the attacker uses its own, and the public ones.
    pub keys: Keys,
    /// The addresses of processes, the server first.
    pub addresses: Vec<SocketAddr>,
    /// Clients with their names and keys.
    pub people: Vec<(SocketAddr, NameId, PublicKey)>,
    /// Names whose owner is certain.
    pub claimed: Vec<String>,
    /// Clients that have pinned the key of the server.
    pub pinned: Vec<SocketAddr>,
}

impl Room {
    fn server(&self) -> SocketAddr {
        self.addresses[0]
    }

    fn public(&self, holder: Holder) -> PublicKey {
        self.keys.identity(holder).public()
    }

    /// Returns the identity of the attacker, without the key of a closed room.
    fn attacker(&self) -> Identity {
        let open = Keys {
            closed: false,
            ..self.keys
        };
        open.identity(Holder::Attacker)
    }
}

/// Makes one attack on the room, if it is possible at this moment.
pub fn attack(medium: &mut Medium, room: &Room) {
    let choices = &mut *medium.choices;
    let addresses = &room.addresses;
    let victim = addresses[choices.index(addresses.len())];
    let spoofed = addresses[choices.index(addresses.len())];
    let stranger = stranger(choices);
    let remembered = medium.sniffer.any(choices);
    let act = choices.below(10);
    let of_its_own = match act {
        0 => remembered.map(|(from, to, bytes)| (Kind::Recorded, from, to, bytes)),
        1 => remembered.map(|(_, to, bytes)| (Kind::Redirected, stranger, to, bytes)),
        2 | 3 => {
            remembered.map(|(from, to, bytes)| (Kind::Changed, from, to, change(choices, bytes)))
        }
        4 => {
            let junk = (0..choices.below(1_300)).map(|_| choices.next_u64() as u8);
            Some((Kind::Junk, stranger, victim, junk.collect()))
        }
        5 => {
            let from = if choices.chance(500) {
                stranger
            } else {
                spoofed
            };
            // The session id is that of a session that a client asked for, or a guess.
            let id = remembered.and_then(|(_, _, bytes)| id_of(&bytes));
            let id = id.filter(|_| choices.chance(500));
            let bytes = forge(choices, &room.attacker(), id);
            Some((Kind::Forged, from, victim, bytes))
        }
        6 => room
            .claimed
            .get(choices.index(room.claimed.len()))
            .and_then(|name| hello(choices, &medium.sniffer, room, name))
            .map(|(from, bytes)| (Kind::Impersonated, from, room.server(), bytes)),
        8 => {
            let name = squats().nth(choices.index(squats().len()));
            name.and_then(|name| hello(choices, &medium.sniffer, room, &name))
                .map(|(from, bytes)| (Kind::Squatted, from, room.server(), bytes))
        }
        7 => call(choices, &medium.sniffer, room)
            .map(|(from, to, bytes)| (Kind::Impersonated, from, to, bytes)),
        _ => swapped_key(choices, &medium.sniffer, room)
            .map(|(to, bytes)| (Kind::Swapped, room.server(), to, bytes)),
    };
    if let Some((kind, from, to, bytes)) = of_its_own {
        medium.inject(kind, from, to, bytes);
    }
}

fn id_of(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(2..)?.first_chunk()?))
}

/// Changes one to three bits. In an open room the short tag may fit again, because everybody can
/// compute it.
fn change(choices: &mut dyn Choices, mut bytes: Vec<u8>) -> Vec<u8> {
    // A client believes Unsupported while it waits for an answer, so the attacker does not forge
    // that.
    let is_news = bytes.get(1) == Some(&0);
    let retagged = choices.chance(500) && bytes.len() > SHORT_TAG_LEN && !is_news;
    let end = bytes.len() - if retagged { SHORT_TAG_LEN } else { 0 };
    let first = choices.index(8 * end);
    // Distinct bits, so that they do not cancel out.
    for bit in 0..choices.between(1, 3) as usize {
        let place = (first + bit * 7) % (8 * end);
        bytes[place / 8] ^= 1 << (place % 8);
    }
    if retagged {
        tag(&mut bytes);
    }
    bytes
}

/// Replaces the tag of a datagram by the short tag of an open room.
pub fn tagged(mut bytes: Vec<u8>) -> Vec<u8> {
    tag(&mut bytes);
    bytes
}

fn tag(bytes: &mut [u8]) {
    let (content, tag) = bytes.split_at_mut(bytes.len() - SHORT_TAG_LEN);
    let mut hasher = SipHasher24::new_with_key(b"ChatApp datagram");
    hasher.write(content);
    tag.copy_from_slice(&hasher.finish().to_le_bytes());
}

/// Returns 32 bytes that nobody else knows.
fn ephemeral(choices: &mut dyn Choices) -> [u8; KEY_LEN] {
    let mut bytes = [0; KEY_LEN];
    for part in bytes.chunks_exact_mut(8) {
        part.copy_from_slice(&choices.secret().to_le_bytes());
    }
    bytes
}

/// Builds a ClientHello under the attacker's own key, with the name of another client or a new one.
/// It comes from an address whose cookie the attacker has overheard.
fn hello(
    choices: &mut dyn Choices,
    sniffer: &Sniffer,
    room: &Room,
    name: &str,
) -> Option<(SocketAddr, Vec<u8>)> {
    let identity = room.attacker();
    let (from, cookie) =
        sniffer
            .latest()
            .find_map(|(_, to, bytes)| match Datagram::parse(&identity, bytes) {
                // The wiretap does not know that an address without a process is proved.
                _ if is_squat(name) && is_stranger(*to) => None,
                Ok(Datagram::Cookie { cookie, .. }) => Some((*to, cookie)),
                _ => None,
            })?;
    let hello = ClientHello {
        incarnation: choices.next_u64(),
        table_epoch: 0,
        table_version: 0,
        epoch: 0,
        mail_shown: 0,
        channel_shown: 0,
        table_capacity: 1_000,
        session_sequence: u32::MAX,
        window: 32,
        reset: [0; TAG_LEN],
        name,
    };
    let payload = postcard::to_stdvec(&hello).ok()?;
    let server = room.public(Holder::Server);
    let hello = Hello::Client(cookie);
    let bytes = handshake(choices, hello, &identity, &server, &payload);
    Some((from, bytes))
}

/// Builds a PeerHello to a client under the attacker's own key, as if it came from another client.
fn call(
    choices: &mut dyn Choices,
    sniffer: &Sniffer,
    room: &Room,
) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
    let identity = room.attacker();
    // The attacker knows the incarnation of a client that has got a PeerHello.
    let mut known =
        sniffer
            .latest()
            .filter_map(|(_, to, bytes)| match Datagram::parse(&identity, bytes) {
                Ok(Datagram::PeerHello(call)) => Some((*to, call.to_incarnation)),
                _ => None,
            });
    let (callee, to_incarnation) = known.next()?;
    let (caller, from_incarnation) = known.find(|(address, _)| *address != callee)?;
    let who = |address| {
        let mut people = room.people.iter();
        people.find(|(its, ..)| *its == address)
    };
    let ((_, callee_name, key), (_, caller_name, _)) = (who(callee)?, who(caller)?);
    let [name, callee_name] = [caller_name, callee_name].map(|name| crate::people::name(*name));
    let call = PeerHello {
        from_incarnation,
        session_sequence: u32::MAX,
        window: 32,
        reset: [0; TAG_LEN],
        from: &name,
        to: &callee_name,
    };
    let payload = postcard::to_stdvec(&call).ok()?;
    let hello = Hello::Peer { to_incarnation };
    let bytes = handshake(choices, hello, &identity, key, &payload);
    Some((caller, callee, bytes))
}

fn handshake(
    choices: &mut dyn Choices,
    hello: Hello,
    identity: &Identity,
    to: &PublicKey,
    payload: &[u8],
) -> Vec<u8> {
    /// Bytes in front of the ephemeral key in a `ClientHello`; eight bytes less in a `PeerHello`.
    const FRONT: usize = 26;
    let mut out = [0; DATAGRAM_LEN_MAX];
    let (id, ephemeral) = (choices.next_u64(), ephemeral(choices));
    let len = hello.emit(id, identity, to, &ephemeral, payload, &mut out);
    let mut bytes = out[..len].to_vec();
    if choices.chance(200) {
        // A point of low order, with which every shared secret is zero.
        let at = match hello {
            Hello::Client(_) => FRONT,
            Hello::Peer { .. } => FRONT - 8,
        };
        bytes[at..][..KEY_LEN].fill(0);
        tag(&mut bytes);
    }
    bytes
}

/// Builds a Cookie with another key in place of the server's, for a client that has pinned the
/// right one.
fn swapped_key(
    choices: &mut dyn Choices,
    sniffer: &Sniffer,
    room: &Room,
) -> Option<(SocketAddr, Vec<u8>)> {
    let identity = room.attacker();
    let (to, id) =
        sniffer
            .latest()
            .find_map(|(from, _, bytes)| match Datagram::parse(&identity, bytes) {
                _ if !room.pinned.contains(from) => None,
                Ok(Datagram::CookieRequest { id }) => Some((*from, id)),
                Ok(Datagram::ClientHello(hello)) => Some((*from, hello.id)),
                _ => None,
            })?;
    let cookie = Datagram::Cookie {
        to: id,
        cookie: Cookie {
            issued_at_ms: 1,
            mac: choices.next_u64(),
        },
        key: Some(if choices.chance(200) {
            PublicKey::NONE
        } else {
            identity.public()
        }),
    };
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = cookie.emit(&identity, &mut out);
    Some((to, out[..len].to_vec()))
}

/// Builds a well-formed datagram without a session key. Its numbers are guesses, or it names an
/// existing session.
fn forge(choices: &mut dyn Choices, identity: &Identity, id: Option<u64>) -> Vec<u8> {
    let mut guess = || choices.next_u64();
    let (guessed, known) = (guess(), id.is_some());
    let id = id.unwrap_or(guessed);
    let message: Vec<u8> = (0..100 + guess() % 100).map(|_| guess() as u8).collect();
    let reasons = [
        Refusal::Wait,
        Refusal::NotMe,
        Refusal::RateExceeded,
        Refusal::Evicted,
        Refusal::NameTaken,
        Refusal::ForeignKey,
    ];
    let forged = match guess() % 6 {
        0 => Datagram::CookieRequest { id },
        1 => Datagram::Accept {
            to: id,
            message: &message,
        },
        2 | 3 => Datagram::Refuse {
            to: id,
            reason: reasons[guess() as usize % reasons.len()],
        },
        4 => Datagram::Reset {
            echo: id,
            token: [guess() as u8; TAG_LEN],
        },
        // A client believes Unsupported from an attacker on the path. That denies service, and
        // deceives no client.
        _ => Datagram::Unsupported {
            version: guess() as u8,
            echo: if known { guess() } else { id },
        },
    };
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = forged.emit(identity, &mut out);
    out[..len].to_vec()
}
