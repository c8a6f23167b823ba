//! Everybody whom the tested machine talks to: makes datagrams out of bytes, most of them of the right form.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Accept, Call, Datagram, Hello, VERSION};

use crate::input::Input;
use crate::seal::{seal_data, seal_public};

/// Numbers of kinds of datagrams, the second byte: two questions, and the contents of a session.
const KIND_HELLO: u8 = 1;
const KIND_CALL: u8 = 3;
const KIND_DATA: u8 = 7;

/// One of a few addresses; 0 is the server's.
pub fn address(number: u8) -> SocketAddr {
    match number % 6 {
        5 => (Ipv6Addr::LOCALHOST, 5_005).into(),
        number => (Ipv4Addr::LOCALHOST, 5_000 + u16::from(number)).into(),
    }
}

/// What was learned from the datagrams of the tested machine: with it, datagrams can be made that the machine takes.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// Both ids of sessions that were opened, by either side: the machine's, then ours.
    sessions: Vec<(u64, u64)>,
    /// Ids under which the machine asked for sessions.
    asked: Vec<u64>,
    /// The latest cookie that each address got.
    cookies: BTreeMap<SocketAddr, u64>,
}

impl Network {
    /// Looks at a datagram that the machine sent to this address.
    ///
    /// # Panics
    /// If it does not parse.
    pub(crate) fn takes(&mut self, to: SocketAddr, bytes: &[u8]) {
        match Datagram::parse(bytes).expect("a machine sends what can be parsed") {
            Datagram::Hello(Hello { id, .. }) | Datagram::Call(Call { id, .. }) => {
                self.asked.push(id)
            }
            Datagram::Cookie { cookie, .. } => {
                self.cookies.insert(to, cookie);
            }
            Datagram::Accept { to, accept } => self.sessions.push((accept.id, to)),
            _ => {}
        }
    }

    /// Where a datagram comes from, and its bytes: as they are, behind a session id that means something and with the
    /// right tag, or as the contents of a session.
    pub(crate) fn gives(&mut self, input: &mut Input<'_>) -> Option<(SocketAddr, Vec<u8>)> {
        let from = address(input.byte()?);
        let kind = input.byte()?;
        if kind > KIND_DATA {
            return Some((from, input.bytes()?.to_owned()));
        }
        let back = usize::from(input.byte()?);
        let content = input.bytes()?;
        let content = &content[..content.len().min(DATAGRAM_LEN_MAX)];
        let bytes = if kind == KIND_DATA {
            let (theirs, ours) = *latest(&self.sessions, back)?;
            let mut bytes = prefix(kind, theirs, content);
            seal_data(&mut bytes, theirs, ours);
            bytes
        } else {
            self.opening(from, kind, back, content)
        };
        Some((from, bytes))
    }

    /// A datagram that opens or ends a session.
    fn opening(&mut self, from: SocketAddr, kind: u8, back: usize, content: &[u8]) -> Vec<u8> {
        // A question carries an id of ours, an answer that of the question.
        let ours = back as u64 + 1;
        let id = match kind {
            KIND_HELLO | KIND_CALL => ours,
            _ => latest(&self.asked, back).copied().unwrap_or(ours),
        };
        let mut bytes = prefix(kind, id, content);
        seal_public(&mut bytes);
        match Datagram::parse(&bytes) {
            Ok(Datagram::Accept {
                to,
                accept: Accept { id, .. },
            }) => self.sessions.push((to, id)),
            Ok(Datagram::Hello(hello)) if hello.cookie != 0 => {
                let cookie = self.cookies.get(&from).copied().unwrap_or(hello.cookie);
                let mut out = [0; DATAGRAM_LEN_MAX];
                let len = Datagram::Hello(Hello { cookie, ..hello }).emit(&mut out);
                return out[..len].to_owned();
            }
            _ => {}
        }
        bytes
    }
}

fn latest<T>(all: &[T], back: usize) -> Option<&T> {
    all.iter().rev().nth(back % all.len().max(1))
}

fn prefix(kind: u8, id: u64, content: &[u8]) -> Vec<u8> {
    [&[VERSION, kind], &id.to_le_bytes()[..], content].concat()
}
