//! Datagrams inside a session: acknowledgements and frames, encrypted.
//!
//! ```text
//! version | kind | session id | counter (8, little-endian) | encrypted: header, frames | tag (16)
//! ```

use core::fmt;

use serde::Deserialize;

use super::delta::Numbers;
use super::frame::Frame;
use super::frames::Frames;
use super::handshake::{Cookie, Refusal};
use super::layout::{PREFIX_LEN, kind};
use super::writer::Writer;
use crate::crypto::{Identity, SessionKeys, Suite, TAG_LEN};
use crate::drop_reason::DropReason;
use crate::limits::DATAGRAM_LEN_MAX;

/// Bytes in front of the encrypted part.
const FRONT_LEN: usize = PREFIX_LEN + 8;
/// Flags, acknowledgement, window and first, each one byte.
const HEADER_LEN_MIN: usize = 4;

/// More is not added to make a datagram as long as others: an eighth of it.
const PADDING_LEN_MAX: u8 = (DATAGRAM_LEN_MAX / 8) as u8;

/// The header in front of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// A numbered frame arrived behind one that is missing.
    pub gap: bool,
    /// Please answer, even if there is nothing to say.
    pub probe: bool,
    /// The round of the sender's frames: each repetition begins another, which is one bit in every
    /// header.
    pub round: bool,
    /// The round of the frames that came last from the other side: a gap belongs to it.
    pub heard_round: bool,
    /// Sequence number of the first frame that was not accepted yet: all before it are
    /// acknowledged.
    pub acknowledged: u32,
    /// Frames that are accepted beyond those; 0 while there is no room.
    pub window: u16,
    /// Sequence number of the first frame here.
    pub first: u32,
    /// Version of the table: which one the client has, or the server.
    pub table_version: Option<u32>,
    /// The session ends with this datagram, and why.
    pub closed: Option<Refusal>,
    /// Proves that the client receives at the address that this datagram comes from.
    pub cookie: Option<Cookie>,
}

const FLAG_GAP: u8 = 1;
const FLAG_PROBE: u8 = 2;
const FLAG_TABLE: u8 = 4;
const FLAG_CLOSED: u8 = 8;
const FLAG_COOKIE: u8 = 16;
const FLAG_ROUND: u8 = 32;
const FLAG_HEARD_ROUND: u8 = 64;
const FLAG_PADDED: u8 = 128;

impl Header {
    fn flags(&self) -> u8 {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        flag(self.gap, FLAG_GAP)
            | flag(self.probe, FLAG_PROBE)
            | flag(self.table_version.is_some(), FLAG_TABLE)
            | flag(self.closed.is_some(), FLAG_CLOSED)
            | flag(self.cookie.is_some(), FLAG_COOKIE)
            | flag(self.round, FLAG_ROUND)
            | flag(self.heard_round, FLAG_HEARD_ROUND)
    }

    fn write(&self, writer: &mut Writer<'_>) -> bool {
        writer.array(&[self.flags()])
            && writer.number(self.acknowledged)
            && writer.number(self.window.into())
            && writer.number(self.first)
            && self
                .table_version
                .is_none_or(|version| writer.number(version))
            && self.closed.is_none_or(|reason| writer.value(&reason))
            && self
                .cookie
                .is_none_or(|cookie| writer.bytes(&cookie.to_bytes()))
    }

    /// The header, and the frames behind it.
    ///
    /// # Errors
    /// [`DropReason::Malformed`].
    pub fn parse(body: &[u8]) -> Result<(Self, Frames<'_>), DropReason> {
        let ((flags, acknowledged, window, first), mut rest) = take::<(u8, u32, u16, u32)>(body)?;
        let mut header = Self {
            gap: flags & FLAG_GAP != 0,
            probe: flags & FLAG_PROBE != 0,
            round: flags & FLAG_ROUND != 0,
            heard_round: flags & FLAG_HEARD_ROUND != 0,
            acknowledged,
            window,
            first,
            ..Self::default()
        };
        if flags & FLAG_TABLE != 0 {
            let (version, behind) = take(rest)?;
            (header.table_version, rest) = (Some(version), behind);
        }
        if flags & FLAG_CLOSED != 0 {
            let (reason, behind) =
                postcard::take_from_bytes(rest).map_err(|_| DropReason::Malformed)?;
            (header.closed, rest) = (Some(reason), behind);
        }
        if flags & FLAG_COOKIE != 0 {
            let (cookie, behind) = rest.split_first_chunk().ok_or(DropReason::Malformed)?;
            (header.cookie, rest) = (Some(Cookie::from_bytes(cookie)), behind);
        }
        if flags & FLAG_PADDED != 0 {
            rest = unpadded(rest).ok_or(DropReason::Malformed)?;
        }
        Ok((header, Frames::new(rest)))
    }
}

