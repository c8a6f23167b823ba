//! Comparison of secrets.

use super::sizes::TAG_LEN;

/// Whether two secrets are the same; all bytes are looked at, whatever they are.
pub(crate) fn is_same(one: &[u8; TAG_LEN], other: &[u8; TAG_LEN]) -> bool {
    one.iter()
        .zip(other)
        .fold(0, |differs, (a, b)| differs | (a ^ b))
        == 0
}
