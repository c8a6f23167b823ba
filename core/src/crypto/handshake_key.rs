//! What the sealed parts of handshakes are opened with, for tools that look on.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Identity, KEY_LEN, TAG_LEN};

/// What one sealed part of a handshake was sealed with. Each part has a key of its own and is
/// sealed under the nonce 0. Whoever has it reads that part.
#[derive(Clone, PartialEq, Eq)]
pub struct HandshakeKey {
    /// The key.
    pub key: [u8; KEY_LEN],
    /// The transcript hash up to this part: the associated data.
    pub transcript: [u8; KEY_LEN],
}

impl ZeroizeOnDrop for HandshakeKey {}

impl Drop for HandshakeKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for HandshakeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakeKey(..)")
    }
}

impl HandshakeKey {
    /// Opens the part in place; gives its text. `None` if it was sealed with another key, or
    /// changed.
    pub fn open<'a>(&self, identity: &Identity, part: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (text, tag) = part.split_last_chunk_mut::<TAG_LEN>()?;
        let suite = identity.suite();
        suite.open(&self.key, 0, &self.transcript, text, tag)?;
        Some(text)
    }
}
