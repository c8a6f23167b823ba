//! Lengths of keys and tags.

/// Bytes of a key of any kind.
pub const KEY_LEN: usize = 32;
/// Bytes of an AEAD tag, and of a reset token.
pub const TAG_LEN: usize = 16;
