//! The writer of a datagram, from its first byte to its tag.

use serde::Serialize;

use super::layout::{PREFIX_LEN, SHORT_TAG_LEN, VERSION};
use crate::crypto::Key;
use crate::crypto::TAG_LEN;
use crate::limits::{BODY_LEN_MAX, DATAGRAM_LEN_MAX, SEAL_OVERHEAD};

/// Most bytes of the content: the tag follows.
const CONTENT_LEN_MAX: usize = SEAL_OVERHEAD - TAG_LEN + BODY_LEN_MAX;

const _: () = assert!(CONTENT_LEN_MAX + TAG_LEN == DATAGRAM_LEN_MAX && TAG_LEN > SHORT_TAG_LEN);
const _: () = assert!(PREFIX_LEN == 10);

/// A datagram that is being written.
pub(super) struct Writer<'a> {
    out: &'a mut [u8; DATAGRAM_LEN_MAX],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Starts a datagram at the front of a buffer.
    pub(super) fn new(out: &'a mut [u8; DATAGRAM_LEN_MAX]) -> Self {
        Self { out, len: 0 }
    }

    /// Returns the rest of the buffer, without the bytes of the tag.
    fn free(&mut self) -> &mut [u8] {
        self.out
            .get_mut(self.len..CONTENT_LEN_MAX)
            .unwrap_or_default()
    }

    /// Returns how many bytes were written.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Skips the bytes up to this length, to be filled in later.
    pub(super) fn skip_to(&mut self, len: usize) {
        self.len = len;
    }

    /// Returns a byte that was written, to change it.
    pub(super) fn byte_mut(&mut self, at: usize) -> Option<&mut u8> {
        self.out.get_mut(at)
    }

    /// Returns the buffer, and how many bytes of it were written.
    pub(super) fn into_parts(self) -> (&'a mut [u8; DATAGRAM_LEN_MAX], usize) {
        (self.out, self.len)
    }

    /// Returns how many bytes of content still fit.
    pub(super) fn room(&self) -> usize {
        CONTENT_LEN_MAX.saturating_sub(self.len)
    }

    /// Returns the bytes that were written from this one on.
    pub(super) fn written(&self, start: usize) -> &[u8] {
        self.out.get(start..self.len).unwrap_or_default()
    }

    /// Appends bytes; returns false, and writes nothing, if there is no room.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> bool {
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

    /// Appends the common header.
    pub(super) fn prefix(&mut self, kind: u8, id: u64) -> bool {
        let [a, b, c, d, e, f, g, h] = id.to_le_bytes();
        self.array(&[VERSION, kind, a, b, c, d, e, f, g, h])
    }

    /// Appends an array. Its length is known at compile time, which makes the copy cheaper.
    pub(super) fn array<const LEN: usize>(&mut self, bytes: &[u8; LEN]) -> bool {
        let Some(place) = self.free().first_chunk_mut() else {
            return false;
        };
        *place = *bytes;
        self.len += LEN;
        true
    }

    /// Appends a number as a varint: the same bytes as [`value`](Self::value), at less cost.
    //= PROTOCOL.md#2.2
    pub(super) fn number(&mut self, mut number: u32) -> bool {
        while number >= 0x80 {
            let [low, ..] = number.to_le_bytes();
            if !self.array(&[low | 0x80]) {
                return false;
            }
            number >>= 7;
        }
        let [last, ..] = number.to_le_bytes();
        self.array(&[last])
    }

    /// Appends a value in the postcard encoding; returns false if there is no room.
    pub(super) fn value<T: Serialize>(&mut self, value: &T) -> bool {
        let Ok(written) = postcard::to_slice(value, self.free()).map(|bytes| bytes.len()) else {
            return false;
        };
        self.len += written;
        true
    }

    /// Appends zeros up to this length.
    pub(super) fn pad(&mut self, len: usize) -> bool {
        if let Some(padding) = self.out.get_mut(self.len..len) {
            padding.fill(0);
            self.len = len;
        }
        true
    }

    /// Appends a part that `write` builds: it gets the bytes in front and the room behind them.
    pub(super) fn part(&mut self, write: impl FnOnce(&[u8], &mut [u8]) -> Option<usize>) -> bool {
        let Some((front, rest)) = self.out.split_at_mut_checked(self.len) else {
            return false;
        };
        let room = CONTENT_LEN_MAX.saturating_sub(self.len);
        let written = rest.get_mut(..room).and_then(|rest| write(front, rest));
        self.len += written.unwrap_or_default();
        written.is_some()
    }

    /// Appends the short tag; returns the length of the datagram.
    pub(super) fn tag(self, key: Key) -> usize {
        let Some((content, rest)) = self.out.split_at_mut_checked(self.len) else {
            return 0;
        };
        let Some(tag) = rest.first_chunk_mut() else {
            return 0;
        };
        *tag = key.hash(content).to_le_bytes();
        self.len + SHORT_TAG_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#2.2
    fn writes_varints_like_postcard() {
        for number in (0..32).flat_map(|bit| [(1_u32 << bit) - 1, 1 << bit, u32::MAX >> bit]) {
            let (mut one, mut other) = ([0; DATAGRAM_LEN_MAX], [0; DATAGRAM_LEN_MAX]);
            let (mut one, mut other) = (Writer::new(&mut one), Writer::new(&mut other));
            assert!(one.number(number) && other.value(&number));
            assert_eq!(one.out[..one.len], other.out[..other.len], "{number}");
        }
    }

    #[test]
    fn keeps_room_for_the_tag() {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = Writer::new(&mut out);
        writer.len = CONTENT_LEN_MAX - 1;
        assert!(!writer.prefix(1, 1));
        assert!(writer.number(127));
        assert!(!writer.number(0));
        assert_eq!(writer.len, CONTENT_LEN_MAX);
    }
}
