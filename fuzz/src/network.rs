//! Everybody whom the tested machine talks to: makes datagrams out of bytes, most of them of the right form, with real
//! handshakes and sessions, so that what is sealed is tested as well.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use chatapp_core::crypto::{Responder, SessionKeys};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Answer, Cookie, Datagram, Opening, VERSION};
use chatapp_core::{Identity, PublicKey};

use crate::input::Input;
use crate::people::identity;
use crate::seal::seal_public;

/// Numbers of kinds of datagrams, the second byte: what begins and answers a handshake, and the contents of a session.
const KIND_HELLO: u8 = 3;
const KIND_CALL: u8 = 4;
const KIND_ACCEPT: u8 = 5;
const KIND_DATA: u8 = 8;
/// Longest payloads of the messages of a handshake.
const FIRST_LEN_MAX: usize = 112;
const SECOND_LEN_MAX: usize = 44;

/// One of a few addresses; 0 is the server's.
pub fn address(number: u8) -> SocketAddr {
    match number % 6 {
        5 => (Ipv6Addr::LOCALHOST, 5_005).into(),
        number => (Ipv4Addr::LOCALHOST, 5_000 + u16::from(number)).into(),
    }
}

/// A handshake that we have begun: what its first message was made of.
#[derive(Debug)]
struct Begun {
    who: u8,
    id: u64,
    opening: Opening,
    ephemeral: [u8; 32],
    payload: Vec<u8>,
}

/// A session with the tested machine: who we are in it, the id that we write to, and how many datagrams were sealed.
#[derive(Debug)]
struct Open {
    who: u8,
    theirs: u64,
    session: SessionKeys,
    sealed: u64,
}

/// What was learned from the datagrams of the tested machine: with it, datagrams can be made that the machine takes.
#[derive(Debug)]
pub(crate) struct Network {
    /// The key of the tested machine.
    machine: PublicKey,
    sessions: Vec<Open>,
    begun: Vec<Begun>,
    /// Datagrams in which the machine asked for sessions.
    asked: Vec<Vec<u8>>,
    /// The latest cookie that each address got.
    cookies: BTreeMap<SocketAddr, Cookie>,
    /// Ephemeral keys so far.
    ephemerals: u64,
}

impl Network {
    /// Around a machine with this key.
    pub(crate) fn new(machine: PublicKey) -> Self {
        Self {
            machine,
            sessions: Vec::new(),
            begun: Vec::new(),
            asked: Vec::new(),
            cookies: BTreeMap::new(),
            ephemerals: 0,
        }
    }

    /// Looks at a datagram that the machine sent to this address.
    ///
    /// # Panics
    /// If it does not parse.
    pub(crate) fn takes(&mut self, to: SocketAddr, bytes: &[u8]) {
        match Datagram::parse(&identity(0), bytes).expect("a machine sends what can be parsed") {
            Datagram::Hello(_) | Datagram::Call(_) | Datagram::CookieRequest { .. } => {
                self.asked.push(bytes.to_vec());
            }
            Datagram::Cookie { cookie, .. } => {
                self.cookies.insert(to, cookie);
            }
            Datagram::Accept { to: id, message } => self.completes(id, message),
            _ => {}
        }
    }

    /// The machine has answered a handshake of ours.
    fn completes(&mut self, id: u64, message: &[u8]) {
        let Some(begun) = self.begun.iter().rev().find(|begun| begun.id == id) else {
            return;
        };
        let read = begun.opening.complete(
            id,
            &identity(begun.who),
            &self.machine,
            &begun.ephemeral,
            &begun.payload,
            message,
        );
        if let Some((session, Answer::Accepted(accept))) = read {
            self.sessions.push(Open {
                who: begun.who,
                theirs: accept.id,
                session,
                sealed: 0,
            });
        }
    }

    /// Where a datagram comes from, and its bytes: as they are, behind a session id that means something and with the
    /// right tag, as what a handshake says, or as the contents of a session.
    pub(crate) fn gives(&mut self, input: &mut Input<'_>) -> Option<(SocketAddr, Vec<u8>)> {
        let who = input.byte()? % 6;
        let kind = input.byte()?;
        if kind > KIND_DATA {
            return Some((address(who), input.bytes()?.to_owned()));
        }
        let back = usize::from(input.byte()?);
        let content = input.bytes()?;
        let content = &content[..content.len().min(DATAGRAM_LEN_MAX)];
        let bytes = match kind {
            KIND_HELLO | KIND_CALL => self.begins(who, kind, back, content),
            KIND_ACCEPT => self.answers(who, back, content)?,
            KIND_DATA => self.says(back, content)?,
            _ => self.plain(kind, back, content),
        };
        Some((address(who), bytes))
    }

