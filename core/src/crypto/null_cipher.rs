//! A null cipher that hides nothing, for simulators: every step of the real thing in size and meaning,
//! at the cost of a hash. It finds accidental damage and wrong keys; an attacker who knows it reads
//! and forges everything.

use core::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::{KEY_LEN, TAG_LEN};

pub(super) fn hash(parts: &[&[u8]]) -> [u8; KEY_LEN] {
    let mut out = [0; KEY_LEN];
    for (half, salt) in out.chunks_exact_mut(TAG_LEN).zip(1..) {
        let mut hasher = SipHasher24::new_with_keys(salt, 0);
        parts.iter().for_each(|part| hasher.write(part));
        let made = hasher.finish128().as_bytes();
        half.iter_mut().zip(made).for_each(|(to, from)| *to = from);
    }
    out
}

pub(super) fn public(private: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    hash(&[b"public", private])
}

/// The same for both sides, whichever has which half.
pub(super) fn shared(private: &[u8; KEY_LEN], theirs: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    let mut both = public(private);
    both.iter_mut()
        .zip(theirs)
        .for_each(|(one, other)| *one ^= other);
    hash(&[b"shared", &both])
}

pub(super) fn hmac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; KEY_LEN] {
    hash(&[b"keyed", key, &hash(parts)])
}

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
