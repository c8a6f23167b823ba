//! Stored texts of any length in one slice of memory. A text costs its length, rounded up to a
//! word, and 4 bytes.
//!
//! It is a boundary-tag allocator (Knuth, TAOCP volume 1, 2.5) over words. Each size has a list of
//! free blocks, so that the cost does not depend on the number of texts. A free block merges with
//! its neighbours at once. The words behind the last used block count as never used.

use crate::limits::{MAIL_LEN_MAX, TEXT_LEN_MAX, TEXT_WORDS_MAX};

const WORD_LEN: usize = 4;
/// Fewest words of a block: its header, and two links while it is free.
const BLOCK_MIN: u32 = 3;
/// Number of lists of free blocks: one for each size, and the last for all larger ones.
const CLASSES: u32 = 288;
/// Most bytes of a text: a stored message with its keys, or a channel message.
const LEN_MAX: usize = MAIL_LEN_MAX;
const _: () = assert!(TEXT_LEN_MAX <= LEN_MAX && CLASSES.is_multiple_of(32));
const _: () = assert!(
    1 + LEN_MAX.div_ceil(WORD_LEN) + (BLOCK_MIN as usize) < CLASSES as usize,
    "a block in the last list is too small for a text and a remainder"
);
/// Most bytes of a text that fits into its handle.
const INLINE_LEN: usize = 3;

/// The header of a block: its size in words, the padding in bytes behind its text, and flags.
const USED: u32 = 1;
const BEHIND_FREE: u32 = 1 << 1;
/// The free block in front has the least size: it has no room for its size in its last word.
const BEHIND_LEAST: u32 = 1 << 2;
const PAD_SHIFT: u32 = 3;
const SIZE_SHIFT: u32 = 6;
const _: () = assert!(TEXT_WORDS_MAX == (1 << (u32::BITS - SIZE_SHIFT)) - 1);

/// A handle of a stored text: its block, or a short text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct TextHandle(u32);

/// The flag of a handle with the text in it: the length from bit `INLINE_LEN_SHIFT`, and the bytes.
const INLINE: u32 = 1 << 31;
const INLINE_LEN_SHIFT: u32 = 24;

impl TextHandle {
    /// No text; all zero bits.
    pub(crate) const VACANT: Self = Self(0);

    fn inline(text: &[u8]) -> Option<Self> {
        if text.len() > INLINE_LEN {
            return None;
        }
        let bytes = text
            .iter()
            .rev()
            .fold(0, |all, byte| all << 8 | u32::from(*byte));
        let len = u32::try_from(text.len()).ok()?;
        Some(Self(INLINE | len << INLINE_LEN_SHIFT | bytes))
    }

    fn is_inline(self) -> bool {
        self.0 & INLINE != 0
    }

    fn block(self) -> Option<u32> {
        self.0.checked_sub(1).filter(|_| !self.is_inline())
    }
}

/// A pool of texts in the caller's memory. It does not touch a word before its first use.
pub(crate) struct TextPool<'a> {
    words: &'a mut [u32],
    /// Words from here on are free, and in no list.
    end: u32,
    /// The first free block + 1, for each size.
    free: [u32; CLASSES as usize],
    /// One bit for each list that is not empty.
    filled: [u32; CLASSES as usize / 32],
}

impl<'a> TextPool<'a> {
    /// Creates an empty pool, or returns `None` if there are more than [`TEXT_WORDS_MAX`] words.
    pub(crate) fn new(words: &'a mut [u32]) -> Option<Self> {
        (words.len() <= TEXT_WORDS_MAX).then_some(Self {
            words,
            end: 0,
            free: [0; CLASSES as usize],
            filled: [0; CLASSES as usize / 32],
        })
    }

