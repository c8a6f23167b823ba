//! The null cipher, for simulators: it encrypts nothing.
//!
//! It has all steps of the real ciphers, with the same lengths, at the cost of a hash. It detects
//! accidental damage and wrong keys. An attacker can read and forge everything.

use core::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::{KEY_LEN, TAG_LEN};

/// Returns a hash of all parts, concatenated. It is not collision-resistant.
pub(super) fn hash(parts: &[&[u8]]) -> [u8; KEY_LEN] {
    let mut out = [0; KEY_LEN];
    for (half, salt) in out.chunks_exact_mut(TAG_LEN).zip(1..) {
        let mut hasher = SipHasher24::new_with_keys(salt, 0);
        parts.iter().for_each(|part| hasher.write(part));
        let digest = hasher.finish128().as_bytes();
        half.iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
    }
    out
}

/// Returns the public half of a private key.
pub(super) fn public(private: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    without_mark(hash(&[b"public", private]))
}

/// Clears the highest bit, which means nothing in a key, as in X25519.
fn without_mark(mut key: [u8; KEY_LEN]) -> [u8; KEY_LEN] {
    if let Some(last) = key.last_mut() {
        *last &= 0x7f;
    }
    key
}

/// Returns the same secret on both sides.
pub(super) fn shared(private: &[u8; KEY_LEN], remote: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    let mut both = public(private);
    both.iter_mut()
        .zip(remote)
        .for_each(|(one, other)| *one ^= other);
    hash(&[b"shared", &without_mark(both)])
}

/// Returns a keyed hash of all parts, concatenated.
pub(super) fn hmac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; KEY_LEN] {
    hash(&[b"keyed", key, &hash(parts)])
}

/// Returns the tag of a text, which stays as it is.
pub(super) fn tag(
    key: &[u8; KEY_LEN],
    nonce: u64,
    associated: &[u8],
    text: &[u8],
) -> [u8; TAG_LEN] {
    let mut hasher = SipHasher24::new_with_key(key.first_chunk().unwrap_or(&[0; TAG_LEN]));
    hasher.write(&nonce.to_le_bytes());
    hasher.write(&[associated.len() as u8]);
    hasher.write(associated);
    hasher.write(text);
    hasher.finish128().as_bytes()
}
