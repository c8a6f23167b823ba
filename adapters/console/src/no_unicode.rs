//! Columns and escapes without tables: the feature `unicode` is off.

use chatapp_core::drives_display;

/// Counts each character as one column: no table tells wide characters apart.
pub(crate) fn columns_of(text: &str) -> usize {
    text.chars().count()
}

/// Returns whether a character must be escaped. Joiners must, since no table tells which letters
/// need them.
pub(crate) const fn is_harmful(_: Option<char>, character: char, _: Option<char>) -> bool {
    drives_display(character)
}
