//! How sessions are opened: cookies, and what the messages of a handshake say.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::layout::{PREFIX_LEN, SHORT_TAG_LEN, kind};
use super::writer::Writer;
use crate::crypto::byte_array;
use crate::crypto::{
    FIRST_OVERHEAD, Handshake, Identity, KEY_LEN, PublicKey, SECOND_OVERHEAD, SessionKeys, TAG_LEN,
};
use crate::limits::{COOKIE_REQUEST_LEN, DATAGRAM_LEN_MAX};

const COOKIE_LEN: usize = 16;
/// Bytes in front of the handshake in a hello, and in a call.
const CLIENT_HELLO_FRONT_LEN: usize = PREFIX_LEN + COOKIE_LEN;
const PEER_HELLO_FRONT_LEN: usize = PREFIX_LEN + 8;

/// Longest payload of an [`Answer`]: its kind, three numbers, a window, and a token.
pub(crate) const ANSWER_LEN_MAX: usize = 1 + 3 * 8 + 3 + TAG_LEN;
/// Longest second message of a handshake.
pub(crate) const ACCEPT_MESSAGE_LEN_MAX: usize = SECOND_OVERHEAD + ANSWER_LEN_MAX;

const _: () = {
    let around = PREFIX_LEN + SHORT_TAG_LEN;
    let shortest_hello =
        CLIENT_HELLO_FRONT_LEN + FIRST_OVERHEAD + 8 + 8 + 8 + TAG_LEN + 6 + SHORT_TAG_LEN;
    let shortest_call = PEER_HELLO_FRONT_LEN + FIRST_OVERHEAD + 8 + TAG_LEN + 6 + SHORT_TAG_LEN;
    let answer = around + ACCEPT_MESSAGE_LEN_MAX;
    assert!(
        shortest_hello > answer && shortest_call > answer,
        "no answer is longer than what it answers"
    );
    assert!(COOKIE_REQUEST_LEN > around + COOKIE_LEN + KEY_LEN);
};

/// Proves that a sender receives at its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// When the server made it, in milliseconds of its clock.
    pub issued_at_ms: u64,
    /// Only the server can make it, for this time and one address.
    pub mac: u64,
}

impl Cookie {
    pub(super) fn to_bytes(self) -> [u8; COOKIE_LEN] {
        let mut bytes = [0; COOKIE_LEN];
        let numbers = self
            .issued_at_ms
            .to_le_bytes()
            .into_iter()
            .chain(self.mac.to_le_bytes());
        bytes
            .iter_mut()
            .zip(numbers)
            .for_each(|(to, from)| *to = from);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; COOKIE_LEN]) -> Self {
        let word = |bytes: Option<&[u8; 8]>| u64::from_le_bytes(bytes.copied().unwrap_or_default());
        Self {
            issued_at_ms: word(bytes.first_chunk()),
            mac: word(bytes.last_chunk()),
        }
    }

    /// A cookie, with the key of the server behind it if the body is that long.
    pub(super) fn parse(body: &[u8]) -> Option<(Self, Option<PublicKey>)> {
        let (cookie, rest) = body.split_first_chunk()?;
        let key = match rest {
            [] => None,
            key => Some(PublicKey(key.try_into().ok()?)),
        };
        Some((Self::from_bytes(cookie), key))
    }
}

/// A client asks the server for a session; the handshake encrypts its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHelloMessage<'a> {
    /// Session id that the client chose: what the server sends carries it.
    pub id: u64,
    /// From a [`Datagram::Cookie`](super::Datagram::Cookie).
    pub cookie: Cookie,
    /// The bytes in front of the message: both sides mix them into the handshake.
    pub prologue: &'a [u8],
    /// The first message of the handshake; its payload is a [`ClientHello`].
    pub message: &'a [u8],
}

impl<'a> ClientHelloMessage<'a> {
    pub(super) fn parse(id: u64, whole: &'a [u8]) -> Option<Self> {
        let (prologue, message) = parts(whole, CLIENT_HELLO_FRONT_LEN)?;
        Some(Self {
            id,
            cookie: Cookie::from_bytes(prologue.last_chunk()?),
            prologue,
            message,
        })
    }
}