    fn ephemeral(&mut self) -> [u8; 32] {
        self.ephemerals += 1;
        let mut ephemeral = [0x5e; 32];
        ephemeral[..8].copy_from_slice(&self.ephemerals.to_le_bytes());
        ephemeral
    }

    /// The first message of a handshake; the content is what it says.
    fn begins(&mut self, who: u8, kind: u8, back: usize, content: &[u8]) -> Vec<u8> {
        let id = back as u64 + 1;
        let opening = if kind == KIND_HELLO {
            let none = Cookie {
                issued_at_ms: 0,
                mac: 0,
            };
            Opening::Hello(self.cookies.get(&address(who)).copied().unwrap_or(none))
        } else {
            let to_incarnation = content
                .first_chunk()
                .map_or(0, |first| u64::from_le_bytes(*first));
            Opening::Call { to_incarnation }
        };
        let payload = match kind {
            KIND_CALL => content.get(8..).unwrap_or_default(),
            _ => content,
        };
        let payload = payload[..payload.len().min(FIRST_LEN_MAX)].to_vec();
        let ephemeral = self.ephemeral();
        let mut out = [0; DATAGRAM_LEN_MAX];
        let (us, machine) = (identity(who), self.machine);
        let len = opening.emit(id, &us, &machine, &ephemeral, &payload, &mut out);
        self.begun.push(Begun {
            who,
            id,
            opening,
            ephemeral,
            payload,
        });
        out[..len].to_owned()
    }

    /// The second message of a handshake that the machine began; the content is what it says.
    fn answers(&mut self, who: u8, back: usize, content: &[u8]) -> Option<Vec<u8>> {
        let ephemeral = self.ephemeral();
        let us = identity(who);
        let asked = latest(&self.asked, back)?;
        let (id, prologue, message) = match Datagram::parse(&us, asked) {
            Ok(Datagram::Hello(hello)) => (hello.id, hello.prologue, hello.message),
            Ok(Datagram::Call(call)) => (call.id, call.prologue, call.message),
            _ => return Some(plain(KIND_ACCEPT, 1, content)),
        };
        let Some((responder, _)) = Responder::read(&us, prologue, message, &mut [0; 200]) else {
            return Some(plain(KIND_ACCEPT, id, content));
        };
        let said = &content[..content.len().min(SECOND_LEN_MAX)];
        let mut message = [0; 200];
        let (session, len) = responder.answer(&us, &ephemeral, said, &mut message)?;
        // It is accepted; we write to the id that was asked for.
        if said.first() == Some(&0) {
            self.sessions.push(Open {
                who,
                theirs: id,
                session,
                sealed: 0,
            });
        }
        Some(emitted(
            &us,
            &Datagram::Accept {
                to: id,
                message: &message[..len],
            },
        ))
    }

    /// The contents of a session, sealed.
    fn says(&mut self, back: usize, content: &[u8]) -> Option<Vec<u8>> {
        let place = self
            .sessions
            .len()
            .checked_sub(1 + back % self.sessions.len().max(1))?;
        let open = &mut self.sessions[place];
        let mut bytes = prefix(KIND_DATA, open.theirs, &open.sealed.to_le_bytes());
        open.sealed += 1;
        let front = bytes.len();
        bytes.extend(&content[..content.len().min(DATAGRAM_LEN_MAX - front - 16)]);
        let (associated, text) = bytes.split_at_mut(front);
        let tag = identity(open.who).seal(&mut open.session, associated, text);
        bytes.extend(tag);
        Some(bytes)
    }

    /// A datagram that is not sealed and is no message of a handshake.
    fn plain(&self, kind: u8, back: usize, content: &[u8]) -> Vec<u8> {
        let asked = latest(&self.asked, back);
        let id = asked.and_then(|asked| asked.get(2..)?.first_chunk());
        let id = id.map_or(back as u64 + 1, |id| u64::from_le_bytes(*id));
        plain(kind, id, content)
    }
}

fn latest<T>(all: &[T], back: usize) -> Option<&T> {
    all.iter().rev().nth(back % all.len().max(1))
}

fn emitted(us: &Identity, datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(us, &mut out);
    out[..len].to_owned()
}

fn plain(kind: u8, id: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = prefix(kind, id, content);
    seal_public(&mut bytes);
    bytes
}

fn prefix(kind: u8, id: u64, content: &[u8]) -> Vec<u8> {
    [&[VERSION, kind], &id.to_le_bytes()[..], content].concat()
}
