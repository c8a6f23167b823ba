//! The datagrams that open a session: cookies, and the payloads of the handshake.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::layout::{PREFIX_LEN, SHORT_TAG_LEN, kind};
use super::writer::Writer;
use crate::crypto::byte_array;
use crate::crypto::{
    FIRST_OVERHEAD, Handshake, Identity, KEY_LEN, PublicKey, SECOND_OVERHEAD, SessionKeys, TAG_LEN,
};
use crate::limits::{COOKIE_REQUEST_LEN, DATAGRAM_LEN_MAX};
#[cfg(feature = "moderation")]
use crate::time::UnixSeconds;

const COOKIE_LEN: usize = 16;
/// Bytes in front of the first handshake message: the prologue.
const CLIENT_HELLO_FRONT_LEN: usize = PREFIX_LEN + COOKIE_LEN;
const PEER_HELLO_FRONT_LEN: usize = PREFIX_LEN + 8;

/// Most bytes of an [`Answer`]: its kind, three numbers, a window, and a token.
pub(crate) const ANSWER_LEN_MAX: usize = 1 + 3 * 8 + 3 + TAG_LEN;
/// Most bytes of the second message of a handshake.
pub(crate) const ACCEPT_MESSAGE_LEN_MAX: usize = SECOND_OVERHEAD + ANSWER_LEN_MAX;

const _: () = {
    let around = PREFIX_LEN + SHORT_TAG_LEN;
    let shortest_client_hello =
        CLIENT_HELLO_FRONT_LEN + FIRST_OVERHEAD + 8 + 8 + 8 + TAG_LEN + 6 + SHORT_TAG_LEN;
    let shortest_peer_hello =
        PEER_HELLO_FRONT_LEN + FIRST_OVERHEAD + 8 + TAG_LEN + 6 + SHORT_TAG_LEN;
    let answer = around + ACCEPT_MESSAGE_LEN_MAX;
    assert!(
        shortest_client_hello > answer && shortest_peer_hello > answer,
        "an answer is longer than the datagram that it answers"
    );
    assert!(COOKIE_REQUEST_LEN > around + COOKIE_LEN + KEY_LEN);
};

/// The server's stateless proof that a client receives at its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// When the server made it, in milliseconds of its clock.
    pub issued_at_ms: u64,
    /// A keyed hash of this time and the client's address, which only the server can compute.
    pub mac: u64,
}

impl Cookie {
    /// Returns the cookie in its form on the wire.
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

    /// Reads a cookie from its form on the wire.
    pub(super) fn from_bytes(bytes: &[u8; COOKIE_LEN]) -> Self {
        let word = |bytes: Option<&[u8; 8]>| u64::from_le_bytes(bytes.copied().unwrap_or_default());
        Self {
            issued_at_ms: word(bytes.first_chunk()),
            mac: word(bytes.last_chunk()),
        }
    }

    /// Parses a cookie, and the server's key behind it if there is one.
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
    /// Session id that the client chose to receive under.
    pub id: u64,
    /// The cookie from a [`Datagram::Cookie`](super::Datagram::Cookie).
    pub cookie: Cookie,
    /// The bytes in front of the message: the prologue of the handshake.
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
    /// Session id that the initiator chose to receive under.
    pub id: u64,
    /// Incarnation of the responder: the process that the initiator means.
    pub to_incarnation: u64,
    /// The bytes in front of the message: the prologue of the handshake.
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

/// Splits a hello into its prologue and the first message of the handshake.
fn parts(whole: &[u8], front_len: usize) -> Option<(&[u8], &[u8])> {
    let (content, _) = whole.split_last_chunk::<SHORT_TAG_LEN>()?;
    let (front, message) = content.split_at_checked(front_len)?;
    (message.len() > FIRST_OVERHEAD).then_some((front, message))
}

/// The recipient of a [`ClientHello`] or [`PeerHello`], as the prologue names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// A [`ClientHello`] to the server, with this cookie.
    Client(Cookie),
    /// A [`PeerHello`] to a peer.
    Peer {
        /// Incarnation of the peer.
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
    /// responder's key is invalid.
    ///
    /// The same arguments give the same bytes. Use an ephemeral key for one handshake only. Cost:
    /// three multiplications on the curve.
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

    /// Reads the answer to the datagram that [`emit`](Self::emit) built from the same arguments;
    /// returns the keys of the session and the answer. Returns `None` if it does not answer that
    /// datagram. Cost: five multiplications on the curve.
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
        let mut answer = [0; ANSWER_LEN_MAX];
        let (session, len) = handshake.complete(message, &mut answer)?;
        let answer = from_payload(answer.get(..len)?)?;
        Some((session, answer))
    }
}

/// Parses a payload of the handshake; `None` if it is malformed, or bytes are left over.
pub(crate) fn from_payload<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