/// A client asks a peer for a session; the handshake encrypts its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerHelloMessage<'a> {
    /// Session id that the caller chose.
    pub id: u64,
    /// The process that the caller means.
    pub to_incarnation: u64,
    /// The bytes in front of the message: both sides mix them into the handshake.
    pub prologue: &'a [u8],
    /// The first message of the handshake; its payload is a [`PeerHello`].
    pub message: &'a [u8],
}

impl<'a> PeerHelloMessage<'a> {
    pub(super) fn parse(id: u64, whole: &'a [u8]) -> Option<Self> {
        let (prologue, message) = parts(whole, PEER_HELLO_FRONT_LEN)?;
        Some(Self {
            id,
            to_incarnation: u64::from_le_bytes(*prologue.last_chunk()?),
            prologue,
            message,
        })
    }
}

fn parts(whole: &[u8], front_len: usize) -> Option<(&[u8], &[u8])> {
    let (content, _) = whole.split_last_chunk::<SHORT_TAG_LEN>()?;
    let (front, message) = content.split_at_checked(front_len)?;
    (message.len() > FIRST_OVERHEAD).then_some((front, message))
}

/// The header of a hello, by the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// To the server, with this cookie.
    Client(Cookie),
    /// To the process of a peer.
    Peer {
        /// Its incarnation.
        to_incarnation: u64,
    },
}

impl Hello {
    fn kind(self) -> u8 {
        match self {
            Self::Client(_) => kind::CLIENT_HELLO,
            Self::Peer { .. } => kind::PEER_HELLO,
        }
    }

    fn write_front(self, id: u64, writer: &mut Writer<'_>) -> bool {
        writer.prefix(self.kind(), id)
            && match self {
                Self::Client(cookie) => writer.bytes(&cookie.to_bytes()),
                Self::Peer { to_incarnation } => writer.bytes(&to_incarnation.to_le_bytes()),
            }
    }

    /// Returns the bytes in front of the first message of the handshake.
    pub(crate) fn prologue(self, id: u64, front: &mut [u8; DATAGRAM_LEN_MAX]) -> &[u8] {
        let mut writer = Writer::new(front);
        self.write_front(id, &mut writer);
        let len = writer.len();
        front.get(..len).unwrap_or_default()
    }

    /// Builds the datagram with the first message of a handshake; returns its length, or 0 if the
    /// other side's key is none. The same arguments give the same bytes; an ephemeral key
    /// serves one payload only. Cost: three multiplications on the curve.
    //= PROTOCOL.md#4.4
    pub fn emit(
        self,
        id: u64,
        identity: &Identity,
        remote: &PublicKey,
        ephemeral: &[u8; KEY_LEN],
        payload: &[u8],
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> usize {
        let mut writer = Writer::new(out);
        let built = self.write_front(id, &mut writer)
            && writer.part(|prologue, out| {
                Handshake {
                    identity,
                    remote,
                    prologue,
                    ephemeral,
                    payload,
                }
                .first(out)
            });
        if built {
            writer.tag(identity.tag_key())
        } else {
            0
        }
    }

    /// Reads the answer to what [`emit`](Self::emit) built of the same arguments: the session, and
    /// what the other side says. Cost: eight multiplications on the curve.
    pub fn complete(
        self,
        id: u64,
        identity: &Identity,
        remote: &PublicKey,
        ephemeral: &[u8; KEY_LEN],
        payload: &[u8],
        message: &[u8],
    ) -> Option<(SessionKeys, Answer)> {
        let mut front = [0; DATAGRAM_LEN_MAX];
        let handshake = Handshake {
            identity,
            remote,
            prologue: self.prologue(id, &mut front),
            ephemeral,
            payload,
        };
        let mut said = [0; ANSWER_LEN_MAX];
        let (session, len) = handshake.complete(message, &mut said)?;
        let answer = from_payload(said.get(..len)?)?;
        Some((session, answer))
    }
}

/// Parses the payload of a handshake; `None` if it is damaged, or something is left over.
pub(crate) fn from_payload<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

/// A client asks the server for a session, which registers its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHello<'a> {
    /// The client's process: 64 random bits drawn when it started. Everybody in the room learns
    /// it.
    #[serde(with = "postcard::fixint::le")]
    pub incarnation: u64,
    /// Epoch of the table that the client has; 0 for none.
    #[serde(with = "postcard::fixint::le")]
    pub table_epoch: u64,
    /// Version of the table that the client has.
    pub table_version: u32,
    /// Epoch of the numbers in the two next fields; 0 for none.
    #[serde(with = "postcard::fixint::le")]
    pub epoch: u64,
    /// Number of the last kept message that was handed over to this process.
    pub mail_shown: u64,
    /// Number of the last entry of the channel log that reached this process.
    pub channel_shown: u32,
    /// Entries that the client's table can hold.
    pub table_capacity: u32,
    /// Counts the sessions that this process asked for; an older `ClientHello` that arrives late is
    /// ignored.
    pub session_sequence: u32,
    /// Numbered frames that the client accepts beyond those it acknowledged.
    pub window: u16,
    /// Comes back in a [`Datagram::Reset`](super::Datagram::Reset) when the client does not have
    /// the session any more.
    #[serde(with = "byte_array")]
    pub reset: [u8; TAG_LEN],
    /// The name to register.
    pub name: &'a str,
}

