//! Names that people may take in a ChatApp room, by the rules of the field.
//!
//! The core accepts every text of 1 to 32 bytes without white space and control characters. Such
//! names can look like other names, or like lines of the program. A server hands [`is_allowed`] to
//! its [`ServerConfig`](https://docs.rs/chatapp-core). A client passes each typed name through
//! [`normalize`], so that all spellings of a name are one name.
//!
//! A name follows these rules:
//!
//! - RFC 8265, profile `UsernameCasePreserved`: it is in Normalization Form C, without full-width
//!   forms, symbols, and characters that are shown as nothing; writing from right to left follows
//!   RFC 5893.
//! - UTS #39, restriction level "highly restrictive": its characters belong to one script, or are
//!   Latin beside Chinese, Japanese or Korean. Punctuation of ASCII is allowed, too.
//! - It does not read as part of a line of the program: it has no bracket in front and no colon at
//!   the end, and it is not `Channel_Message`.
//!
//! ```
//! assert_eq!(chatapp_names::normalize("Zoe\u{308}").unwrap(), "Zo\u{eb}");
//! assert!(chatapp_names::is_allowed("名前"));
//! // The first character is Cyrillic.
//! assert!(!chatapp_names::is_allowed("\u{430}lice"));
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

use std::borrow::Cow;
use std::fmt;

use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection};

/// The rule that a name breaks. Its [`Display`](fmt::Display) form completes "invalid name: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameProblem {
    /// RFC 8265 forbids a character, or the order of characters from right to left.
    Character,
    /// The characters belong to scripts that people do not mix, or are hardly ever used.
    Scripts,
    /// The name reads as part of a line of the program.
    Line,
}

impl fmt::Display for NameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => {
                "use letters, digits and ASCII punctuation; no symbols or invisible characters"
            }
            Self::Scripts => "use common characters of one script; those of two can look alike",
            Self::Line => "use another first or last character; it reads as part of a line",
        })
    }
}

impl std::error::Error for NameProblem {}

/// Returns the one spelling of a typed name, in Normalization Form C and without full-width forms.
///
/// # Errors
/// Returns the rule that the name breaks.
pub fn normalize(text: &str) -> Result<Cow<'_, str>, NameProblem> {
    let name = UsernameCasePreserved::enforce(text).map_err(|_| NameProblem::Character)?;
    if is_part_of_line(&name) {
        return Err(NameProblem::Line);
    }
    if !has_allowed_scripts(&name) {
        return Err(NameProblem::Scripts);
    }
    Ok(name)
}

/// Returns whether a name follows all rules and is spelled as [`normalize`] spells it.
pub fn is_allowed(name: &str) -> bool {
    normalize(name).is_ok_and(|normal| normal == name)
}

/// Punctuation of ASCII belongs to no script. UTS #39 is about identifiers, which have none.
fn has_allowed_scripts(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    letters.detect_restriction_level() <= RestrictionLevel::HighlyRestrictive
}

/// Lines of the program are `[...]`, `<sender>: <text>` and `Channel_Message <sender>: <text>`; the
/// time of a stored message stands in `<...>`.
fn is_part_of_line(name: &str) -> bool {
    name.starts_with(['[', '<', '>', '$'])
        || name.ends_with(':')
        || name.eq_ignore_ascii_case("Channel_Message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_names_of_many_languages() {
        for name in [
            "x",
            "alice",
            "Alice-2",
            "a|b,c",
            "../x",
            "o'neill",
            "Zoë",
            "名前",
            "ひらカタ漢",
            "한글",
            "Ольга",
            "Ζωή",
            "שלום",
            "محمد",
            "José.Ñ",
            "bob名",
        ] {
            assert!(is_allowed(name), "{name}");
            assert_eq!(normalize(name).unwrap(), name);
        }
    }

    #[test]
    fn has_one_spelling_of_a_name() {
        for (typed, name) in [
            ("Zoe\u{308}", "Zoë"),
            ("ａｌｉｃｅ", "alice"),
            ("ｶﾅ", "カナ"),
        ] {
            assert_eq!(normalize(typed).unwrap(), name);
            assert!(!is_allowed(typed) && is_allowed(name));
        }
    }

    #[test]
    fn refuses_what_looks_like_another_name() {
        use NameProblem::{Character, Scripts};
        for (name, problem) in [
            ("alice\u{fe0f}", Character),
            ("\u{2800}", Character),
            ("alice\u{2800}", Character),
            ("\u{3164}", Character),
            ("alice\u{34f}", Character),
            ("\u{430}lice", Scripts),
            ("al\u{3b9}ce", Scripts),
            ("🦀", Character),
            ("a b", Character),
            ("\u{5d0}a", Character),
        ] {
            assert_eq!(normalize(name), Err(problem), "{name:?}");
        }
    }

    #[test]
    fn refuses_what_looks_like_a_line() {
        for name in [
            "[Server",
            "<2022",
            "alice:",
            "channel_message",
            "Channel_Message",
            "$",
        ] {
            assert_eq!(normalize(name), Err(NameProblem::Line), "{name}");
        }
        assert!(is_allowed("alice:bob") && is_allowed("al[ice"));
    }
}
