//! Why a key is not ignored, or why that is not remembered.

use std::fmt;

use chatapp_core::IgnoreError;

use super::known_keys::KeyError;

/// Keys that a client can ignore. Each message is compared with all of them.
pub(super) const IGNORED_MAX: usize = 256;

/// Why a command about ignored keys failed.
#[derive(Debug)]
pub(super) enum IgnoringError {
    /// No key of the name is known.
    NoKey,
    /// The name is the client's own.
    OwnName,
    /// There is no room for another key.
    Full,
    /// No key with the name is ignored.
    NotIgnored,
    /// It is done, but the next process does not know of it.
    Memory(KeyError),
}

impl From<IgnoreError> for IgnoringError {
    fn from(error: IgnoreError) -> Self {
        match error {
            IgnoreError::OwnName => Self::OwnName,
            IgnoreError::Full => Self::Full,
            _ => Self::NoKey,
        }
    }
}

impl IgnoringError {
    /// Returns the word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::OwnName => "own_name",
            Self::Full => "ignored_full",
            Self::NotIgnored => "not_ignored",
            Self::Memory(error) => error.word(),
        }
    }
}

impl fmt::Display for IgnoringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("no key of this name is known"),
            Self::OwnName => f.write_str("that is your own name"),
            Self::Full => write!(f, "you ignore {IGNORED_MAX} keys: unignore one first"),
            Self::NotIgnored => f.write_str("this name is not ignored"),
            Self::Memory(error) => write!(f, "done until this program ends: {error}"),
        }
    }
}
