//! Names of clients.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use crate::limits::NAME_LEN_MAX;

/// A valid name: 1 to 32 bytes of UTF-8 without white space, control or invisible formatting
/// characters.
///
/// A comparison includes the zeros behind the name, which is fast: the alignment lets it compare
/// whole words.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[cfg_attr(target_pointer_width = "64", repr(align(8)))]
pub struct Name {
    bytes: [u8; NAME_LEN_MAX],
    len: u8,
}

/// The reason why a string is not a valid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The string is empty.
    Empty,
    /// The string has this many bytes, more than [`NAME_LEN_MAX`].
    TooLong(usize),
    /// The string contains white space, or a control or invisible formatting character.
    BadCharacter,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name needs at least one character"),
            Self::TooLong(len) => {
                write!(
                    f,
                    "a name has at most {NAME_LEN_MAX} bytes, this one has {len}"
                )
            }
            Self::BadCharacter => {
                f.write_str("a name has no white space, control or invisible characters")
            }
        }
    }
}

impl core::error::Error for NameError {}

/// Returns whether a character can move, hide or reorder other text on a display.
///
/// These are C0, C1 and DEL, zero-width and bidirectional formatting characters, line and paragraph
/// separators, and the byte-order mark. Names never contain them. A program that shows text of
/// others must make them visible.
pub const fn drives_display(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Returns whether a character has the property `White_Space` of Unicode, as far as
/// [`drives_display`] does not have it. The list is written out, so that the Unicode version of the
/// compiler never decides whether a name is valid; the tables of `core` take more flash as well.
const fn is_blank(character: char) -> bool {
    matches!(
        character,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

impl Name {
    /// No name: the content of a vacant slot. It is never on the wire.
    pub(crate) const VACANT: Self = Self {
        bytes: [0; NAME_LEN_MAX],
        len: 0,
    };

    /// Checks and copies a name.
    ///
    /// # Errors
    /// Returns the rule that `text` breaks.
    //= PROTOCOL.md#2.3
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.chars().any(|c| is_blank(c) || drives_display(c)) {
            return Err(NameError::BadCharacter);
        }
        let mut name = Self::VACANT;
        let place = name.bytes.get_mut(..text.len());
        let (Some(place), Ok(len)) = (place, u8::try_from(text.len())) else {
            return Err(NameError::TooLong(text.len()));
        };
        place
            .iter_mut()
            .zip(text.bytes())
            .for_each(|(to, from)| *to = from);
        name.len = len;
        Ok(name)
    }

    /// Returns the name as bytes of UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Returns the name as a string.
    pub fn as_str(&self) -> &str {
        let whole = core::str::from_utf8(&self.bytes).unwrap_or_default();
        whole.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Names have the order of strings: by their bytes.
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_common_names() {
        for good in [
            "x",
            "alice",
            "Zoë",
            "名前",
            "../x",
            "a|b,c",
            &"n".repeat(32),
        ] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    //= PROTOCOL.md#2.3
    fn refuses_every_white_space() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let mut name = [b'a'; 8];
            let len = character.encode_utf8(&mut name[1..]).len();
            let name = core::str::from_utf8(&name[..=len]).unwrap();
            let refused = Name::new(name) == Err(NameError::BadCharacter);
            assert_eq!(
                refused,
                character.is_whitespace() || drives_display(character),
                "{character:?}"
            );
        }
    }

    #[test]
    fn differs_from_its_prefix() {
        let name = |text| Name::new(text).unwrap();
        assert_eq!(name("ann"), name("ann"));
        assert_ne!(name("ann"), name("anna"));
        assert_ne!(name("ann"), Name::VACANT);
    }

    #[test]
    //= PROTOCOL.md#2.3
    fn refuses_with_a_reason() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new(&"é".repeat(17)), Err(NameError::TooLong(34)));
        for bad in [
            "a b",
            "a\tb",
            "a\u{a0}b",
            "a\u{1b}[2J",
            "\u{202e}evil",
            "a\u{200b}",
            "a\n",
        ] {
            assert_eq!(Name::new(bad), Err(NameError::BadCharacter), "{bad:?}");
        }
    }
}
