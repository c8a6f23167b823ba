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

/// Bytes in front of the encrypted part: the associated data.
const FRONT_LEN: usize = PREFIX_LEN + 8;
/// Bytes of the shortest header: flags, acknowledgement, window and first, one byte each.
const HEADER_LEN_MIN: usize = 4;

/// The most bytes of padding: an eighth of a datagram.
const PADDING_LEN_MAX: u8 = (DATAGRAM_LEN_MAX / 8) as u8;

/// The header of a data datagram, in front of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// NACK: a frame arrived, and one before it is missing.
    pub nack: bool,
    /// Asks the recipient for an acknowledgement.
    pub probe: bool,
    /// Retransmission phase of the sender: it changes with each retransmission.
    pub phase: bool,
    /// Retransmission phase of the frames that arrived last: a NACK belongs to it.
    pub peer_phase: bool,
    /// Sequence number of the first frame that was not accepted: it acknowledges all before it.
    pub acknowledged: u32,
    /// Number of frames that the sender accepts beyond those; 0 while it has no room.
    pub window: u16,
    /// Sequence number of the first frame in this datagram.
    pub first: u32,
    /// Version of the roster that the client, or the server, has.
    pub table_version: Option<u32>,
    /// Why the session ends with this datagram; `None` if it goes on.
    pub closed: Option<Refusal>,
    /// Proves that the client receives at the source address of this datagram.
    pub cookie: Option<Cookie>,
}

const FLAG_NACK: u8 = 1;
const FLAG_PROBE: u8 = 2;
const FLAG_TABLE: u8 = 4;
const FLAG_CLOSED: u8 = 8;
const FLAG_COOKIE: u8 = 16;
const FLAG_PHASE: u8 = 32;
const FLAG_PEER_PHASE: u8 = 64;
const FLAG_PADDED: u8 = 128;

impl Header {
    fn flags(&self) -> u8 {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        flag(self.nack, FLAG_NACK)
            | flag(self.probe, FLAG_PROBE)
            | flag(self.table_version.is_some(), FLAG_TABLE)
            | flag(self.closed.is_some(), FLAG_CLOSED)
            | flag(self.cookie.is_some(), FLAG_COOKIE)
            | flag(self.phase, FLAG_PHASE)
            | flag(self.peer_phase, FLAG_PEER_PHASE)
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

    /// Parses the header; returns it and the frames behind it.
    ///
    /// # Errors
    /// Returns [`DropReason::Malformed`] if the header or the padding is not valid.
    pub fn parse(body: &[u8]) -> Result<(Self, Frames<'_>), DropReason> {
        let ((flags, acknowledged, window, first), mut rest) = take::<(u8, u32, u16, u32)>(body)?;
        let mut header = Self {
            nack: flags & FLAG_NACK != 0,
            probe: flags & FLAG_PROBE != 0,
            phase: flags & FLAG_PHASE != 0,
            peer_phase: flags & FLAG_PEER_PHASE != 0,
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

/// Returns the bytes in front of the padding. The last byte of the padding is its length, and the
/// others are zero.
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

/// Returns the packet number of a datagram in its session, or `None` if it is too short.
pub(super) fn counter(whole: &[u8]) -> Option<u64> {
    if whole.len() < FRONT_LEN + HEADER_LEN_MIN + TAG_LEN {
        return None;
    }
    let counter = whole.get(PREFIX_LEN..)?.first_chunk()?;
    Some(u64::from_le_bytes(*counter))
}

/// The decrypted content of a datagram of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) header: Header,
    pub(crate) frames: Frames<'a>,
    /// Its packet number is the highest so far.
    pub(crate) newest: bool,
}

/// Decrypts a datagram of a session in place, and parses its header.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_in<'a>(
    suite: Suite,
    session: &mut SessionKeys,
    whole: &'a mut [u8],
) -> Result<Opened<'a>, DropReason> {
    let counter = counter(whole).ok_or(DropReason::BadLength)?;
    let (front, ciphertext) = whole
        .split_at_mut_checked(FRONT_LEN)
        .ok_or(DropReason::BadLength)?;
    let (body, tag) = ciphertext
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

/// Decrypts a datagram of a session in place, for tools.
///
/// # Errors
/// Returns [`DropReason::BadTag`] if the datagram is not of this session,
/// [`DropReason::Replayed`] if its packet number is too old or not new, [`DropReason::BadLength`],
/// or [`DropReason::Malformed`].
pub fn open<'a>(
    identity: &Identity,
    session: &mut SessionKeys,
    whole: &'a mut [u8],
) -> Result<(Header, Frames<'a>), DropReason> {
    let opened = open_in(identity.suite(), session, whole)?;
    Ok((opened.header, opened.frames))
}

/// Builds a data datagram frame by frame.
pub struct DataWriter<'a> {
    writer: Writer<'a>,
    /// Offset of the first frame.
    start: usize,
    /// Offset of the last full frame.
    complete: usize,
    /// The numbers of the last frame, if a delta frame can follow it.
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
        // `finish` writes the counter.
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

    /// Appends a frame, as a delta of the frame before it where possible. Returns false, and adds
    /// nothing, if it does not fit.
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

    /// Pads a nearly full datagram to the maximum length. Call it if more datagrams for the same
    /// recipient follow.
    ///
    /// An operating system can send datagrams of equal length as one (GSO). The padding is at most
    /// an eighth of the datagram.
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

    /// Encrypts the datagram; returns its length, or 0 if the session has no counter left.
    pub fn finish(self, identity: &Identity, session: &mut SessionKeys) -> usize {
        self.encrypt(identity.suite(), session).unwrap_or_default()
    }

    fn encrypt(self, suite: Suite, session: &mut SessionKeys) -> Option<usize> {
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

    /// Parses a header with these bytes behind it; returns the bytes without the padding.
    fn without_padding(behind: &[u8]) -> Option<Vec<u8>> {
        let body = [&[FLAG_PADDED, 0, 1, 0], behind].concat();
        let (header, frames) = Header::parse(&body).ok()?;
        assert_eq!(header.window, 1);
        Some(frames.rest().to_vec())
    }

    #[test]
    //= PROTOCOL.md#3.13
    fn refuses_padding_that_is_not_zeros_and_length() {
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
            assert_eq!(without_padding(behind).as_deref(), frames, "{behind:?}");
        }
    }

    #[test]
    fn pads_a_nearly_full_datagram_to_full_length() {
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
