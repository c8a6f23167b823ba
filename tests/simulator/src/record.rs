//! Records in a store, which own their memory.

use std::fmt;
use std::net::SocketAddr;

use chatapp_core::{
    NameRecord, PublicKey, Record, Restriction, RestrictionKind, Subject, UnixSeconds,
};

use crate::queue::Millis;

/// A record that the server gave to the store.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are those of the core's `Record`")]
pub enum Stored {
    Epoch(Epoch),
    Name(Name),
    Forget(Forget),
    Mail(Mail),
    Channel(Channel),
    Progress(Progress),
    Restrict(Restriction),
    Lift(RestrictionKind, Subject),
    Withdraw(Withdraw),
}

/// The numbers that come next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's record")]
pub struct Epoch {
    pub epoch: u64,
    pub serial: u64,
    pub log_next: u32,
}

/// A name with its registration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's record")]
pub struct Name {
    pub name: String,
    pub registered: bool,
    pub address: SocketAddr,
    pub incarnation: u64,
    pub key: PublicKey,
    pub session_sequence: u32,
    pub session: u64,
    pub previous: [u32; 4],
    pub last_request: u32,
    pub outcomes: u128,
    pub log_next: u32,
    pub away_s: u32,
    pub medium_key: PublicKey,
}

/// A forgotten name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's record")]
pub struct Forget {
    pub name: String,
    pub serial: u64,
    pub log_next: u32,
}

/// The withdrawn messages of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's record")]
pub struct Withdraw {
    pub name: String,
    pub serial: u64,
    pub log_next: u32,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's record")]
pub struct Mail {
    pub serial: u64,
    pub to: String,
    pub from: String,
    pub incarnation: u64,
    pub counter: u32,
    pub request: u32,
    pub stamp: u32,
    pub ciphertext: Vec<u8>,
}

/// An entry of the channel log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's record")]
pub struct Channel {
    pub number: u32,
    pub from: String,
    pub incarnation: u64,
    pub counter: u32,
    pub request: u32,
    pub stamp: u32,
    pub text: String,
}

/// The progress of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's record")]
pub struct Progress {
    pub name: String,
    pub handed_over: u64,
    pub log_next: u32,
}

impl From<Record<'_>> for Stored {
    fn from(record: Record<'_>) -> Self {
        match record {
            Record::Epoch {
                epoch,
                serial,
                log_next,
            } => Self::Epoch(Epoch {
                epoch,
                serial,
                log_next,
            }),
            Record::Name(name) => Self::Name(name.into()),
            Record::Restrict(restriction) => Self::Restrict(restriction.clone()),
            Record::Lift { kind, subject } => Self::Lift(kind, subject.clone()),
            Record::Withdraw {
                name,
                serial,
                log_next,
            } => withdraw(name, serial, log_next),
            Record::Forget {
                name,
                serial,
                log_next,
            } => forget(name, serial, log_next),
            Record::Mail {
                serial,
                to,
                from,
                incarnation,
                counter,
                request,
                stamp,
                ciphertext,
            } => Self::Mail(Mail {
                serial,
                to: to.to_owned(),
                from: from.to_owned(),
                incarnation,
                counter,
                request,
                stamp: stamp.0,
                ciphertext: ciphertext.to_owned(),
            }),
            Record::Channel {
                number,
                from,
                incarnation,
                counter,
                request,
                stamp,
                text,
            } => Self::Channel(Channel {
                number,
                from: from.to_owned(),
                incarnation,
                counter,
                request,
                stamp: stamp.0,
                text: text.to_owned(),
            }),
            Record::Progress {
                name,
                handed_over,
                log_next,
            } => progress(name, handed_over, log_next),
        }
    }
}

fn withdraw(name: &str, serial: u64, log_next: u32) -> Stored {
    Stored::Withdraw(Withdraw {
        name: name.to_owned(),
        serial,
        log_next,
    })
}

fn forget(name: &str, serial: u64, log_next: u32) -> Stored {
    Stored::Forget(Forget {
        name: name.to_owned(),
        serial,
        log_next,
    })
}

fn progress(name: &str, handed_over: u64, log_next: u32) -> Stored {
    Stored::Progress(Progress {
        name: name.to_owned(),
        handed_over,
        log_next,
    })
}

impl From<NameRecord<'_>> for Name {
    fn from(record: NameRecord<'_>) -> Self {
        Self {
            name: record.name.to_owned(),
            registered: record.registered,
            address: record.address,
            incarnation: record.incarnation,
            key: record.key,
            session_sequence: record.session_sequence,
            session: record.session,
            previous: record.previous,
            last_request: record.last_request,
            outcomes: record.outcomes,
            log_next: record.log_next,
            away_s: record.away_s,
            medium_key: record.medium_key,
        }
    }
}

impl Stored {
    /// Converts the offline time of a name into the second of its departure, or back.
    #[must_use]
    pub fn at(mut self, now: Millis) -> Self {
        if let Self::Name(Name {
            registered: false,
            away_s,
            ..
        }) = &mut self
        {
            *away_s = u32::try_from(now / 1_000)
                .unwrap_or(u32::MAX)
                .saturating_sub(*away_s);
        }
        self
    }

    /// Returns the record as the server restores it.
    pub fn record(&self) -> Record<'_> {
        match self {
            Self::Epoch(record) => Record::Epoch {
                epoch: record.epoch,
                serial: record.serial,
                log_next: record.log_next,
            },
            Self::Name(name) => Record::Name(name.record()),
            Self::Forget(record) => Record::Forget {
                name: &record.name,
                serial: record.serial,
                log_next: record.log_next,
            },
            Self::Withdraw(record) => Record::Withdraw {
                name: &record.name,
                serial: record.serial,
                log_next: record.log_next,
            },
            Self::Mail(record) => Record::Mail {
                serial: record.serial,
                to: &record.to,
                from: &record.from,
                incarnation: record.incarnation,
                counter: record.counter,
                request: record.request,
                stamp: UnixSeconds(record.stamp),
                ciphertext: &record.ciphertext,
            },
            Self::Channel(record) => Record::Channel {
                number: record.number,
                from: &record.from,
                incarnation: record.incarnation,
                counter: record.counter,
                request: record.request,
                stamp: UnixSeconds(record.stamp),
                text: &record.text,
            },
            Self::Restrict(restriction) => Record::Restrict(restriction),
            Self::Lift(kind, subject) => Record::Lift {
                kind: *kind,
                subject,
            },
            Self::Progress(record) => Record::Progress {
                name: &record.name,
                handed_over: record.handed_over,
                log_next: record.log_next,
            },
        }
    }
}

impl Name {
    fn record(&self) -> NameRecord<'_> {
        NameRecord {
            name: &self.name,
            registered: self.registered,
            address: self.address,
            incarnation: self.incarnation,
            key: self.key,
            session_sequence: self.session_sequence,
            session: self.session,
            previous: self.previous,
            last_request: self.last_request,
            outcomes: self.outcomes,
            log_next: self.log_next,
            away_s: self.away_s,
            medium_key: self.medium_key,
        }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epoch(record) => record.fmt(f),
            Self::Name(record) => record.fmt(f),
            Self::Forget(record) => record.fmt(f),
            Self::Withdraw(record) => record.fmt(f),
            Self::Mail(record) => record.fmt(f),
            Self::Channel(record) => record.fmt(f),
            Self::Progress(record) => record.fmt(f),
            Self::Restrict(record) => record.fmt(f),
            Self::Lift(kind, subject) => write!(f, "Lift {{ {kind:?}, {subject:?} }}"),
        }
    }
}
