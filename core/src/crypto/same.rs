//! Comparison of secrets in constant time.

use super::sizes::TAG_LEN;

/// Returns whether two secrets are equal, in constant time: it compares all bytes in any case.
pub(crate) fn is_same(one: &[u8; TAG_LEN], other: &[u8; TAG_LEN]) -> bool {
    one.iter()
        .zip(other)
        .fold(0, |differs, (a, b)| differs | (a ^ b))
        == 0
}
