//! The nonces of ChaCha20-Poly1305.

/// Returns the nonce of a counter: four zero bytes, then the counter (Noise, section 12.3).
pub(super) fn nonce(counter: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = counter.to_le_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}
