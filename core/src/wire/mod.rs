//! The wire format: every datagram that exists, its parser and its encoder.
//!
//! `PROTOCOL.md` describes the same byte by byte, with test vectors. Each datagram is
//!
//! ```text
//! version (1) | kind (1) | session id (8, little-endian) | body | integrity tag (8, little-endian)
//! ```
//!
//! The tag is SipHash-2-4 over all that stands before it, under a public constant for the datagrams that open or
//! end a session and under both session ids for [data](Data). It finds damage, and it keeps those who do not know
//! the ids of a session out of it; it does not protect against somebody on the path.
//!
//! Parsing is total: every input gives a [`Datagram`] or the [reason](Drop) it is none.

mod frame;

use core::fmt;

use serde::{Deserialize, Serialize};

pub use frame::{Entry, FRAME_KINDS, Frame, Frames, Outcome, Status};

use crate::entropy::Key;
use crate::limits::{BODY_LEN_MAX, DATAGRAM_LEN_MAX, HELLO_LEN_MIN};
use crate::stats::Drop;

/// The version of the protocol that this crate speaks: the first byte of every datagram.
pub const VERSION: u8 = 1;

const PREFIX_LEN: usize = 10;
const TAG_LEN: usize = 8;
/// Shortest datagram: prefix and tag around nothing.
pub const DATAGRAM_LEN_MIN: usize = PREFIX_LEN + TAG_LEN;

const _: () = assert!(PREFIX_LEN + BODY_LEN_MAX + TAG_LEN <= DATAGRAM_LEN_MAX);
const _: () = assert!(
    HELLO_LEN_MIN >= DATAGRAM_LEN_MIN + 32,
    "answers to strangers are shorter than a Hello"
);

/// The key of the tag outside of sessions, as in `PROTOCOL.md`.
const PUBLIC_KEY: Key = Key::new(
    u64::from_le_bytes(*b"ChatApp "),
    u64::from_le_bytes(*b"datagram"),
);

/// Kinds of datagrams; the numbers are the second byte.
mod kind {
    pub(super) const UNSUPPORTED: u8 = 0;
    pub(super) const HELLO: u8 = 1;
    pub(super) const COOKIE: u8 = 2;
    pub(super) const CALL: u8 = 3;
    pub(super) const ACCEPT: u8 = 4;
    pub(super) const REFUSE: u8 = 5;
    pub(super) const RESET: u8 = 6;
    pub(super) const DATA: u8 = 7;
}

/// Names of the kinds of datagrams, in the order of their numbers.
pub const DATAGRAM_KINDS: [&str; 8] = [
    "unsupported",
    "hello",
    "cookie",
    "call",
    "accept",
    "refuse",
    "reset",
    "data",
];

/// One datagram, checked and taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Datagram<'a> {
    /// The other side speaks another version: its number, and the session id of the datagram it did not understand.
    Unsupported {
        /// The version that the sender speaks.
        version: u8,
        /// Session id of the datagram that caused this one.
        echo: u64,
    },
    /// A client asks the server for a session, which registers its name.
    Hello(Hello<'a>),
    /// The server's stateless answer to a [`Hello`] without a valid cookie: come again with this one.
    Cookie {
        /// Session id from the `Hello`.
        to: u64,
        /// Proves, when it comes back, that its sender receives at its address.
        cookie: u64,
    },
    /// A client asks a peer for a session.
    Call(Call<'a>),
    /// The answer to a [`Hello`] or a [`Call`] that opens the session.
    Accept {
        /// Session id of the side that asked.
        to: u64,
        /// The rest.
        accept: Accept,
    },
    /// The answer to a [`Hello`] or a [`Call`] that does not open a session.
    Refuse {
        /// Session id of the side that asked.
        to: u64,
        /// Why not.
        reason: Refusal,
    },
    /// The session with this id does not exist where a datagram for it arrived.
    Reset {
        /// Session id that the datagram was sent to.
        echo: u64,
    },
    /// Acknowledgements and frames inside a session.
    Data(Data<'a>),
}

/// A client asks the server for a session, which registers its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// Session id that the client chose: what the server sends carries it.
    #[serde(skip)]
    pub id: u64,
    /// The client's process: 64 random bits drawn when it started. Everybody in the room learns it.
    #[serde(with = "postcard::fixint::le")]
    pub incarnation: u64,
    /// 64 random bits that only this process and the server know: who has them is the same process.
    #[serde(with = "postcard::fixint::le")]
    pub resume: u64,
    /// From a [`Datagram::Cookie`]; 0 for none.
    #[serde(with = "postcard::fixint::le")]
    pub cookie: u64,
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
    /// Counts the sessions that this process asked for; an older `Hello` that arrives late is ignored.
    pub opening: u32,
    /// Numbered frames that the client accepts beyond those it acknowledged.
    pub window: u16,
    /// The name to register.
    pub name: &'a str,
}

/// A client asks a peer for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call<'a> {
    /// Session id that the caller chose.
    #[serde(skip)]
    pub id: u64,
    /// Incarnation of the caller.
    #[serde(with = "postcard::fixint::le")]
    pub from_incarnation: u64,
    /// Incarnation of the peer that the caller means.
    #[serde(with = "postcard::fixint::le")]
    pub to_incarnation: u64,
    /// Counts the caller's sessions; an older `Call` that arrives late is ignored.
    pub opening: u32,
    /// Numbered frames that the caller accepts beyond those it acknowledged.
    pub window: u16,
    /// Name of the caller.
    pub from: &'a str,
}

