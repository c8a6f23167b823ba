//! The error of memory that does not fit.

use core::fmt;

/// A slice that was handed in is too small for its part, or larger than the part can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageError {
    /// The field of the storage.
    pub part: &'static str,
    /// How many cells are needed; if more were given, how many can be used at most.
    pub needed: usize,
    /// How many cells were given.
    pub given: usize,
}

impl StorageError {
    /// Describes a part that was given so many cells, and needs so many.
    pub(crate) const fn new(part: &'static str, given: usize, needed: usize) -> Self {
        Self {
            part,
            needed,
            given,
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            needed,
            given,
        } = self;
        let (wrong, verb) = if given < needed {
            ("small", "needed")
        } else {
            ("large", "usable")
        };
        write!(
            f,
            "the storage for {part} is too {wrong}: {needed} cells are {verb}, {given} were given"
        )
    }
}

impl core::error::Error for StorageError {}
