//! Lengths of keys and tags.

/// Bytes of a key of any kind.
pub const KEY_LEN: usize = 32;
/// Bytes of an AEAD tag, and of a reset token.
pub const TAG_LEN: usize = 16;
/// Bytes of the id of a medium-term key in front of an encrypted text. Without the feature
/// `medium-keys`, no message has one.
pub const MEDIUM_ID_LEN: usize = if cfg!(feature = "medium-keys") { 2 } else { 0 };