/// Returns all in front of the padding, whose last byte counts its bytes; the others are zero.
//= PROTOCOL.md#3.13
fn unpadded(body: &[u8]) -> Option<&[u8]> {
    let (&count, rest) = body.split_last()?;
    let zeros = usize::from(count).checked_sub(1)?;
    let (frames, zeros) = rest.split_at_checked(rest.len().checked_sub(zeros)?)?;
    zeros.iter().all(|byte| *byte == 0).then_some(frames)
}

fn take<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<(T, &'a [u8]), DropReason> {
    postcard::take_from_bytes(body).map_err(|_| DropReason::Malformed)
}

/// The number of a datagram in its session; `None` if it is too short.
pub(super) fn counter(whole: &[u8]) -> Option<u64> {
    if whole.len() < FRONT_LEN + HEADER_LEN_MIN + TAG_LEN {
        return None;
    }
    let counter = whole.get(PREFIX_LEN..)?.first_chunk()?;
    Some(u64::from_le_bytes(*counter))
}

/// The content of a datagram of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) header: Header,
    pub(crate) frames: Frames<'a>,
    /// None that was sent later has come before.
    pub(crate) newest: bool,
}

pub(crate) fn open_in<'a>(
    suite: Suite,
    session: &mut SessionKeys,
    whole: &'a mut [u8],
) -> Result<Opened<'a>, DropReason> {
    let counter = counter(whole).ok_or(DropReason::BadLength)?;
    let (front, sealed) = whole
        .split_at_mut_checked(FRONT_LEN)
        .ok_or(DropReason::BadLength)?;
    let (body, tag) = sealed
        .split_last_chunk_mut::<TAG_LEN>()
        .ok_or(DropReason::BadLength)?;
    let newest = session.open(suite, counter, front, body, tag)?;
    let (header, frames) = Header::parse(body)?;
    Ok(Opened {
        header,
        frames,
        newest,
    })
}

/// Opens a datagram of a session in place, for tools.
///
/// # Errors
/// [`DropReason::BadTag`] if it is none of this session, or came already;
/// [`DropReason::BadLength`]; [`DropReason::Malformed`].
pub fn open<'a>(
    identity: &Identity,
    session: &mut SessionKeys,
    whole: &'a mut [u8],
) -> Result<(Header, Frames<'a>), DropReason> {
    let opened = open_in(identity.suite(), session, whole)?;
    Ok((opened.header, opened.frames))
}

/// Builds a datagram frame by frame.
pub struct DataWriter<'a> {
    writer: Writer<'a>,
    /// The place where the frames begin.
    start: usize,
    /// The place where the last complete frame begins.
    complete: usize,
    /// The numbers of the last frame, if the next one can count from them.
    numbers: Option<Numbers>,
}

impl fmt::Debug for DataWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataWriter")
            .field("len", &self.writer.len())
            .finish_non_exhaustive()
    }
}

impl<'a> DataWriter<'a> {
    /// Starts a datagram to the session id `to`.
    pub fn new(out: &'a mut [u8; DATAGRAM_LEN_MAX], to: u64, header: &Header) -> Self {
        let mut writer = Writer::new(out);
        writer.prefix(kind::DATA, to);
        // The counter takes its place when the datagram is encrypted.
        writer.skip_to(FRONT_LEN);
        header.write(&mut writer);
        let start = writer.len();
        Self {
            writer,
            start,
            complete: start,
            numbers: None,
        }
    }

    /// Returns whether a frame was added.
    pub fn has_frames(&self) -> bool {
        self.writer.len() > self.start
    }

