//! The wire format: all datagrams, their parser and their encoder.
//!
//! `PROTOCOL.md` specifies the same byte by byte, with test vectors. Each datagram begins with
//!
//! ```text
//! version (1) | kind (1) | session id (8, little-endian)
//! ```
//!
//! Datagrams [inside a session](data) are encrypted. Those that open a session carry a message of
//! the [handshake](crate::crypto).
//!
//! All other datagrams end in a short tag: SipHash-2-4 of all bytes before it. The key is a public
//! constant, or in a closed room a secret of its members. The short tag detects damage, and in a
//! closed room it authenticates members. It does not protect against an attacker on the path.
//!
//! Parsing is total: every input gives a [`Datagram`] or a [reason to drop it](DropReason).

pub mod data;
mod delta;
mod frame;
mod frames;
mod handshake;
mod layout;
mod writer;

pub use data::{DataWriter, Header};
pub(crate) use data::{Opened, open_in};
pub use frame::{Entry, FRAME_KINDS, Frame, Outcome, Status};
pub use frames::Frames;
pub(crate) use frames::Place;
pub(crate) use handshake::{ACCEPT_MESSAGE_LEN_MAX, ANSWER_LEN_MAX, from_payload};
pub use handshake::{
    Accept, Answer, ClientHello, ClientHelloMessage, Cookie, Hello, PeerHello, PeerHelloMessage,
    Refusal,
};
pub use layout::{DATAGRAM_KINDS, DATAGRAM_LEN_MIN, VERSION};

use crate::crypto::Key;
use crate::crypto::{Identity, PublicKey, TAG_LEN};
use crate::drop_reason::DropReason;
use crate::limits::{COOKIE_REQUEST_LEN, DATAGRAM_LEN_MAX};
use layout::{SHORT_TAG_LEN, kind};
use writer::Writer;

