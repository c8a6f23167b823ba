//! The parts that all processes share: time, choices, trace, and the network.

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
    /// The virtual time.
    pub now: Millis,
    /// The future events.
    pub queue: Queue<Event>,
    /// The source of decisions.
    pub choices: Box<dyn Choices>,
    /// The trace of the run.
    pub trace: Trace,
    /// The present faults of the network.
    pub faults: NetworkPlan,
    /// The longest time that the disk of a client takes to sync a secret.
    pub sync_max: Millis,
    /// Directions in which no datagram passes.
    pub cuts: BTreeSet<(SocketAddr, SocketAddr)>,
    /// The checks of all datagrams.
    pub wiretap: Wiretap,
    /// The datagrams that an attacker has overheard.
    pub sniffer: Sniffer,
    /// Sends forged datagrams ahead of each datagram, if there is a forger.
    pub forger: Option<Forger>,
    /// All datagrams as they were sent, if a capture is wanted.
    pub capture: Option<Vec<Captured>>,
}

/// The longest time that the disk of a client takes to sync a secret, if nothing else is set.
const SYNC_MAX: Millis = 2_000;

/// Returns the datagrams that an attacker on the path makes of one.
pub type Forger = fn(&[u8]) -> Vec<Vec<u8>>;

/// A datagram as it was sent.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The time of sending.
    pub at: Millis,
    /// The source address.
    pub from: SocketAddr,
    /// The destination address.
    pub to: SocketAddr,
    /// The payload.
    pub bytes: Vec<u8>,
    /// Whether no process of the world sent it.
    pub forged: bool,
}

/// A delay that is longer than the first retry.
const LATE: Millis = 500;

impl Medium {
    /// Creates a medium without events.
    pub fn new(choices: Box<dyn Choices>, faults: NetworkPlan, trace: Trace, keys: Keys) -> Self {
        let readable = trace.is_readable();
        Self {
            now: 0,
            queue: Queue::default(),
            choices,
            trace,
            sniffer: Sniffer::default(),
            faults,
            sync_max: SYNC_MAX,
            cuts: BTreeSet::new(),
            wiretap: Wiretap::new(keys, readable),
            forger: None,
            capture: None,
        }
    }

    /// Returns the time that the disk of a client takes to sync a secret.
    pub fn sync_time(&mut self) -> Millis {
        match self.sync_max {
            0 => 0,
            longest => self.choices.below(longest),
        }
    }

    /// Records an event in the trace.
    pub fn note(&mut self, kind: Kind, numbers: &[u64], detail: impl FnOnce() -> String) {
        self.trace.note(self.now, kind, numbers, detail);
    }

    /// Schedules an event.
    pub fn after(&mut self, delay: Millis, event: Event) {
        self.queue.schedule(self.now + delay, event);
    }

    /// Sends a datagram of a process, with all faults of the network.
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

    /// Sends a datagram of no process: the network delivers it without faults.
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

    /// Records a datagram in the trace, with its content.
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
