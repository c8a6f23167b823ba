//! Escapes characters that control or hide in text from peers.

use core::fmt::{self, Write};

use chatapp_core::drives_display;

/// Text in which every character that controls the display, or hides in it, is escaped: an escape
/// character becomes `\u{1b}`, a tab `\t`. All other characters stay unchanged.
///
/// Joiners and variation selectors are invisible, too, but writing needs them: Persian words, and
/// emoji of several parts. They stay unchanged where they have an effect: a joiner between two
/// characters of words or emoji, a variation selector behind one.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(pub &'a str);

impl<'a> Visible<'a> {
    /// Returns the columns that the text takes at a terminal.
    pub fn width(self) -> usize {
        let (mut width, mut counted) = (0, 0);
        for (at, character) in self.escaped() {
            let before = self.0.get(counted..at).unwrap_or_default();
            width += columns_of(before) + character.escape_default().len();
            counted = at + character.len_utf8();
        }
        width + columns_of(self.0.get(counted..).unwrap_or_default())
    }

    /// Returns the characters that are escaped, with their positions in bytes.
    pub fn escaped(self) -> impl Iterator<Item = (usize, char)> + use<'a> {
        let mut rest = self.0.char_indices().peekable();
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
}

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = 0;
        for (at, character) in self.escaped() {
            f.write_str(self.0.get(written..at).unwrap_or_default())?;
            for escaped in character.escape_default() {
                f.write_char(escaped)?;
            }
            written = at + character.len_utf8();
        }
        f.write_str(self.0.get(written..).unwrap_or_default())
    }
}

/// Returns the columns of text without escaped characters.
#[cfg(feature = "unicode-width")]
fn columns_of(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// Counts each character as one column: no table tells wide characters apart.
#[cfg(not(feature = "unicode-width"))]
fn columns_of(text: &str) -> usize {
    text.chars().count()
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

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::{String, ToString};

    #[test]
    fn escapes_only_control_characters() {
        for (sent, shown) in [
            ("plain  text, Zoë, 名前 🦀", "plain  text, Zoë, 名前 🦀"),
            ("\u{1b}[2Jgone", r"\u{1b}[2Jgone"),
            ("a\tb\rc\nd", r"a\tb\rc\nd"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("\u{202e}txt.exe\u{7f}", r"\u{202e}txt.exe\u{7f}"),
            ("", ""),
        ] {
            assert_eq!(Visible(sent).to_string(), shown);
        }
    }

    #[test]
    fn shows_joiners_where_writing_needs_them() {
        for text in [
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "Auf\u{200c}lage",
            "👩\u{200d}💻 👩\u{1f3fd}\u{200d}🚀",
            "👁\u{fe0f}\u{200d}🗨\u{fe0f} ❤\u{fe0f} 1\u{fe0f}\u{20e3}",
            "葛\u{e0100}城 ᠠ\u{180b}",
        ] {
            assert_eq!(Visible(text).to_string(), text);
        }
    }

    #[test]
    fn escapes_joiners_that_only_hide() {
        for (sent, shown) in [
            ("\u{200d}a", r"\u{200d}a"),
            ("a \u{200c}b", r"a \u{200c}b"),
            ("a\u{200c}", r"a\u{200c}"),
            ("a\u{200c}\u{200d}b", r"a\u{200c}\u{200d}b"),
            ("a\u{200d}\u{202e}b", r"a\u{200d}\u{202e}b"),
            ("🦀\u{200d}\u{fe0f}", r"🦀\u{200d}\u{fe0f}"),
            ("alice\u{fe0f}: hi", r"alice\u{fe0f}: hi"),
            ("1\u{fe0f} 2", r"1\u{fe0f} 2"),
            ("❤\u{fe0f}\u{fe0f}", r"❤️\u{fe0f}"),
        ] {
            assert_eq!(Visible(sent).to_string(), shown);
        }
    }

    #[test]
    fn escapes_all_that_is_shown_as_nothing() {
        for hidden in [
            '\u{34f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180e}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0061}',
            '\u{e0fff}',
            '\u{2065}',
        ] {
            let sent = String::from_iter(['名', hidden, '前']);
            let shown = std::format!("名{}前", hidden.escape_default());
            assert_eq!(Visible(&sent).to_string(), shown);
        }
    }

    #[test]
    fn counts_columns_as_a_terminal_does() {
        for (text, columns) in [
            ("alice", 5),
            ("Zoë", 3),
            ("Zoe\u{308}", 3),
            ("名前", 4),
            ("🦀", 2),
            ("ｱ", 1),
            ("한글", 4),
            ("a\u{fe0f}b", 10),
            ("", 0),
        ] {
            assert_eq!(Visible(text).width(), columns, "{text}");
        }
    }

    #[test]
    fn leaves_no_control_character() {
        let all = (0..=0x10_ffff).filter_map(char::from_u32);
        let text: String = all.collect();
        assert!(!Visible(&text).to_string().contains(drives_display));
    }
}
