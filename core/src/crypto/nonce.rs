//! The nonces of ChaCha20-Poly1305.

/// Length of a nonce in bytes (RFC 8439).
pub(super) const NONCE_LEN: usize = 12;

/// Returns the nonce of a counter: four zero bytes, then the counter (Noise, section 12.3).
pub(super) fn nonce(counter: u64) -> [u8; NONCE_LEN] {
    let [a, b, c, d, e, f, g, h] = counter.to_le_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}
