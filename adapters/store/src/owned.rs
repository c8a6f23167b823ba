//! Records that own their memory while they wait for the disk.

use chatapp_core::{NameRecord, PublicKey, Record, Restriction, RestrictionKind, Subject};

/// A record for the writing thread.
#[derive(Clone, Debug)]
pub(crate) enum Owned {
    Epoch {
        epoch: u64,
        serial: u64,
        log_next: u32,
    },
    Name(Name),
    Mail {
        to: String,
        message: Message<Vec<u8>>,
    },
    Channel(Message<String>),
    Progress {
        name: String,
        handed_over: u64,
        log_next: u32,
    },
    Forget {
        name: String,
        serial: u64,
        log_next: u32,
    },
    /// The messages of a name, up to these numbers, are withdrawn.
    Withdraw(Withdrawn),
    Order(Order),
}

/// The messages that are withdrawn: those of a name up to these numbers.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawn {
    pub(crate) name: String,
    pub(crate) serial: u64,
    pub(crate) log_next: u32,
}

/// An order of the operator.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Restrict(Restriction),
    Lift(RestrictionKind, Subject),
}

/// Stored state of a name.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) name: String,
    pub(crate) registered: bool,
    pub(crate) address: String,
    pub(crate) incarnation: u64,
    pub(crate) key: PublicKey,
    pub(crate) session_sequence: u32,
    pub(crate) session: u64,
    pub(crate) previous: [u32; 4],
    pub(crate) last_request: u32,
    pub(crate) outcomes: u128,
    pub(crate) log_next: u32,
    pub(crate) away_s: u32,
    /// The medium-term key, if there is one.
    pub(crate) medium_key: Option<PublicKey>,
}

/// A stored message with ciphertext, or an entry of the channel log with text.
#[derive(Clone, Debug)]
pub(crate) struct Message<C> {
    /// Its serial, or its number in the log.
    pub(crate) number: u64,
    pub(crate) from: String,
    pub(crate) incarnation: u64,
    pub(crate) counter: u32,
    pub(crate) request: u32,
    pub(crate) stamp: u32,
    pub(crate) content: C,
}

impl From<NameRecord<'_>> for Name {
    fn from(record: NameRecord<'_>) -> Self {
        Self {
            name: record.name.to_owned(),
            registered: record.registered,
            address: record.address.to_string(),
            incarnation: record.incarnation,
            key: record.key,
            session_sequence: record.session_sequence,
            session: record.session,
            previous: record.previous,
            last_request: record.last_request,
            outcomes: record.outcomes,
            log_next: record.log_next,
            away_s: record.away_s,
            medium_key: Some(record.medium_key).filter(|key| !key.is_none()),
        }
    }
}

impl From<Record<'_>> for Owned {
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
            } => forget(name, serial, log_next),
            Record::Name(name) => Self::Name(name.into()),
            Record::Withdraw {
                name,
                serial,
                log_next,
            } => withdraw(name, serial, log_next),
            Record::Restrict(restriction) => Self::Order(Order::Restrict(restriction.clone())),
            Record::Lift { kind, subject } => Self::Order(Order::Lift(kind, subject.clone())),
            Record::Mail {
                serial,
                to,
                from,
                incarnation,
                counter,
                request,
                stamp,
                ciphertext,
            } => Self::Mail {
                to: to.to_owned(),
                message: Message {
                    number: serial,
                    from: from.to_owned(),
                    incarnation,
                    counter,
                    request,
                    stamp: stamp.0,
                    content: ciphertext.to_owned(),
                },
            },
            Record::Channel {
                number,
                from,
                incarnation,
                counter,
                request,
                stamp,
                text,
            } => Self::Channel(Message {
                number: number.into(),
                from: from.to_owned(),
                incarnation,
                counter,
                request,
                stamp: stamp.0,
                content: text.to_owned(),
            }),
            Record::Progress {
                name,
                handed_over,
                log_next,
            } => progress(name, handed_over, log_next),
        }
    }
}

fn withdraw(name: &str, serial: u64, log_next: u32) -> Owned {
    Owned::Withdraw(Withdrawn {
        name: name.to_owned(),
        serial,
        log_next,
    })
}

fn progress(name: &str, handed_over: u64, log_next: u32) -> Owned {
    Owned::Progress {
        name: name.to_owned(),
        handed_over,
        log_next,
    }
}

fn forget(name: &str, serial: u64, log_next: u32) -> Owned {
    Owned::Forget {
        name: name.to_owned(),
        serial,
        log_next,
    }
}
