//! Kept texts in chains of 64-byte blocks: a text costs its length and little more, and nothing fragments.

/// One block of the memory for texts: the number of the next block + 1 in four bytes, then 60 bytes of content.
pub type Block = [u8; 64];

const CONTENT_LEN: usize = 60;

fn next(block: &Block) -> u32 {
    let [a, b, c, d, ..] = *block;
    u32::from_le_bytes([a, b, c, d])
}

fn set_next(block: &mut Block, next: u32) {
    if let Some(bytes) = block.first_chunk_mut::<4>() {
        *bytes = next.to_le_bytes();
    }
}

fn content(block: &Block) -> &[u8; CONTENT_LEN] {
    block.last_chunk().unwrap_or(&[0; CONTENT_LEN])
}

/// A chain of blocks that holds one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct Chain {
    /// First block + 1; 0 for no text.
    head: u32,
    len: u16,
}

impl Chain {
    pub(crate) const VACANT: Self = Self { head: 0, len: 0 };
}

/// Blocks handed in by the caller. Untouched blocks are never written before they are needed.
pub(crate) struct Pool<'a> {
    blocks: &'a mut [Block],
    /// First block of the free list + 1.
    free: u32,
    /// Blocks from here on were never used.
    fresh: u32,
    available: u32,
}

impl<'a> Pool<'a> {
    /// `None` if there are more blocks than a `u32` can number.
    pub(crate) fn new(blocks: &'a mut [Block]) -> Option<Self> {
        let available = u32::try_from(blocks.len())
            .ok()
            .filter(|len| *len < u32::MAX)?;
        Some(Self {
            blocks,
            free: 0,
            fresh: 0,
            available,
        })
    }

    fn block(&self, number: u32) -> Option<&Block> {
        self.blocks.get(number.checked_sub(1)? as usize)
    }

    fn block_mut(&mut self, number: u32) -> Option<&mut Block> {
        self.blocks.get_mut(number.checked_sub(1)? as usize)
    }

    fn take(&mut self) -> Option<u32> {
        let number = if self.free != 0 {
            let number = self.free;
            self.free = next(self.block(number)?);
            number
        } else {
            self.fresh += 1;
            self.fresh
        };
        self.available -= 1;
        Some(number)
    }

    /// Stores a text; `None`, and nothing changed, if there are not enough blocks.
    pub(crate) fn store(&mut self, text: &[u8]) -> Option<Chain> {
        let len = u16::try_from(text.len()).ok()?;
        if text.len().div_ceil(CONTENT_LEN) > self.available as usize {
            return None;
        }
        // From the end to the start, so that each block is written once.
        let mut head = 0;
        for piece in text.chunks(CONTENT_LEN).rev() {
            let number = self.take()?;
            let block = self.block_mut(number)?;
            set_next(block, head);
            block
                .iter_mut()
                .skip(4)
                .zip(piece)
                .for_each(|(to, from)| *to = *from);
            head = number;
        }
        Some(Chain { head, len })
    }

    /// Copies a text into `out`; returns what was copied.
    pub(crate) fn load<'b>(&self, chain: Chain, out: &'b mut [u8]) -> &'b [u8] {
        let len = usize::from(chain.len).min(out.len());
        let mut number = chain.head;
        for piece in out
            .get_mut(..len)
            .unwrap_or_default()
            .chunks_mut(CONTENT_LEN)
        {
            let Some(block) = self.block(number) else {
                break;
            };
            piece
                .iter_mut()
                .zip(content(block))
                .for_each(|(to, from)| *to = *from);
            number = next(block);
        }
        out.get(..len).unwrap_or_default()
    }

    /// Gives the blocks of a text back.
    pub(crate) fn release(&mut self, chain: Chain) {
        let mut number = chain.head;
        while let Some(block) = self.block(number) {
            let after = next(block);
            let free = self.free;
            if let Some(block) = self.block_mut(number) {
                set_next(block, free);
            }
            self.free = number;
            self.available += 1;
            number = after;
        }
    }

    #[cfg(test)]
    fn available(&self) -> u32 {
        self.available
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn gives_back_what_it_got_and_every_block() {
        let mut blocks = [[0; 64]; 40];
        let mut pool = Pool::new(&mut blocks).unwrap();
        let mut held = std::collections::VecDeque::new();
        for round in 0..500_usize {
            let text: Vec<u8> = (0..(round * 37) % 1_000)
                .map(|i| (i + round) as u8)
                .collect();
            match pool.store(&text) {
                Some(chain) => held.push_back((chain, text)),
                None => {
                    let (chain, text) =
                        held.pop_front().expect("something fits into an empty pool");
                    assert_eq!(pool.load(chain, &mut [0; 1_000]), text);
                    pool.release(chain);
                }
            }
        }
        for (chain, text) in held {
            assert_eq!(pool.load(chain, &mut [0; 1_000]), text);
            pool.release(chain);
        }
        assert_eq!(pool.available(), 40);
    }

    #[test]
    fn full_is_a_value_and_leaves_nothing_behind() {
        let mut blocks = [[0; 64]; 2];
        let mut pool = Pool::new(&mut blocks).unwrap();
        assert_eq!(pool.store(&[1; 121]), None);
        assert!(pool.store(&[1; 120]).is_some());
        assert_eq!(pool.store(&[1]), None);
        assert!(Pool::new(&mut []).unwrap().store(&[1]).is_none());
    }
}
