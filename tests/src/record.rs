//! Records as a store keeps them: with memory of their own.

use std::net::SocketAddr;

use chatapp_core::{NameRecord, Record, UnixSeconds};

/// A record that was handed to the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the core's `Record`")]
pub enum Stored {
    Epoch {
        epoch: u64,
    },
    Name {
        name: String,
        registered: bool,
        address: SocketAddr,
        incarnation: u64,
        resume: u64,
        opening: u32,
        session: u64,
        previous: [u32; 4],
        last_request: u32,
        outcomes: u128,
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
        text: String,
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
            Record::Epoch { epoch } => Self::Epoch { epoch },
            Record::Name(name) => Self::Name {
                name: name.name.to_owned(),
                registered: name.registered,
                address: name.address,
                incarnation: name.incarnation,
                resume: name.resume,
                opening: name.opening,
                session: name.session,
                previous: name.previous,
                last_request: name.last_request,
                outcomes: name.outcomes,
                log_next: name.log_next,
            },
            Record::Mail {
                serial,
                to,
                from,
                incarnation,
                counter,
                request,
                stamp,
                text,
            } => Self::Mail {
                serial,
                to: to.to_owned(),
                from: from.to_owned(),
                incarnation,
                counter,
                request,
                stamp: stamp.0,
                text: text.to_owned(),
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
    /// The record as the core takes it back.
    pub fn record(&self) -> Record<'_> {
        match self {
            Self::Epoch { epoch } => Record::Epoch { epoch: *epoch },
            Self::Name {
                name,
                registered,
                address,
                incarnation,
                resume,
                opening,
                session,
                previous,
                last_request,
                outcomes,
                log_next,
            } => Record::Name(NameRecord {
                name,
                registered: *registered,
                address: *address,
                incarnation: *incarnation,
                resume: *resume,
                opening: *opening,
                session: *session,
                previous: *previous,
                last_request: *last_request,
                outcomes: *outcomes,
                log_next: *log_next,
            }),
            Self::Mail {
                serial,
                to,
                from,
                incarnation,
                counter,
                request,
                stamp,
                text,
            } => Record::Mail {
                serial: *serial,
                to,
                from,
                incarnation: *incarnation,
                counter: *counter,
                request: *request,
                stamp: UnixSeconds(*stamp),
                text,
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