/// A client asks a peer for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHello<'a> {
    /// Incarnation of the caller.
    #[serde(with = "postcard::fixint::le")]
    pub from_incarnation: u64,
    /// Counts the caller's sessions; an older `PeerHello` that arrives late is ignored.
    pub session_sequence: u32,
    /// Numbered frames that the caller accepts beyond those it acknowledged.
    pub window: u16,
    /// As in [`ClientHello::reset`].
    #[serde(with = "byte_array")]
    pub reset: [u8; TAG_LEN],
    /// Name of the caller.
    pub from: &'a str,
    /// Name of the recipient: it must not answer a call to another name.
    pub to: &'a str,
}

/// The answer to a request for a session, by the owner of the requested key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The session is open.
    Accepted(Accept),
    /// There will be none.
    Refused(Refusal),
}

/// The parameters of the side that accepts a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Session id that it chose: what is sent to it carries it.
    #[serde(with = "postcard::fixint::le")]
    pub id: u64,
    /// Epoch of the server's store: numbers of kept messages and log entries count within it; 0
    /// from a peer.
    #[serde(with = "postcard::fixint::le")]
    pub epoch: u64,
    /// Epoch of the server's table: versions count within it; 0 from a peer.
    #[serde(with = "postcard::fixint::le")]
    pub table_epoch: u64,
    /// Numbered frames that it accepts beyond those it acknowledged.
    pub window: u16,
    /// As in [`ClientHello::reset`].
    #[serde(with = "byte_array")]
    pub reset: [u8; TAG_LEN],
}

/// Why a session is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// The name is being looked after: its holder is being asked whether it is still there, or the
    /// registration is being stored. Ask again.
    Wait,
    /// The name is active elsewhere, and its holder answered.
    NameTaken,
    /// Another process took over this name.
    Displaced,
    /// The room holds as many names as it can.
    RoomFull,
    /// The server could not store the registration.
    NotStored,
    /// The name is not valid.
    BadName,
    /// There is no such incarnation here.
    NotMe,
    /// Too many sessions were asked for from this address, or its network. Ask again.
    RateExceeded,
    /// The name belongs to another key.
    ForeignKey,
    /// The name, or its key, is not on the list of those who may register.
    NotAllowed,
}

impl Refusal {
    /// Whether it may be said without proof: nothing but patience, or another way, follows from it.
    pub(crate) fn is_unauthenticated(self) -> bool {
        matches!(self, Self::Wait | Self::NotMe | Self::RateExceeded)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "the name is being checked",
            Self::NameTaken => "the name is active elsewhere",
            Self::Displaced => "another process took over the name",
            Self::RoomFull => "the room is full",
            Self::NotStored => "the server could not store the registration",
            Self::BadName => "the name is not valid",
            Self::NotMe => "that process is gone",
            Self::RateExceeded => "too many registrations from that address",
            Self::ForeignKey => "the name belongs to another key",
            Self::NotAllowed => "the allow list does not contain the name with this key",
        })
    }
}
