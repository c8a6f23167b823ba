//! Lengths of keys and tags.

/// Bytes of a key of any kind.
pub const KEY_LEN: usize = 32;
/// Bytes that prove that something was sealed with a key.
pub const TAG_LEN: usize = 16;
