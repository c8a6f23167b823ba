//! The curve and the hashes, from the RustCrypto and dalek projects.

use blake2::{Blake2s256, Digest};
use hmac::{KeyInit, Mac, SimpleHmac};

use super::KEY_LEN;

pub(super) fn public(private: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    x25519_dalek::x25519(*private, x25519_dalek::X25519_BASEPOINT_BYTES)
}

/// X25519. An all-zero result, from a point of low order, is refused (RFC 7748, section 6.1).
//= PROTOCOL.md#4.3
pub(super) fn shared(private: &[u8; KEY_LEN], public: &[u8; KEY_LEN]) -> Option<[u8; KEY_LEN]> {
    let shared = x25519_dalek::x25519(*private, *public);
    // All bytes are looked at, whatever they are.
    let any = shared.iter().fold(0, |any, byte| any | byte);
    (any != 0).then_some(shared)
}

pub(super) fn hash(parts: &[&[u8]]) -> [u8; KEY_LEN] {
    let mut hasher = Blake2s256::new();
    parts.iter().for_each(|part| hasher.update(part));
    let mut hash = [0; KEY_LEN];
    hasher.finalize_into((&mut hash).into());
    hash
}

/// HMAC (RFC 2104) with BLAKE2s, as Noise wants it, of all parts.
pub(super) fn hmac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; KEY_LEN] {
    let mut mac = SimpleHmac::<Blake2s256>::new(
        &blake2::digest::Key::<SimpleHmac<Blake2s256>>::from(widened(key)),
    );
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// A key as long as a block: the zeros mean nothing to HMAC.
fn widened(key: &[u8; KEY_LEN]) -> [u8; 64] {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    block
}