    /// Stores a text, or returns `None` and changes nothing if it is too long, or no free block is
    /// large enough.
    pub(crate) fn store(&mut self, text: &[u8]) -> Option<TextHandle> {
        if let Some(inline) = TextHandle::inline(text) {
            return Some(inline);
        }
        if text.len() > LEN_MAX {
            return None;
        }
        let size = Self::size(text.len());
        let pad = (size as usize - 1) * WORD_LEN - text.len();
        let block = self.allocate(size)?;
        self.set(block, size << SIZE_SHIFT | (pad as u32) << PAD_SHIFT | USED);
        for (at, piece) in (block + 1..).zip(text.chunks(WORD_LEN)) {
            let mut word = [0; WORD_LEN];
            word.iter_mut()
                .zip(piece)
                .for_each(|(to, from)| *to = *from);
            self.set(at, u32::from_le_bytes(word));
        }
        Some(TextHandle(block + 1))
    }

    /// Copies a text into `out`; returns the copied bytes.
    pub(crate) fn load<'b>(&self, text: TextHandle, out: &'b mut [u8]) -> &'b [u8] {
        let (first, len) = if text.is_inline() {
            (None, (text.0 >> INLINE_LEN_SHIFT & 3) as usize)
        } else if let Some(block) = text.block() {
            let header = self.get(block);
            let pad = header >> PAD_SHIFT & 7;
            let bytes = (header >> SIZE_SHIFT).saturating_sub(1) as usize * WORD_LEN;
            (Some(block + 1), bytes.saturating_sub(pad as usize))
        } else {
            (None, 0)
        };
        let len = len.min(out.len());
        let place = out.get_mut(..len).unwrap_or_default();
        let inline = [text.0];
        let words = first.map_or(inline.as_slice(), |first| {
            self.words.get(first as usize..).unwrap_or_default()
        });
        // Whole words have a loop of their own: with chunks of any length, each word would be a
        // call of `memcpy`.
        let (whole, rest) = place.as_chunks_mut::<WORD_LEN>();
        let last = words.get(whole.len()).copied().unwrap_or_default();
        whole
            .iter_mut()
            .zip(words)
            .for_each(|(to, word)| *to = word.to_le_bytes());
        rest.iter_mut()
            .zip(last.to_le_bytes())
            .for_each(|(to, from)| *to = from);
        out.get(..len).unwrap_or_default()
    }

    /// Releases the memory of a text.
    pub(crate) fn release(&mut self, text: TextHandle) {
        let Some(block) = text.block() else {
            return;
        };
        let header = self.get(block);
        debug_assert!(header & USED != 0, "the text was released before");
        let (mut start, mut size) = (block, header >> SIZE_SHIFT);
        let behind = block + size;
        if header & BEHIND_FREE != 0 {
            let before = if header & BEHIND_LEAST != 0 {
                BLOCK_MIN
            } else {
                self.get(block.saturating_sub(1))
            };
            start = start.saturating_sub(before);
            size += before;
            self.unlink(start);
        }
        if behind >= self.end {
            self.end = start;
            return;
        }
        if self.get(behind) & USED == 0 {
            size += self.get(behind) >> SIZE_SHIFT;
            self.unlink(behind);
        }
        self.link(start, size);
    }

    /// Returns how many words a text of this many bytes takes, if its handle has no room for it.
    #[expect(clippy::cast_possible_truncation, reason = "no text is that long")]
    pub(crate) const fn size(len: usize) -> u32 {
        let words = len.div_ceil(WORD_LEN) as u32 + 1;
        if words < BLOCK_MIN { BLOCK_MIN } else { words }
    }

    /// Returns how many words a text takes.
    pub(crate) fn words(&self, text: TextHandle) -> u32 {
        text.block()
            .map_or(0, |block| self.get(block) >> SIZE_SHIFT)
    }

    // ---- blocks ----

    fn get(&self, at: u32) -> u32 {
        self.words.get(at as usize).copied().unwrap_or_default()
    }

    fn set(&mut self, at: u32, word: u32) {
        if let Some(place) = self.words.get_mut(at as usize) {
            *place = word;
        }
    }

    /// Allocates a block of this size. The caller writes its header.
    fn allocate(&mut self, size: u32) -> Option<u32> {
        // The remainder of a larger block must be large enough for a block.
        let class = self
            .first_filled(size, size + 1)
            .or_else(|| self.first_filled(size + BLOCK_MIN, CLASSES));
        if let Some(class) = class {
            let block = self.head(class).checked_sub(1)?;
            let whole = self.get(block) >> SIZE_SHIFT;
            self.unlink(block);
            if whole > size {
                self.link(block + size, whole - size);
            }
            return Some(block);
        }
        let room = self.words.len() - self.end as usize;
        if room < size as usize {
            return None;
        }
        self.end += size;
        Some(self.end - size)
    }

    fn class(size: u32) -> u32 {
        size.min(CLASSES - 1)
    }

    fn head(&self, class: u32) -> u32 {
        self.free.get(class as usize).copied().unwrap_or_default()
    }

    fn set_head(&mut self, class: u32, head: u32) {
        if let Some(place) = self.free.get_mut(class as usize) {
            *place = head;
        }
        if let Some(bits) = self.filled.get_mut(class as usize / 32) {
            let bit = 1 << (class % 32);
            *bits = if head == 0 { *bits & !bit } else { *bits | bit };
        }
    }

    /// Returns the first list from `from` on, and before `to`, that is not empty.
    fn first_filled(&self, from: u32, to: u32) -> Option<u32> {
        let first = from / 32;
        for at in first..CLASSES / 32 {
            let mut bits = self.filled.get(at as usize).copied().unwrap_or_default();
            if at == first {
                bits &= u32::MAX << (from % 32);
            }
            if bits != 0 {
                return Some(at * 32 + bits.trailing_zeros()).filter(|class| *class < to);
            }
        }
        None
    }

    /// Inserts a free block into its list. Its neighbours are used.
    fn link(&mut self, block: u32, size: u32) {
        let class = Self::class(size);
        let next = self.head(class);
        self.set(block, size << SIZE_SHIFT);
        self.set(block + 1, next);
        self.set(block + 2, 0);
        if let Some(next) = next.checked_sub(1) {
            self.set(next + 2, block + 1);
        }
        self.set_head(class, block + 1);
        let flags = if size == BLOCK_MIN {
            BEHIND_FREE | BEHIND_LEAST
        } else {
            self.set(block + size - 1, size);
            BEHIND_FREE
        };
        let behind = self.get(block + size);
        self.set(block + size, behind & !BEHIND_LEAST | flags);
    }

    /// Removes a free block from its list.
    fn unlink(&mut self, block: u32) {
        let size = self.get(block) >> SIZE_SHIFT;
        let (next, before) = (self.get(block + 1), self.get(block + 2));
        if let Some(next) = next.checked_sub(1) {
            self.set(next + 2, before);
        }
        match before.checked_sub(1) {
            Some(before) => self.set(before + 1, next),
            None => self.set_head(Self::class(size), next),
        }
        let behind = self.get(block + size);
        self.set(block + size, behind & !(BEHIND_FREE | BEHIND_LEAST));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    impl TextPool<'_> {
        /// Checks all blocks: sizes and flags match, no two free blocks are neighbours, and the
        /// lists contain all of them.
        fn check(&self) {
            let (mut at, mut before, mut free) = (0, USED, 0);
            while at < self.end {
                let header = self.get(at);
                let size = header >> SIZE_SHIFT;
                let expected = match before {
                    USED => 0,
                    BLOCK_MIN => BEHIND_FREE | BEHIND_LEAST,
                    size => {
                        assert_eq!(self.get(at - 1), size);
                        BEHIND_FREE
                    }
                };
                assert!(size >= BLOCK_MIN);
                assert_eq!(header & (BEHIND_FREE | BEHIND_LEAST), expected);
                assert!(header & USED != 0 || before == USED, "unmerged");
                free += u32::from(header & USED == 0);
                before = if header & USED != 0 { USED } else { size };
                at += size;
            }
            assert_eq!(at, self.end);
            assert_eq!(before, USED, "the last block is used");
            let mut listed = 0;
            for class in 0..CLASSES {
                let (mut link, mut previous) = (self.head(class), 0);
                assert_eq!(
                    self.filled[class as usize / 32] >> (class % 32) & 1 == 1,
                    link != 0
                );
                while let Some(block) = link.checked_sub(1) {
                    assert_eq!(Self::class(self.get(block) >> SIZE_SHIFT), class);
                    assert_eq!(self.get(block + 2), previous);
                    (previous, link) = (link, self.get(block + 1));
                    listed += 1;
                }
            }
            assert_eq!(listed, free);
        }
    }

    fn text(number: usize) -> Vec<u8> {
        let len = number.wrapping_mul(2_654_435_761) >> 5 & 1_023;
        (0..len % 1_001).map(|i| (i + number) as u8).collect()
    }

    #[test]
    fn returns_texts_and_frees_all_memory_in_any_order() {
        let mut words = vec![0; 1_500];
        let mut pool = TextPool::new(&mut words).unwrap();
        let mut stored = VecDeque::new();
        // Miri would take minutes for 400.
        let texts = if cfg!(miri) { 40 } else { 400 };
        for number in 0..texts {
            let text = text(number);
            match pool.store(&text) {
                Some(handle) => stored.push_back((handle, text)),
                None => {
                    // Releases texts from the first, the second or the last third.
                    stored.rotate_left(number % 3 * stored.len() / 3);
                    for (handle, text) in stored.drain(..1 + stored.len() / 4) {
                        assert_eq!(pool.load(handle, &mut [0; LEN_MAX]), text);
                        pool.release(handle);
                    }
                }
            }
            pool.check();
        }
        for (handle, text) in stored {
            assert_eq!(pool.load(handle, &mut [0; LEN_MAX]), text);
            pool.release(handle);
            pool.check();
        }
        assert_eq!(pool.end, 0);
    }

    #[test]
    fn changes_nothing_when_full() {
        let mut words = [0; 12];
        let mut pool = TextPool::new(&mut words).unwrap();
        assert_eq!(pool.store(&[1; 45]), None);
        let whole = pool.store(&[1; 44]).unwrap();
        assert_eq!(pool.store(&[1; 4]), None);
        let short = pool.store(&[7; 3]).unwrap();
        assert_eq!(pool.load(whole, &mut [0; 64]), [1; 44]);
        assert_eq!(pool.load(short, &mut [0; 64]), [7; 3]);
        pool.release(short);
        pool.release(whole);
        assert!(pool.load(TextHandle::VACANT, &mut [0; 64]).is_empty());
        pool.release(TextHandle::VACANT);
        assert_eq!(pool.end, 0);
        let mut none = TextPool::new(&mut []).unwrap();
        assert_eq!(none.store(&[1; 4]), None);
        assert!(none.store(&[1; 3]).is_some());
    }

    #[test]
    fn splits_off_a_block_of_the_least_size() {
        let mut words = [0; 12];
        let mut pool = TextPool::new(&mut words).unwrap();
        let (free, last) = (pool.store(&[1; 32]).unwrap(), pool.store(&[2; 8]));
        assert!(last.is_some(), "the pool is full too early");
        pool.release(free);
        // Nine words are free: six for the first text, and three for the second.
        for text in [&[3; 20][..], &[4; 8]] {
            let handle = pool.store(text).unwrap();
            assert_eq!(pool.load(handle, &mut [0; 64]), text);
            pool.check();
        }
    }

    #[test]
    fn costs_at_most_64_bytes_more_than_the_message() {
        let mut words = vec![0; 2_000];
        let mut pool = TextPool::new(&mut words).unwrap();
        // Free blocks of every size, so that the worst fit occurs.
        let stored: Vec<_> = (4..64)
            .map(|len| pool.store(&vec![1; len]).unwrap())
            .collect();
        stored
            .iter()
            .step_by(2)
            .for_each(|handle| pool.release(*handle));
        let step = if cfg!(miri) { 131 } else { 13 };
        let longer = (81..LEN_MAX).step_by(step).chain([LEN_MAX]);
        for len in (1..=80).chain(longer) {
            let handle = pool.store(&vec![2; len]).unwrap();
            let words = pool.words(handle);
            assert_eq!(
                words,
                if len <= INLINE_LEN {
                    0
                } else {
                    TextPool::size(len)
                }
            );
            let cost = size_of::<crate::MailSlot>() + words as usize * WORD_LEN;
            assert!(cost <= len + 64, "{len} bytes cost {cost}");
            pool.release(handle);
        }
    }
}
