//! Escapes control characters in text from peers.

use core::fmt::{self, Write};

use chatapp_core::drives_display;

/// Text in which every character that controls the display is escaped: an escape character becomes
/// `\u{1b}`, a tab `\t`. All other characters stay unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(pub &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, character)) = rest.char_indices().find(|&(_, c)| drives_display(c)) {
            let (harmless, from_there) = rest.split_at(at);
            f.write_str(harmless)?;
            for escaped in character.escape_default() {
                f.write_char(escaped)?;
            }
            rest = &from_there[character.len_utf8()..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

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
    fn leaves_no_control_character() {
        let all = (0..=0x10_ffff).filter_map(char::from_u32);
        let text: std::string::String = all.collect();
        assert!(!Visible(&text).to_string().contains(drives_display));
    }
}