/// The payload of the first message to the server: it asks for a session, which registers a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHello<'a> {
    /// Incarnation of the client: 64 random bits that its process drew at its start. All clients of
    /// the room learn it.
    #[serde(with = "postcard::fixint::le")]
    pub incarnation: u64,
    /// Epoch of the roster that the client has; 0 for none.
    #[serde(with = "postcard::fixint::le")]
    pub table_epoch: u64,
    /// Version of the roster that the client has.
    pub table_version: u32,
    /// Store epoch of the next two fields; 0 for none.
    #[serde(with = "postcard::fixint::le")]
    pub epoch: u64,
    /// Number of the last stored message that reached this process.
    pub mail_shown: u64,
    /// Number of the last entry of the channel log that reached this process.
    pub channel_shown: u32,
    /// Number of entries that the client's roster can hold.
    pub table_capacity: u32,
    /// Counts the sessions that this process asked for. The server ignores an older `ClientHello`
    /// that arrives late.
    pub session_sequence: u32,
    /// Number of frames that the client accepts beyond those it acknowledged.
    pub window: u16,
    /// Reset token of the client: a [`Datagram::Reset`](super::Datagram::Reset) with it proves that
    /// the client does not have the session any more.
    #[serde(with = "byte_array")]
    pub reset: [u8; TAG_LEN],
    /// The name to register.
    pub name: &'a str,
}

/// The payload of the first message to a peer: it asks for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHello<'a> {
    /// Incarnation of the initiator.
    #[serde(with = "postcard::fixint::le")]
    pub from_incarnation: u64,
    /// Counts the sessions that the initiator's process asked for. The responder ignores an older
    /// `PeerHello` that arrives late.
    pub session_sequence: u32,
    /// Number of frames that the initiator accepts beyond those it acknowledged.
    pub window: u16,
    /// Reset token of the initiator, as [`ClientHello::reset`].
    #[serde(with = "byte_array")]
    pub reset: [u8; TAG_LEN],
    /// Name of the initiator.
    pub from: &'a str,
    /// Name of the responder, which must not answer under another name.
    pub to: &'a str,
}

/// The payload of the second message: the responder's answer, authenticated by its static key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The responder accepts the session.
    Accepted(Accept),
    /// The responder refuses the session for good (authenticated refusal).
    Refused(Refusal),
}

/// The parameters of the responder, for a session that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Session id that the responder receives under.
    #[serde(with = "postcard::fixint::le")]
    pub id: u64,
    /// Store epoch of the server, for the numbers of stored messages and log entries; 0 from a
    /// peer.
    #[serde(with = "postcard::fixint::le")]
    pub epoch: u64,
    /// Roster epoch of the server, for versions of the roster; 0 from a peer.
    #[serde(with = "postcard::fixint::le")]
    pub table_epoch: u64,
    /// Number of frames that the responder accepts beyond those it acknowledged.
    pub window: u16,
    /// Reset token of the responder, as [`ClientHello::reset`].
    #[serde(with = "byte_array")]
    pub reset: [u8; TAG_LEN],
}

/// The reason to refuse or to end a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// The server probes the present owner of the name, or stores the registration. Ask again.
    Wait,
    /// The name is active elsewhere, and its holder answered.
    NameTaken,
    /// Another process has taken over the name.
    Evicted,
    /// The server has no room for another name, or none for another one of this key or address.
    RoomFull,
    /// The store did not take the registration.
    NotStored,
    /// The name is not valid.
    BadName,
    /// The responder is another incarnation.
    NotMe,
    /// The source address, or its network, has used up its quota. Ask again.
    RateExceeded,
    /// The name belongs to another key.
    ForeignKey,
    /// The allow list has no entry for the name and this key.
    NotAllowed,
    /// The operator has banned the name, the key or the address, until this time; 0 if the ban does
    /// not end by itself.
    #[cfg(feature = "moderation")]
    Banned(UnixSeconds),
}

impl Refusal {
    /// Returns whether a refusal for this reason can be unauthenticated: its recipient only waits,
    /// or takes another path.
    pub(crate) fn is_unauthenticated(self) -> bool {
        matches!(self, Self::Wait | Self::NotMe | Self::RateExceeded)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "the name is being checked",
            Self::NameTaken => "the name is active elsewhere",
            Self::Evicted => "another process took over the name",
            Self::RoomFull => "there is no room for another name",
            Self::NotStored => "the server could not store the registration",
            Self::BadName => "the name is not valid",
            Self::NotMe => "that process is gone",
            Self::RateExceeded => "too many registrations from that address",
            Self::ForeignKey => "the name belongs to another key",
            #[cfg(feature = "moderation")]
            Self::Banned(_) => "banned by the operator",
            Self::NotAllowed => "the allow list does not contain the name with this key",
        })
    }
}
