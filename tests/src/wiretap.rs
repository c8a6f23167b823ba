//! What can be checked on the datagrams themselves: how often something is sent to somebody who is silent, and how
//! much a stranger gets.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

use chatapp_core::wire::{Datagram, Frames, Header};

use crate::attacker::is_stranger;
use crate::violation::{Check, Violation};

/// Sendings of one thing to somebody who is silent: the first and five retries.
const SENDINGS_MAX: u32 = 6;

/// Listens to every datagram.
#[derive(Debug, Default)]
pub struct Wiretap {
    /// Session ids that talk to each other; an id may have been answered more than once.
    partners: BTreeMap<u64, Vec<u64>>,
    /// By session id that is written to: what was sent since its owner was last heard.
    silence: BTreeMap<u64, BTreeMap<Sendable, u32>>,
    /// By stranger: bytes it sent, bytes it got.
    strangers: BTreeMap<SocketAddr, (usize, usize)>,
    violation: Option<Violation>,
}

/// What is repeated while nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sendable {
    Opening,
    /// In the session with this other end: the same process may have several, one after another, under one id.
    Probe(u64),
    /// In the session with this other end, the frame with this number.
    Frame(u64, u32),
}

impl Wiretap {
    /// The first promise that a datagram broke.
    pub fn take_violation(&mut self) -> Option<Violation> {
        self.violation.take()
    }

    /// A process sends a datagram.
    pub fn sent(&mut self, to: SocketAddr, bytes: &[u8]) {
        if is_stranger(to) {
            let (sent, got) = self.strangers.entry(to).or_default();
            *got += bytes.len();
            if got > sent {
                let detail = format!("{to} sent {sent} bytes, proved nothing, and got {got}");
                self.violation = Some(Violation::new(Check::NoAmplification, detail));
            }
        }
        match Datagram::parse(bytes) {
            Ok(Datagram::Hello(hello)) => self.count(hello.id, Sendable::Opening),
            Ok(Datagram::Call(call)) => self.count(call.id, Sendable::Opening),
            Ok(Datagram::Accept { to, accept }) => {
                for (one, other) in [(to, accept.id), (accept.id, to)] {
                    let partners = self.partners.entry(one).or_default();
                    if !partners.contains(&other) {
                        partners.push(other);
                    }
                }
            }
            Ok(Datagram::Data(data)) => {
                let Some((from, header, frames)) = self.open(bytes) else {
                    return;
                };
                if header.probe {
                    self.count(data.to, Sendable::Probe(from));
                }
                for (number, _) in (header.first..).zip(frames) {
                    self.count(data.to, Sendable::Frame(from, number));
                }
            }
            _ => {}
        }
    }

    /// A datagram arrives at a process: whatever it is about, its sender is not silent.
    pub fn arrived(&mut self, from: SocketAddr, bytes: &[u8]) {
        if is_stranger(from) {
            self.strangers.entry(from).or_default().0 += bytes.len();
        }
        let heard = match Datagram::parse(bytes) {
            Ok(Datagram::Data(data)) => data.to,
            Ok(
                Datagram::Cookie { to, .. }
                | Datagram::Accept { to, .. }
                | Datagram::Refuse { to, .. },
            ) => to,
            _ => return,
        };
        self.silence.remove(&heard);
        for partner in self.partners.get(&heard).into_iter().flatten() {
            self.silence.remove(partner);
        }
    }

    fn count(&mut self, id: u64, what: Sendable) {
        let sendings = self.silence.entry(id).or_default().entry(what).or_default();
        *sendings += 1;
        if *sendings > SENDINGS_MAX {
            let detail =
                format!("{what:?} of session {id:016x} was sent {sendings} times into silence");
            self.violation = Some(Violation::new(Check::SixSendings, detail));
        }
    }

    /// The end that a datagram comes from, and what it carries.
    fn open<'a>(&self, bytes: &'a [u8]) -> Option<(u64, Header, Frames<'a>)> {
        let Ok(Datagram::Data(data)) = Datagram::parse(bytes) else {
            return None;
        };
        self.partners.get(&data.to)?.iter().find_map(|from| {
            let (header, frames) = data.open(*from).ok()?;
            Some((*from, header, frames))
        })
    }

    /// A datagram in words, with session ids shortened.
    pub fn describe(&self, bytes: &[u8]) -> String {
        let Ok(datagram) = Datagram::parse(bytes) else {
            return format!("{} bytes that are no datagram", bytes.len());
        };
        let Datagram::Data(data) = datagram else {
            return format!("{datagram:?}");
        };
        let mut words = format!("Data to {:04x}", data.to >> 48);
        let Some((_, header, frames)) = self.open(bytes) else {
            return words + ", unreadable";
        };
        let Header {
            gap,
            probe,
            round,
            heard_round,
            acknowledged,
            window,
            first,
            table_version,
        } = header;
        let _ = write!(words, ", acknowledged {acknowledged}, window {window}");
        if let Some(version) = table_version {
            let _ = write!(words, ", table {version}");
        }
        let _ = write!(
            words,
            ", round {} of {}",
            u8::from(round),
            u8::from(heard_round)
        );
        words.push_str(if gap { ", gap" } else { "" });
        words.push_str(if probe { ", probe" } else { "" });
        for (number, frame) in (first..).zip(frames) {
            match frame {
                Ok(frame) => {
                    let frame: String = format!("{frame:?}").chars().take(160).collect();
                    let _ = write!(words, "; {number}: {frame}");
                }
                Err(reason) => {
                    let _ = write!(words, "; {number}: {reason:?}");
                }
            }
        }
        words
    }
}
