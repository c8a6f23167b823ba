//! The error of storage with the wrong size.

use core::fmt;

/// A part of the storage is too small, or larger than usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageError {
    /// Name of the field of the storage.
    pub part: &'static str,
    /// Number of cells that the part needs or, if more were given, the most that it can use.
    pub needed: usize,
    /// Number of cells that were given.
    pub given: usize,
}

impl StorageError {
    /// Describes a part that has `given` cells, and needs `needed`.
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
