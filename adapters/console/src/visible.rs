//! Escapes characters that control or hide in text from peers.

use core::fmt::{self, Write};

use crate::unicode;

/// Text in which every character that controls the display, or hides in it, is escaped: an escape
/// character becomes `\u{1b}`, a tab `\t`. All other characters stay unchanged.
///
/// Joiners and variation selectors are invisible, too, but writing needs them: Persian words, and
/// emoji of several parts. With the feature `unicode`, they stay unchanged where they have an
/// effect: a joiner between two characters of words or emoji, a variation selector behind one.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(pub &'a str);

impl<'a> Visible<'a> {
    /// Returns the columns that the text takes at a terminal.
    pub fn width(self) -> usize {
        unicode::width(self.0)
    }

    /// Returns the characters that are escaped, with their positions in bytes.
    pub fn escaped(self) -> impl Iterator<Item = (usize, char)> + use<'a> {
        unicode::escaped(self.0)
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

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use chatapp_core::drives_display;
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

    #[cfg(feature = "unicode")]
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

    #[cfg(feature = "unicode")]
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

    #[cfg(feature = "unicode")]
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

    #[cfg(feature = "unicode")]
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
