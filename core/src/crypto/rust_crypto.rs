//! ChaCha20-Poly1305 (RFC 8439) from the RustCrypto project: pure Rust, for every platform.

use chacha20poly1305::aead::{AeadInOut, KeyInit, inout::InOutBuf};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};

use super::nonce::NONCE_LEN;
use super::{KEY_LEN, TAG_LEN};

/// Encrypts in place; returns the tag.
#[inline(always)]
pub(super) fn seal(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    associated: &[u8],
    text: &mut [u8],
) -> [u8; TAG_LEN] {
    let tag = ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(
        &Nonce::from(*nonce),
        associated,
        InOutBuf::from(text),
    );
    debug_assert!(tag.is_ok(), "only texts of 256 GiB are too long");
    tag.map(Into::into).unwrap_or_default()
}

/// Decrypts in place, or returns `None` if the tag is wrong: then `text` is unchanged.
#[inline(always)]
pub(super) fn open(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    associated: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Option<()> {
    ChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(
            &Nonce::from(*nonce),
            associated,
            InOutBuf::from(text),
            &Tag::from(*tag),
        )
        .ok()
}
