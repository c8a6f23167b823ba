//! Columns and escapes without tables: the feature `unicode` is off.

use chatapp_core::drives_display;

/// Counts each character as one column: no table tells wide characters apart.
pub(crate) fn width(text: &str) -> usize {
    let escapes = escaped(text).map(|(_, escaped)| escaped.escape_default().len() - 1);
    text.chars().count() + escapes.sum::<usize>()
}

/// Returns the characters that are escaped, with their positions in bytes. Joiners are among them:
/// no table tells which writing needs them.
pub(crate) fn escaped(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices()
        .filter(|(_, character)| drives_display(*character))
}