/// One datagram, parsed as far as possible without the keys of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Datagram<'a> {
    /// The sender speaks another version than the datagram that it answers.
    Unsupported {
        /// The version that the sender speaks.
        version: u8,
        /// Session id of the datagram that it did not understand.
        echo: u64,
    },
    /// A client asks the server for a cookie.
    CookieRequest {
        /// Session id that the client chose: the answer carries it.
        id: u64,
    },
    /// The server sends a cookie, or a client under load, without state.
    ///
    /// It answers a [`CookieRequest`](Self::CookieRequest), a [`ClientHello`](Self::ClientHello)
    /// without a valid cookie, or [data](Self::Data) from another address than that of the session;
    /// of a client, a [`PeerHello`](Self::PeerHello).
    Cookie {
        /// Session id of the datagram that it answers; for data, the recipient's own session id.
        to: u64,
        /// Proves, in a later datagram, that its sender receives at its address.
        cookie: Cookie,
        /// Public key of the server; `None` if the session exists, and of a client.
        key: Option<PublicKey>,
    },
    /// A client asks the server for a session, which registers its name.
    ClientHello(ClientHelloMessage<'a>),
    /// A client asks a peer for a session.
    PeerHello(PeerHelloMessage<'a>),
    /// The responder answers a [`ClientHello`](Self::ClientHello) or a
    /// [`PeerHello`](Self::PeerHello), authenticated by its static key.
    Accept {
        /// Session id of the initiator.
        to: u64,
        /// The second message of the handshake; its payload is an [`Answer`].
        message: &'a [u8],
    },
    /// The responder does not open a session now. The refusal is unauthenticated: the initiator
    /// only waits, or takes another path.
    Refuse {
        /// Session id of the initiator.
        to: u64,
        /// Why the responder refuses.
        reason: Refusal,
    },
    /// The session with this id does not exist at the sender (stateless reset).
    Reset {
        /// Session id of the datagram that it answers.
        echo: u64,
        /// The reset token that the sender announced for this session.
        token: [u8; TAG_LEN],
    },
    /// An encrypted datagram of a session: [`data::open`] decrypts it.
    Data {
        /// Session id of the recipient.
        to: u64,
        /// Packet number in this direction of the session, from 0.
        counter: u64,
    },
}

impl<'a> Datagram<'a> {
    /// Parses a datagram, in the room of this identity.
    ///
    /// # Errors
    /// Returns the reason to drop it. A datagram of another version gives
    /// [`DropReason::ForeignVersion`], unless it is an [`Unsupported`](Self::Unsupported).
    //= PROTOCOL.md#2.1
    pub fn parse(identity: &Identity, whole: &'a [u8]) -> Result<Self, DropReason> {
        if whole.len() < DATAGRAM_LEN_MIN || whole.len() > DATAGRAM_LEN_MAX {
            return Err(DropReason::BadLength);
        }
        let [version, kind, ref rest @ ..] = *whole else {
            return Err(DropReason::BadLength);
        };
        if version != VERSION && kind != kind::UNSUPPORTED {
            return Err(DropReason::ForeignVersion);
        }
        let (id, rest) = rest.split_first_chunk().ok_or(DropReason::BadLength)?;
        let id = u64::from_le_bytes(*id);
        if kind == kind::DATA {
            let counter = data::counter(whole).ok_or(DropReason::BadLength)?;
            return Ok(Self::Data { to: id, counter });
        }
        if !is_tag_valid(whole, tag_key(identity, kind)) {
            return Err(DropReason::BadTag);
        }
        let (body, _) = rest
            .split_last_chunk::<SHORT_TAG_LEN>()
            .ok_or(DropReason::BadLength)?;
        let parsed = match kind {
            kind::UNSUPPORTED if body.is_empty() => Some(Self::Unsupported { version, echo: id }),
            kind::COOKIE_REQUEST if whole.len() == COOKIE_REQUEST_LEN => {
                Some(Self::CookieRequest { id })
            }
            kind::COOKIE => Cookie::parse(body).map(|(cookie, key)| Self::Cookie {
                to: id,
                cookie,
                key,
            }),
            kind::CLIENT_HELLO => ClientHelloMessage::parse(id, whole).map(Self::ClientHello),
            kind::PEER_HELLO => PeerHelloMessage::parse(id, whole).map(Self::PeerHello),
            kind::ACCEPT => Some(Self::Accept {
                to: id,
                message: body,
            }),
            kind::REFUSE => postcard::take_from_bytes(body)
                .ok()
                .filter(|(_, rest)| rest.is_empty())
                .map(|(reason, _)| Self::Refuse { to: id, reason }),
            kind::RESET => body
                .try_into()
                .ok()
                .map(|token| Self::Reset { echo: id, token }),
            _ => None,
        };
        parsed.ok_or(DropReason::Malformed)
    }

    /// Builds a datagram; returns its length, or 0 if it does not fit.
    ///
    /// It also returns 0 for [data](Self::Data), which a [`DataWriter`] builds, and for the first
    /// message of a handshake, which a [`Hello`] builds.
    pub fn emit(&self, identity: &Identity, out: &mut [u8; DATAGRAM_LEN_MAX]) -> usize {
        let mut writer = Writer::new(out);
        let (kind, built) = match self {
            Self::Unsupported { version, echo } => (
                kind::UNSUPPORTED,
                writer.bytes(&[*version, kind::UNSUPPORTED]) && writer.bytes(&echo.to_le_bytes()),
            ),
            Self::CookieRequest { id } => (
                kind::COOKIE_REQUEST,
                writer.prefix(kind::COOKIE_REQUEST, *id)
                    && writer.pad(COOKIE_REQUEST_LEN - SHORT_TAG_LEN),
            ),
            Self::Cookie { to, cookie, key } => (
                kind::COOKIE,
                writer.prefix(kind::COOKIE, *to)
                    && writer.bytes(&cookie.to_bytes())
                    && key.is_none_or(|key| writer.bytes(&key.0)),
            ),
            Self::Accept { to, message } => (
                kind::ACCEPT,
                writer.prefix(kind::ACCEPT, *to) && writer.bytes(message),
            ),
            Self::Refuse { to, reason } => (
                kind::REFUSE,
                writer.prefix(kind::REFUSE, *to) && writer.value(reason),
            ),
            Self::Reset { echo, token } => (
                kind::RESET,
                writer.prefix(kind::RESET, *echo) && writer.bytes(token),
            ),
            Self::ClientHello(_) | Self::PeerHello(_) | Self::Data { .. } => (kind::DATA, false),
        };
        if built {
            writer.tag(tag_key(identity, kind))
        } else {
            0
        }
    }
}

/// Returns the key of the short tag. For `Unsupported` it is public in every room, so that all
/// versions can check it.
fn tag_key(identity: &Identity, kind: u8) -> Key {
    if kind == kind::UNSUPPORTED {
        Key::PUBLIC
    } else {
        identity.tag_key()
    }
}

//= PROTOCOL.md#3.2
fn is_tag_valid(whole: &[u8], key: Key) -> bool {
    whole
        .split_last_chunk()
        .is_some_and(|(content, tag)| key.hash(content) == u64::from_le_bytes(*tag))
}

#[cfg(test)]
mod tests {
    use super::layout::PREFIX_LEN;
    use super::*;
    use crate::crypto::StaticKey;

    #[test]
    //= PROTOCOL.md#3.4
    fn refuses_another_length_of_a_fixed_one() {
        let identity = Identity::new(StaticKey::new([1; 32]), None);
        let mut out = [0; DATAGRAM_LEN_MAX];
        let reset = Datagram::Reset {
            echo: 7,
            token: [3; TAG_LEN],
        };
        for (datagram, body) in [(reset, 16), (Datagram::CookieRequest { id: 7 }, 78)] {
            let len = datagram.emit(&identity, &mut out);
            assert_eq!(len, PREFIX_LEN + body + SHORT_TAG_LEN);
            assert_eq!(Datagram::parse(&identity, &out[..len]), Ok(datagram));
            for other in [len - 1, len + 1] {
                let (content, tag) = out[..other].split_at_mut(other - SHORT_TAG_LEN);
                tag.copy_from_slice(&Key::PUBLIC.hash(content).to_le_bytes());
                let parsed = Datagram::parse(&identity, &out[..other]);
                assert_eq!(parsed, Err(DropReason::Malformed));
            }
        }
    }

    #[test]
    //= PROTOCOL.md#2.1
    fn refuses_datagrams_above_the_maximum_length() {
        let identity = Identity::new(StaticKey::new([1; 32]), None);
        let mut long = [VERSION; DATAGRAM_LEN_MAX + 100];
        long[1] = kind::DATA;
        for len in [DATAGRAM_LEN_MAX + 1, DATAGRAM_LEN_MAX + 2, long.len()] {
            let parsed = Datagram::parse(&identity, &long[..len]);
            assert_eq!(parsed, Err(DropReason::BadLength));
        }
    }
}
