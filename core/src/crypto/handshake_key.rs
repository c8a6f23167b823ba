//! The keys of the encrypted parts of handshakes, for tools that dissect packet captures.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Identity, KEY_LEN, TAG_LEN};

/// The key of one encrypted part of a handshake.
///
/// Each part has a key of its own, and is encrypted under the nonce 0. This key decrypts that part
/// only.
#[derive(Clone, PartialEq, Eq)]
pub struct HandshakeKey {
    /// The AEAD key of this part.
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
    /// Decrypts the part in place and returns its plaintext, or `None` if the part was encrypted
    /// with another key or changed.
    pub fn open<'a>(&self, identity: &Identity, part: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (text, tag) = part.split_last_chunk_mut::<TAG_LEN>()?;
        let suite = identity.suite();
        suite.open(&self.key, 0, &self.transcript, text, tag)?;
        Some(text)
    }
}