/// What the side that accepts a session tells about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Session id that it chose: what is sent to it carries it.
    #[serde(with = "postcard::fixint::le")]
    pub id: u64,
    /// Epoch of the server's store: numbers of kept messages and log entries count within it; 0 from a peer.
    #[serde(with = "postcard::fixint::le")]
    pub epoch: u64,
    /// Epoch of the server's table: versions count within it; 0 from a peer.
    #[serde(with = "postcard::fixint::le")]
    pub table_epoch: u64,
    /// Numbered frames that it accepts beyond those it acknowledged.
    pub window: u16,
}

/// Why a session is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// The name is being looked after: its holder is being asked whether it is still there, or the registration
    /// is being stored. Ask again.
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
        })
    }
}

/// Acknowledgements and frames inside a session, not yet checked: [`open`](Self::open) does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Session id of the recipient.
    pub to: u64,
    whole: &'a [u8],
}

/// The part of a data datagram in front of its frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// A numbered frame arrived behind one that is missing.
    pub gap: bool,
    /// Please answer, even if there is nothing to say.
    pub probe: bool,
    /// The sender's round: it changes whenever the sender repeats frames.
    pub round: bool,
    /// The recipient's round, of the frames that the sender saw last: the one that a gap belongs to.
    pub heard_round: bool,
    /// Sequence number of the first frame that was not accepted yet: all before it are acknowledged.
    pub acknowledged: u32,
    /// Frames that are accepted beyond those; 0 while there is no room.
    pub window: u16,
    /// Sequence number of the first frame here.
    pub first: u32,
    /// Version of the table: which one the client has, or the server.
    pub table_version: Option<u32>,
}

const FLAG_GAP: u8 = 1;
const FLAG_PROBE: u8 = 2;
const FLAG_TABLE: u8 = 4;
const FLAG_ROUND: u8 = 32;
const FLAG_HEARD_ROUND: u8 = 64;

fn session_key(to: u64, from: u64) -> Key {
    Key::new(to, from)
}

fn tag_fits(whole: &[u8], key: Key) -> bool {
    whole
        .split_last_chunk()
        .is_some_and(|(content, tag)| key.hash(content) == u64::from_le_bytes(*tag))
}

fn take<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<(T, &'a [u8]), Drop> {
    postcard::take_from_bytes(body).map_err(|_| Drop::Malformed)
}

/// All of `body`, nothing left over.
fn all<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Drop> {
    match take(body)? {
        (value, []) => Ok(value),
        _ => Err(Drop::Malformed),
    }
}

