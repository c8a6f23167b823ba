//! The shared parts of all processes: the time, the choices, the record of the run, and the network
//! between them.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::choices::Choices;
use crate::event::Event;
use crate::keys::Keys;
use crate::plan::NetworkPlan;
use crate::queue::{Millis, Queue};
use crate::sniffer::Sniffer;
use crate::times::PATIENCE;
use crate::trace::{Kind, Trace, digest};
use crate::wiretap::Wiretap;

/// Everything between the processes.
pub struct Medium {
    /// Virtual time.
    pub now: Millis,
    /// Future events.
    pub queue: Queue<Event>,
    /// The source of decisions.
    pub choices: Box<dyn Choices>,
    /// The record of the run.
    pub trace: Trace,
    /// The faults of the network at this time.
    pub faults: NetworkPlan,
    /// Directions in which nothing passes.
    pub cuts: BTreeSet<(SocketAddr, SocketAddr)>,
    /// The checks of the datagrams themselves.
    pub wiretap: Wiretap,
    /// The datagrams that an attacker has overheard.
    pub sniffer: Sniffer,
    /// Sends forged datagrams ahead of each datagram, if there is a forger.
    pub forger: Option<Forger>,
    /// Every datagram as it was sent, if a capture is wanted.
    pub capture: Option<Vec<Captured>>,
}

/// Returns the datagrams that an attacker on the path makes of one.
pub type Forger = fn(&[u8]) -> Vec<Vec<u8>>;

/// A datagram as it was sent.
#[derive(Clone, Debug)]
pub struct Captured {
    /// When.
    pub at: Millis,
    /// By whom.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// The payload.
    pub bytes: Vec<u8>,
    /// It is from no process of the world.
    pub forged: bool,
}

/// A delay beyond the first retry.
const LATE: Millis = 500;

impl Medium {
    /// An empty medium.
    pub fn new(choices: Box<dyn Choices>, faults: NetworkPlan, trace: Trace, keys: Keys) -> Self {
        let readable = trace.is_readable();
        Self {
            now: 0,
            queue: Queue::default(),
            choices,
            trace,
            sniffer: Sniffer::default(),
            faults,
            cuts: BTreeSet::new(),
            wiretap: Wiretap::new(keys, readable),
            forger: None,
            capture: None,
        }
    }

    /// Notes that something happened.
    pub fn note(&mut self, kind: Kind, numbers: &[u64], detail: impl FnOnce() -> String) {
        self.trace.note(self.now, kind, numbers, detail);
    }

    /// Schedules something.
    pub fn after(&mut self, delay: Millis, event: Event) {
        self.queue.schedule(self.now + delay, event);
    }

    /// A process sends a datagram.
    pub fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some(capture) = &mut self.capture {
            capture.push(Captured {
                at: self.now,
                from,
                to,
                bytes: bytes.to_vec(),
                forged: false,
            });
        }
        self.note_datagram(Kind::Sent, from, to, bytes);
        for changed in self.forger.map(|make| make(bytes)).unwrap_or_default() {
            self.inject(Kind::Changed, from, to, changed);
        }
        if self.faults.attack != 0 {
            self.sniffer.overhear(from, to, bytes);
        }
        if self.cuts.contains(&(from, to)) {
            return self.note_datagram(Kind::CutOff, from, to, bytes);
        }
        if self.choices.chance(self.faults.loss) {
            return self.note_datagram(Kind::Lost, from, to, bytes);
        }
        if self.choices.chance(self.faults.duplicate) {
            self.note_datagram(Kind::Duplicated, from, to, bytes);
            self.carry(from, to, bytes.to_vec(), false);
        }
        let arriving = self.damage(from, to, bytes);
        let changed = arriving != bytes;
        self.carry(from, to, arriving, changed);
    }

    /// Sends a datagram that is from no process of the world: no fault happens to it.
    pub fn inject(&mut self, kind: Kind, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if let Some(capture) = &mut self.capture {
            capture.push(Captured {
                at: self.now,
                from,
                to,
                bytes: bytes.clone(),
                forged: true,
            });
        }
        self.note_datagram(kind, from, to, &bytes);
        let changed = kind == Kind::Changed;
        self.after(
            0,
            Event::Arrive {
                from,
                to,
                bytes,
                changed,
            },
        );
    }

    /// A datagram is about what it carries, for people.
    pub fn note_datagram(&mut self, kind: Kind, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Self {
            now,
            trace,
            wiretap,
            ..
        } = self;
        let numbers = [u64::from(from.port()), u64::from(to.port()), digest(bytes)];
        trace.note(*now, kind, &numbers, || {
            format!("{from} to {to}: {}", wiretap.describe(bytes))
        });
    }

    fn damage(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if self.choices.chance(self.faults.corrupt) {
            self.note_datagram(Kind::Corrupted, from, to, &bytes);
            for _ in 0..self.choices.between(1, 4) {
                let place = self.choices.index(bytes.len());
                bytes[place] ^= 1 << self.choices.below(8);
            }
        }
        if self.choices.chance(self.faults.truncate) {
            self.note_datagram(Kind::Truncated, from, to, &bytes);
            bytes.truncate(self.choices.index(bytes.len()));
        }
        bytes
    }

    fn carry(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>, changed: bool) {
        let straggles = self.choices.chance(self.faults.straggle);
        let longest = if straggles {
            self.faults.slow
        } else {
            self.faults.delay
        };
        let delay = self.choices.between(0, longest);
        if delay > LATE {
            self.note_datagram(Kind::Late, from, to, &bytes);
        }
        self.after(
            delay,
            Event::Arrive {
                from,
                to,
                bytes,
                changed,
            },
        );
    }
}

const _: () = assert!(
    LATE * 6 == PATIENCE,
    "the first retry comes after a sixth of all patience"
);
