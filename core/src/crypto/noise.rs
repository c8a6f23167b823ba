//! X25519 and BLAKE2s, from the dalek and RustCrypto projects.

use blake2::{Blake2s256, Digest};
use hmac::{KeyInit, Mac, SimpleHmac};
#[cfg(feature = "wipe-stack")]
use zeroize::Zeroize;

use super::KEY_LEN;

/// The depth of a handshake: 4 KiB on a machine of 64 bits, 2 KiB on one of 32. Frames are larger
/// in builds for debugging.
#[cfg(feature = "wipe-stack")]
const STACK_WORDS: usize = if cfg!(debug_assertions) { 1_024 } else { 512 };

/// Overwrites the stack below the caller: primitives and moves of values leave copies of keys
/// there.
#[cfg(feature = "wipe-stack")]
#[inline(never)]
pub(super) fn wipe_stack() {
    let mut words = [0_usize; STACK_WORDS];
    words.zeroize();
}

#[cfg(not(feature = "wipe-stack"))]
pub(super) const fn wipe_stack() {}

/// Returns the X25519 public key of a private key.
pub(super) fn public(private: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    x25519_dalek::x25519(*private, x25519_dalek::X25519_BASEPOINT_BYTES)
}

/// Returns the X25519 shared secret, or `None` if it is zero, as with a point of low order
/// (RFC 7748, section 6.1).
//= PROTOCOL.md#4.3
pub(super) fn shared(private: &[u8; KEY_LEN], public: &[u8; KEY_LEN]) -> Option<[u8; KEY_LEN]> {
    let shared = x25519_dalek::x25519(*private, *public);
    // In constant time: a comparison could end at the first byte that is not zero.
    let any = shared.iter().fold(0, |any, byte| any | byte);
    (any != 0).then_some(shared)
}

/// Returns the BLAKE2s-256 hash of all parts, concatenated.
pub(super) fn hash(parts: &[&[u8]]) -> [u8; KEY_LEN] {
    let mut hasher = Blake2s256::new();
    parts.iter().for_each(|part| hasher.update(part));
    let mut hash = [0; KEY_LEN];
    hasher.finalize_into((&mut hash).into());
    hash
}

/// Returns HMAC (RFC 2104) with BLAKE2s of all parts, as Noise specifies it.
pub(super) fn hmac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; KEY_LEN] {
    let mut mac = SimpleHmac::<Blake2s256>::new(
        &blake2::digest::Key::<SimpleHmac<Blake2s256>>::from(padded_to_block(key)),
    );
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Pads a key with zeros to the length of a block, as HMAC itself does.
fn padded_to_block(key: &[u8; KEY_LEN]) -> [u8; 64] {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    block
}
