//! The error of memory that is too small.

use core::fmt;

/// A slice that was handed in is too small for its part; the documentation of the storage says how long it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageError(pub &'static str);

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the storage for {} is too small", self.0)
    }
}

impl core::error::Error for StorageError {}
