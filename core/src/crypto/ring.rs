//! ChaCha20-Poly1305 (RFC 8439) from `ring`: assembly with the vector instructions that the
//! processor turns out to have, which needs a C compiler to build. What it gives is, byte for byte,
//! what the other implementation gives.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey};

use super::nonce::nonce;
use super::{KEY_LEN, TAG_LEN};

/// Sessions keep their keys as bytes. To make this of them is a copy: ChaCha20 has no key schedule.
fn cipher(key: &[u8; KEY_LEN]) -> Option<LessSafeKey> {
    let cipher = UnboundKey::new(&CHACHA20_POLY1305, key).ok();
    debug_assert!(cipher.is_some(), "the key is as long as its type says");
    cipher.map(LessSafeKey::new)
}

pub(super) fn seal(
    key: &[u8; KEY_LEN],
    counter: u64,
    associated: &[u8],
    text: &mut [u8],
) -> [u8; TAG_LEN] {
    let nonce = Nonce::assume_unique_for_key(nonce(counter));
    let sealed = cipher(key).and_then(|cipher| {
        let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(associated), text);
        tag.ok()?.as_ref().first_chunk().copied()
    });
    debug_assert!(sealed.is_some(), "only texts of 256 GiB are too long");
    sealed.unwrap_or_default()
}

/// Decrypts before it knows whether the tag fits; if it does not, `text` is zeros.
pub(super) fn open(
    key: &[u8; KEY_LEN],
    counter: u64,
    associated: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Option<()> {
    let nonce = Nonce::assume_unique_for_key(nonce(counter));
    let (associated, tag) = (Aad::from(associated), Tag::from(*tag));
    let opened = cipher(key)?.open_in_place_separate_tag(nonce, associated, tag, text, 0..);
    opened.is_ok().then_some(())
}
