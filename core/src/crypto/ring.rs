//! ChaCha20-Poly1305 (RFC 8439) from `ring`.
//!
//! It is written in assembly, uses the vector instructions that it detects at run time, and needs a
//! C compiler to build. Its results equal those of the other implementation, byte for byte.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey};

use super::nonce::NONCE_LEN;
use super::{KEY_LEN, TAG_LEN};

/// Returns the cipher of a key. A session stores its keys as bytes, and this costs a copy only:
/// ChaCha20 has no key schedule.
fn cipher(key: &[u8; KEY_LEN]) -> Option<LessSafeKey> {
    let cipher = UnboundKey::new(&CHACHA20_POLY1305, key).ok();
    debug_assert!(cipher.is_some(), "a key of 32 bytes is valid");
    cipher.map(LessSafeKey::new)
}

/// Encrypts in place; returns the tag.
#[inline(always)]
pub(super) fn seal(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    associated: &[u8],
    text: &mut [u8],
) -> [u8; TAG_LEN] {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let tag = cipher(key).and_then(|cipher| {
        let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(associated), text);
        tag.ok()?.as_ref().first_chunk().copied()
    });
    debug_assert!(tag.is_some(), "only texts of 256 GiB are too long");
    tag.unwrap_or_default()
}

/// Decrypts in place, or returns `None` if the tag is wrong: then `text` is zeros.
#[inline(always)]
pub(super) fn open(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    associated: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Option<()> {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let (associated, tag) = (Aad::from(associated), Tag::from(*tag));
    let decrypted = cipher(key)?.open_in_place_separate_tag(nonce, associated, tag, text, 0..);
    decrypted.is_ok().then_some(())
}