impl<'a> Datagram<'a> {
    /// Takes a datagram apart.
    ///
    /// # Errors
    /// The reason to drop it. A foreign version gives [`Drop::ForeignVersion`] if it is not an
    /// [`Unsupported`](Self::Unsupported).
    pub fn parse(whole: &'a [u8]) -> Result<Self, Drop> {
        if whole.len() < DATAGRAM_LEN_MIN || whole.len() > DATAGRAM_LEN_MAX {
            return Err(Drop::BadLength);
        }
        let [version, kind, ref rest @ ..] = *whole else {
            return Err(Drop::BadLength);
        };
        if version != VERSION && kind != kind::UNSUPPORTED {
            return Err(Drop::ForeignVersion);
        }
        let (id, rest) = rest.split_first_chunk().ok_or(Drop::BadLength)?;
        let id = u64::from_le_bytes(*id);
        if kind == kind::DATA {
            return Ok(Self::Data(Data { to: id, whole }));
        }
        if !tag_fits(whole, PUBLIC_KEY) {
            return Err(Drop::BadTag);
        }
        let (body, _) = rest.split_last_chunk::<TAG_LEN>().ok_or(Drop::BadLength)?;
        Ok(match kind {
            kind::UNSUPPORTED => Self::Unsupported { version, echo: id },
            // Behind a Hello stands its padding.
            kind::HELLO => Self::Hello(Hello {
                id,
                ..take(body)?.0
            }),
            kind::COOKIE => Self::Cookie {
                to: id,
                cookie: u64::from_le_bytes(body.try_into().map_err(|_| Drop::Malformed)?),
            },
            kind::CALL => Self::Call(Call { id, ..all(body)? }),
            kind::ACCEPT => Self::Accept {
                to: id,
                accept: all(body)?,
            },
            kind::REFUSE => Self::Refuse {
                to: id,
                reason: all(body)?,
            },
            kind::RESET if body.is_empty() => Self::Reset { echo: id },
            _ => return Err(Drop::Malformed),
        })
    }

    /// Builds a datagram; returns its length. [Data](Self::Data) is built with a [`DataWriter`] and gives 0 here,
    /// as does a name that is too long.
    pub fn emit(&self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> usize {
        let mut writer = Writer { out, len: 0 };
        let built = match self {
            Self::Unsupported { version, echo } => writer
                .bytes(&[*version, kind::UNSUPPORTED])
                .then(|| writer.bytes(&echo.to_le_bytes())),
            Self::Hello(hello) => writer
                .prefix(kind::HELLO, hello.id)
                .then(|| writer.value(hello) && writer.pad(HELLO_LEN_MIN - TAG_LEN)),
            Self::Cookie { to, cookie } => writer
                .prefix(kind::COOKIE, *to)
                .then(|| writer.bytes(&cookie.to_le_bytes())),
            Self::Call(call) => writer
                .prefix(kind::CALL, call.id)
                .then(|| writer.value(call)),
            Self::Accept { to, accept } => writer
                .prefix(kind::ACCEPT, *to)
                .then(|| writer.value(accept)),
            Self::Refuse { to, reason } => writer
                .prefix(kind::REFUSE, *to)
                .then(|| writer.value(reason)),
            Self::Reset { echo } => Some(writer.prefix(kind::RESET, *echo)),
            Self::Data(_) => None,
        };
        if built == Some(true) {
            writer.tag(PUBLIC_KEY)
        } else {
            0
        }
    }
}

impl<'a> Data<'a> {
    /// Checks the tag, under the session ids of both sides, and takes header and frames apart.
    ///
    /// # Errors
    /// [`Drop::BadTag`] or [`Drop::Malformed`].
    pub fn open(&self, from: u64) -> Result<(Header, Frames<'a>), Drop> {
        if !tag_fits(self.whole, session_key(self.to, from)) {
            return Err(Drop::BadTag);
        }
        let body = self
            .whole
            .get(PREFIX_LEN..self.whole.len().saturating_sub(TAG_LEN))
            .ok_or(Drop::BadLength)?;
        let ((flags, acknowledged, window, first), rest) = take::<(u8, u32, u16, u32)>(body)?;
        let (table_version, rest) = if flags & FLAG_TABLE == 0 {
            (None, rest)
        } else {
            take::<u32>(rest).map(|(version, rest)| (Some(version), rest))?
        };
        Ok((
            Header {
                gap: flags & FLAG_GAP != 0,
                probe: flags & FLAG_PROBE != 0,
                round: flags & FLAG_ROUND != 0,
                heard_round: flags & FLAG_HEARD_ROUND != 0,
                acknowledged,
                window,
                first,
                table_version,
            },
            Frames::new(rest),
        ))
    }
}

/// Builds a data datagram frame by frame.
pub struct DataWriter<'a> {
    writer: Writer<'a>,
    key: Key,
    /// Where the frames begin.
    start: usize,
}