    /// Adds a frame; false, and nothing added, if it does not fit any more. Fields that repeat
    /// those of the frame before it are left out.
    pub fn push(&mut self, frame: &Frame<'_>) -> bool {
        if let Some(numbers) = &self.numbers
            && let complete = self.writer.written(self.complete)
            && let Some((delta, numbers)) = numbers.shortens(frame, complete)
        {
            let pushed = self.writer.value(&delta);
            if pushed {
                self.numbers = Some(numbers);
            }
            return pushed;
        }
        let start = self.writer.len();
        let pushed = self.writer.value(frame);
        if pushed {
            self.complete = start;
            self.numbers = Numbers::of(frame);
        }
        pushed
    }

    /// Returns how many bytes are left for frames.
    pub fn room(&self) -> usize {
        self.writer.room()
    }

    /// There is more to send behind this datagram, to the same recipient: if it is nearly as long
    /// as a datagram may be, makes it as long as that. An operating system can take a burst of
    /// datagrams of equal length at once, for the price of one. Costs at most an eighth of the
    /// datagram.
    pub fn pad(&mut self) {
        let room = self.writer.room();
        let Ok(count @ 1..=PADDING_LEN_MAX) = u8::try_from(room) else {
            return;
        };
        if let Some(flags) = self.writer.byte_mut(FRONT_LEN) {
            *flags |= FLAG_PADDED;
        }
        self.writer.pad(self.writer.len() + room - 1);
        self.writer.bytes(&[count]);
    }

    /// Encrypts the datagram; returns its length, or 0 if the counters of the session are used up.
    pub fn finish(self, identity: &Identity, session: &mut SessionKeys) -> usize {
        self.seal(identity.suite(), session).unwrap_or_default()
    }

    fn seal(self, suite: Suite, session: &mut SessionKeys) -> Option<usize> {
        let (out, len) = self.writer.into_parts();
        let (front, rest) = out.split_at_mut_checked(FRONT_LEN)?;
        *front.last_chunk_mut()? = session.counter()?.to_le_bytes();
        let (body, rest) = rest.split_at_mut_checked(len.checked_sub(FRONT_LEN)?)?;
        *rest.first_chunk_mut()? = session.seal(suite, front, body);
        Some(len + TAG_LEN)
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// Flags, acknowledgement, window, first; what is behind them, without its padding.
    fn behind_the_padding(behind: &[u8]) -> Option<Vec<u8>> {
        let body = [&[FLAG_PADDED, 0, 1, 0], behind].concat();
        let (header, frames) = Header::parse(&body).ok()?;
        assert_eq!(header.window, 1);
        Some(frames.rest().to_vec())
    }

    #[test]
    //= PROTOCOL.md#3.13
    fn padding_is_zeros_and_their_count() {
        for (behind, frames) in [
            (&[1][..], Some(&[][..])),
            (&[0, 0, 3], Some(&[])),
            (&[7, 0, 0, 0, 0, 3], Some(&[7, 0, 0])),
            (&[7, 1], Some(&[7])),
            (&[], None),
            (&[0], None),
            (&[0, 3], None),
            (&[7, 3], None),
            (&[0, 9, 3], None),
            (&[9, 0, 3], None),
        ] {
            assert_eq!(behind_the_padding(behind).as_deref(), frames, "{behind:?}");
        }
    }

    #[test]
    fn any_datagram_that_lacks_little_can_be_made_a_full_one() {
        let identity = Identity::new(crate::crypto::StaticKey::new([1; 32]), None);
        for lacking in 0..=usize::from(PADDING_LEN_MAX) + 1 {
            let mut out = [0xee; DATAGRAM_LEN_MAX];
            let mut writer = DataWriter::new(&mut out, 1, &Header::default());
            // A text of this length has three bytes around it.
            let text = vec![9; writer.room() - lacking - 4];
            let frame = Frame::Text {
                counter: 1,
                text: &text,
            };
            assert!(writer.push(&frame));
            writer.pad();
            let mut session = SessionKeys::new(&[1; 32], &[1; 32]);
            let len = writer.finish(&identity, &mut session);
            let is_padded = lacking <= PADDING_LEN_MAX.into();
            assert_eq!(len == DATAGRAM_LEN_MAX, is_padded, "{lacking}");
            let (_, mut frames) = open(&identity, &mut session, &mut out[..len]).unwrap();
            assert_eq!(frames.next(), Some(Ok(frame)));
            assert_eq!(frames.next(), None);
        }
    }
}
