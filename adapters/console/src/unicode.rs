//! Columns and escapes by the properties of Unicode.

use chatapp_core::drives_display;
use unicode_width::UnicodeWidthStr;

/// Returns the columns that a text takes at a terminal.
pub(crate) fn width(text: &str) -> usize {
    let (mut width, mut counted) = (0, 0);
    for (at, character) in escaped(text) {
        let before = text.get(counted..at).unwrap_or_default();
        width += before.width() + character.escape_default().len();
        counted = at + character.len_utf8();
    }
    width + text.get(counted..).unwrap_or_default().width()
}

/// Returns the characters that are escaped, with their positions in bytes.
pub(crate) fn escaped(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut rest = text.char_indices().peekable();
    let mut shown_before = None;
    core::iter::from_fn(move || {
        loop {
            let (at, character) = rest.next()?;
            let after = rest.peek().map(|(_, after)| *after);
            if is_harmful(shown_before, character, after) {
                shown_before = None;
                return Some((at, character));
            }
            shown_before = Some(character);
        }
    })
}

/// Returns whether a character between these two must be escaped. `before` is `None` behind an
/// escaped character.
fn is_harmful(before: Option<char>, character: char, after: Option<char>) -> bool {
    if is_joiner(character) {
        let joins = before.is_some_and(|before| is_base(before) || is_selector(before));
        return !(joins && after.is_some_and(is_base));
    }
    if is_selector(character) {
        let is_keycap = after == Some('\u{20e3}');
        return !before.is_some_and(|before| match before {
            '0'..='9' | '#' | '*' => is_keycap,
            _ => !before.is_ascii() && is_base(before),
        });
    }
    drives_display(character) || is_ignorable(character)
}

/// Returns whether a character may have a joiner beside it: a visible part of a word or an emoji.
/// Tables of alphabets would weigh more than the whole console, so this takes all that is not
/// ASCII.
fn is_base(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic();
    }
    !(character.is_whitespace()
        || is_selector(character)
        || drives_display(character)
        || is_ignorable(character))
}

/// Zero width non-joiner and joiner.
const fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// Variation selectors: Mongolian ones, those of emoji, those of ideographs.
const fn is_selector(character: char) -> bool {
    matches!(character,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// The other characters with the property `Default_Ignorable_Code_Point` of Unicode, as far as
/// [`drives_display`] does not have them: terminals show nothing for them.
const fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{34f}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}')
}
