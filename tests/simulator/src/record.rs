//! Records as a store keeps them: with memory of their own.

use std::net::SocketAddr;

use chatapp_core::{NameRecord, PublicKey, Record, UnixSeconds};

use crate::queue::Millis;

/// A record that was handed to the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's `Record`")]
pub enum Stored {
    Epoch {
        epoch: u64,
        serial: u64,
        log_next: u32,
    },
    Name {
        name: String,
        registered: bool,
        address: SocketAddr,
        incarnation: u64,
        key: PublicKey,
        opening: u32,
        session: u64,
        previous: [u32; 4],
        last_request: u32,
        outcomes: u128,
        log_next: u32,
        away_s: u32,
    },
    Forget {
        name: String,
        serial: u64,
        log_next: u32,
    },
    Mail {
        serial: u64,
        to: String,
        from: String,
        incarnation: u64,
        counter: u32,
        request: u32,
        stamp: u32,
        letter: Vec<u8>,
    },
    Channel {
        number: u32,
        from: String,
        incarnation: u64,
        counter: u32,
        request: u32,
        stamp: u32,
        text: String,
    },
    Progress {
        name: String,
        handed_over: u64,
        log_next: u32,
    },
}

impl From<Record<'_>> for Stored {
    fn from(record: Record<'_>) -> Self {
        match record {
            Record::Epoch {
                epoch,
                serial,
                log_next,
            } => Self::Epoch {
                epoch,
                serial,
                log_next,
            },
            Record::Forget {
                name,
                serial,
                log_next,
            } => Self::Forget {
                name: name.to_owned(),
                serial,
                log_next,
            },
            Record::Name(name) => Self::Name {
                name: name.name.to_owned(),
                registered: name.registered,
                address: name.address,
                incarnation: name.incarnation,
                key: name.key,
                opening: name.opening,
                session: name.session,
                previous: name.previous,
                last_request: name.last_request,
                outcomes: name.outcomes,
                log_next: name.log_next,
                away_s: name.away_s,
            },
            Record::Mail {
                serial,
                to,
                from,
                incarnation,
                counter,
                request,
                stamp,
                letter,
            } => Self::Mail {
                serial,
                to: to.to_owned(),
                from: from.to_owned(),
                incarnation,
                counter,
                request,
                stamp: stamp.0,
                letter: letter.to_owned(),
            },
            Record::Channel {
                number,
                from,
                incarnation,
                counter,
                request,
                stamp,
                text,
            } => Self::Channel {
                number,
                from: from.to_owned(),
                incarnation,
                counter,
                request,
                stamp: stamp.0,
                text: text.to_owned(),
            },
            Record::Progress {
                name,
                handed_over,
                log_next,
            } => Self::Progress {
                name: name.to_owned(),
                handed_over,
                log_next,
            },
        }
    }
}

impl Stored {
    /// Turns the time that a name has been away into the second in which it left, or back.
    #[must_use]
    pub fn at(mut self, now: Millis) -> Self {
        if let Self::Name {
            registered: false,
            away_s,
            ..
        } = &mut self
        {
            *away_s = u32::try_from(now / 1_000)
                .unwrap_or(u32::MAX)
                .saturating_sub(*away_s);
        }
        self
    }

    /// The record as the core takes it back.
    pub fn record(&self) -> Record<'_> {
        match self {
            Self::Epoch {
                epoch,
                serial,
                log_next,
            } => Record::Epoch {
                epoch: *epoch,
                serial: *serial,
                log_next: *log_next,
            },
            Self::Forget {
                name,
                serial,
                log_next,
            } => Record::Forget {
                name,
                serial: *serial,
                log_next: *log_next,
            },
            Self::Name {
                name,
                registered,
                address,
                incarnation,
                key,
                opening,
                session,
                previous,
                last_request,
                outcomes,
                log_next,
                away_s,
            } => Record::Name(NameRecord {
                name,
                registered: *registered,
                address: *address,
                incarnation: *incarnation,
                key: *key,
                opening: *opening,
                session: *session,
                previous: *previous,
                last_request: *last_request,
                outcomes: *outcomes,
                log_next: *log_next,
                away_s: *away_s,
            }),
            Self::Mail {
                serial,
                to,
                from,
                incarnation,
                counter,
                request,
                stamp,
                letter,
            } => Record::Mail {
                serial: *serial,
                to,
                from,
                incarnation: *incarnation,
                counter: *counter,
                request: *request,
                stamp: UnixSeconds(*stamp),
                letter,
            },
            Self::Channel {
                number,
                from,
                incarnation,
                counter,
                request,
                stamp,
                text,
            } => Record::Channel {
                number: *number,
                from,
                incarnation: *incarnation,
                counter: *counter,
                request: *request,
                stamp: UnixSeconds(*stamp),
                text,
            },
            Self::Progress {
                name,
                handed_over,
                log_next,
            } => Record::Progress {
                name,
                handed_over: *handed_over,
                log_next: *log_next,
            },
        }
    }
}
