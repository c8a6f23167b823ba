//! The source of every decision of a run: a seed, or the bytes of a fuzzer.

use std::collections::VecDeque;

/// A source of decisions. The same source gives the same run.
pub trait Choices {
    /// Returns 64 bits.
    fn next_u64(&mut self) -> u64;

    /// Returns 64 bits that no other process has.
    fn secret(&mut self) -> u64 {
        self.next_u64()
    }

    /// Returns a number below `bound`; 0 if `bound` is 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// Returns a number from `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Returns true `permille` times in a thousand.
    fn chance(&mut self, permille: u32) -> bool {
        permille != 0 && self.below(1_000) < permille.into()
    }

    /// Returns an index into `len` elements.
    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }
}

/// Decisions from a seed.
#[derive(Clone, Debug)]
pub struct Seeded(fastrand::Rng);

impl Seeded {
    /// Creates the decisions of this seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }
}

impl Choices for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0.u64(..)
    }
}

/// Decisions from bytes, as few as each decision needs. After the last byte a generator with a
/// fixed seed continues, so that short inputs give whole runs, too.
#[derive(Clone, Debug)]
pub struct FromBytes {
    bytes: VecDeque<u8>,
    rest: Seeded,
}

impl FromBytes {
    /// Creates the decisions that `bytes` encode.
    pub fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.iter().copied().collect(),
            rest: Seeded::new(0),
        }
    }

    fn take(&mut self, count: usize) -> Option<u64> {
        (0..count).try_fold(0, |value, _| {
            Some(value << 8 | u64::from(self.bytes.pop_front()?))
        })
    }
}

impl Choices for FromBytes {
    fn next_u64(&mut self) -> u64 {
        self.take(8).unwrap_or_else(|| self.rest.next_u64())
    }

    /// A fuzzer does not choose secrets: two processes with the same secrets break properties that
    /// hold otherwise.
    fn secret(&mut self) -> u64 {
        self.rest.next_u64()
    }

    fn below(&mut self, bound: u64) -> u64 {
        let bits = u64::BITS - bound.saturating_sub(1).leading_zeros();
        let drawn = self
            .take(bits.div_ceil(8) as usize)
            .unwrap_or_else(|| self.rest.next_u64());
        drawn.checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_a_seed_and_differs_from_the_next() {
        let draw = |seed| {
            let mut choices = Seeded::new(seed);
            [(); 4].map(|()| choices.next_u64())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn uses_bytes_sparingly_and_never_runs_out() {
        let mut choices = FromBytes::new(&[3, 1, 2, 9]);
        assert_eq!(choices.below(256), 3);
        assert_eq!(choices.below(1_000), 0x0102);
        assert_eq!(choices.below(10), 9);
        assert!(choices.below(10) < 10, "the generator continues");
        assert_eq!(choices.below(0), 0);
    }

    #[test]
    fn makes_no_secrets_of_bytes() {
        let mut choices = FromBytes::new(&[7; 64]);
        assert_ne!(choices.secret(), choices.secret());
        assert_eq!(choices.next_u64(), 0x0707_0707_0707_0707);
    }

    #[test]
    fn keeps_bounds() {
        let mut choices = Seeded::new(1);
        for _ in 0..1_000 {
            assert!((5..=9).contains(&choices.between(5, 9)));
            assert!(!choices.chance(0));
            assert!(choices.chance(1_000));
        }
    }
}