impl fmt::Debug for DataWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataWriter")
            .field("len", &self.writer.len)
            .finish_non_exhaustive()
    }
}

impl<'a> DataWriter<'a> {
    /// Starts a datagram from the session `from` to the session `to`.
    pub fn new(out: &'a mut [u8; DATAGRAM_LEN_MAX], to: u64, from: u64, header: &Header) -> Self {
        let mut writer = Writer { out, len: 0 };
        let flags = [
            (header.gap, FLAG_GAP),
            (header.probe, FLAG_PROBE),
            (header.table_version.is_some(), FLAG_TABLE),
            (header.round, FLAG_ROUND),
            (header.heard_round, FLAG_HEARD_ROUND),
        ];
        let flags = flags
            .iter()
            .filter(|(set, _)| *set)
            .fold(0, |all, (_, flag)| all | flag);
        writer.prefix(kind::DATA, to);
        writer.value(&(flags, header.acknowledged, header.window, header.first));
        if let Some(version) = header.table_version {
            writer.value(&version);
        }
        let start = writer.len;
        Self {
            writer,
            key: session_key(to, from),
            start,
        }
    }

    /// Whether a frame was added.
    pub fn has_frames(&self) -> bool {
        self.writer.len > self.start
    }

    /// Adds a frame; false, and nothing added, if it does not fit any more.
    pub fn push(&mut self, frame: &Frame<'_>) -> bool {
        self.writer.value(frame)
    }

    /// Bytes that are left for frames.
    pub fn room(&self) -> usize {
        (PREFIX_LEN + BODY_LEN_MAX).saturating_sub(self.writer.len)
    }

    /// Completes the datagram; returns its length.
    pub fn finish(self) -> usize {
        self.writer.tag(self.key)
    }
}

struct Writer<'a> {
    out: &'a mut [u8; DATAGRAM_LEN_MAX],
    len: usize,
}

impl Writer<'_> {
    fn free(&mut self) -> &mut [u8] {
        self.out
            .get_mut(self.len..PREFIX_LEN + BODY_LEN_MAX)
            .unwrap_or_default()
    }

    fn bytes(&mut self, bytes: &[u8]) -> bool {
        let Some(place) = self.free().get_mut(..bytes.len()) else {
            return false;
        };
        place
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        self.len += bytes.len();
        true
    }

    fn prefix(&mut self, kind: u8, id: u64) -> bool {
        self.bytes(&[VERSION, kind]) && self.bytes(&id.to_le_bytes())
    }

    fn value<T: Serialize>(&mut self, value: &T) -> bool {
        let Ok(written) = postcard::to_slice(value, self.free()).map(|bytes| bytes.len()) else {
            return false;
        };
        self.len += written;
        true
    }

    fn pad(&mut self, len: usize) -> bool {
        if let Some(padding) = self.out.get_mut(self.len..len) {
            padding.fill(0);
            self.len = len;
        }
        true
    }

    fn tag(self, key: Key) -> usize {
        let Some((content, rest)) = self.out.split_at_mut_checked(self.len) else {
            return 0;
        };
        let Some(tag) = rest.first_chunk_mut() else {
            return 0;
        };
        *tag = key.hash(content).to_le_bytes();
        self.len + TAG_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_with_a_body_is_none() {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = Datagram::Cookie { to: 7, cookie: 9 }.emit(&mut out);
        out[1] = kind::RESET;
        let (content, tag) = out[..len].split_at_mut(len - TAG_LEN);
        tag.copy_from_slice(&PUBLIC_KEY.hash(content).to_le_bytes());
        assert_eq!(Datagram::parse(&out[..len]), Err(Drop::Malformed));
        let len = Datagram::Reset { echo: 7 }.emit(&mut out);
        assert_eq!(
            Datagram::parse(&out[..len]),
            Ok(Datagram::Reset { echo: 7 })
        );
    }

    #[test]
    fn what_is_longer_than_a_datagram_is_none_whatever_its_length() {
        let mut long = [VERSION; DATAGRAM_LEN_MAX + 100];
        long[1] = kind::DATA;
        for len in [DATAGRAM_LEN_MAX + 1, DATAGRAM_LEN_MAX + 2, long.len()] {
            assert_eq!(Datagram::parse(&long[..len]), Err(Drop::BadLength));
        }
    }
}
