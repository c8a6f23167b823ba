//! Orders of the operator: whom they concern, and what became of them.

use core::fmt;
use core::net::IpAddr;

use crate::address::PackedAddress;
use crate::crypto::PublicKey;
use crate::name::Name;
use crate::time::UnixSeconds;

/// The clients that a restriction concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The client with this name.
    Name(Name),
    /// All clients with this key.
    Key(PublicKey),
    /// All clients of a source: an IPv4 address, or the upper 64 bits of an IPv6 address.
    Source(IpAddr),
}

/// A client, as a restriction sees it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "moderation"),
    expect(dead_code, reason = "bans need it")
)]
pub(super) struct Suspect<'a> {
    pub(super) name: &'a str,
    pub(super) key: &'a PublicKey,
    pub(super) address: &'a PackedAddress,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_str()),
            Self::Key(key) => write!(f, "key {key}"),
            Self::Source(ip) => write!(f, "address {ip}"),
        }
    }
}

/// The effect of a restriction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RestrictionKind {
    /// The clients are put out, and may not register. No message is stored for them.
    Ban,
    /// The clients may read. Nothing that they send is stored, or gets into the channel.
    Mute,
}

/// An order of the operator that is in force until it ends, or is lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The effect of the restriction.
    pub kind: RestrictionKind,
    /// The clients that it concerns.
    pub subject: Subject,
    /// When it ends; `None` if it has to be lifted.
    pub until: Option<UnixSeconds>,
}

impl Restriction {
    /// Returns whether the restriction has ended.
    pub fn has_ended(&self, now: UnixSeconds) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// How far messages and log entries have been accepted: the last serial number, and the next log
/// entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) serial: u64,
    pub(super) log_next: u32,
}

/// The consequence of an order that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// Clients may be banned that are in the room.
    #[cfg(feature = "moderation")]
    Banned,
    /// The messages of a name are withdrawn, up to these numbers.
    #[cfg(feature = "moderation")]
    Withdrawn(Name, Accepted),
}

/// Identifies an order of the operator: 1, 2, 3 and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(u32);

#[cfg(feature = "moderation")]
impl OrderId {
    pub(super) const fn new(number: u32) -> Self {
        Self(number)
    }
}

/// The reason why an order is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrderError {
    /// Too many orders wait for the store.
    Busy,
    /// There is no room for another restriction.
    Full,
    /// There is no such restriction.
    NotRestricted,
    /// No client has the name.
    NoSuchName,
    /// The client is not in the room.
    NotInRoom,
    /// The client is in the room.
    InRoom,
    /// The text of an announcement is empty, or longer than 1,000 bytes.
    BadText,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "too many orders wait for the store: try again",
            Self::Full => "there is no room for another ban or mute: lift one",
            Self::NotRestricted => "there is no such ban or mute",
            Self::NoSuchName => "no client has the name",
            Self::NotInRoom => "the client is not in the room",
            Self::InRoom => "the client is in the room: kick or ban it first",
            Self::BadText => "the text is empty, or longer than 1000 bytes",
        })
    }
}

impl core::error::Error for OrderError {}
