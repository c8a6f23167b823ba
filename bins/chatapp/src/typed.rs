//! Typed lines: the commands of the room, and those about keys.

use chatapp_console::{self as console, Input, ParseError, without_mark};

/// Usage of the commands about keys.
const USAGE: &str = "keys verify <name>, or keys verified <name>";
const IGNORE_USAGE: &str = "ignore <name>";
const UNIGNORE_USAGE: &str = "unignore <name>";
const IGNORED_USAGE: &str = "ignored";

/// The lines of `help` about keys.
pub(crate) const HELP: [&str; 5] = [
    "keys verify <name>   show the code that both of you must see alike",
    "keys verified <name> remember that you have compared it",
    "ignore <name>        show no messages of this name, also at later starts",
    "unignore <name>      show the next ones again",
    "ignored              list the names that you ignore",
];

/// The first word of the commands about keys, and the words after it.
pub(crate) const KEYS: &str = "keys";
pub(crate) const ACTIONS: [&str; 2] = ["verify", "verified"];

/// The first words of all commands of this file.
pub(crate) const WORDS: [&str; 4] = [KEYS, IGNORE, UNIGNORE, IGNORED];
pub(crate) const IGNORE: &str = "ignore";
pub(crate) const UNIGNORE: &str = "unignore";
const IGNORED: &str = "ignored";

/// A typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    /// A command of the room, or one that is the same on all devices.
    Room(Input<'a>),
    /// A command about a key.
    Keys(KeyRequest<'a>),
}

/// A command about the key of a name, or about several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRequest<'a> {
    /// Show the safety code with this name.
    Verify(&'a str),
    /// Remember that the safety code with this name was compared.
    Verified(&'a str),
    /// Show no message of the key of this name.
    Ignore(&'a str),
    /// Show the messages of the key of this name again.
    Unignore(&'a str),
    /// List the ignored keys.
    Ignored,
}

/// Parses a typed line without its line end. Returns `None` for a blank line.
///
/// # Errors
/// Returns the advice for a line that is no command.
pub(crate) fn parse(line: &str) -> Result<Option<Request<'_>>, ParseError<'_>> {
    let mut words = without_mark(line).split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let rest = [words.next(), words.next(), words.next()];
    let request = match (first.strip_prefix('/').unwrap_or(first), rest) {
        (KEYS, [Some("verify"), Some(name), None]) => KeyRequest::Verify(name),
        (KEYS, [Some("verified"), Some(name), None]) => KeyRequest::Verified(name),
        (KEYS, _) => return Err(ParseError::Usage(USAGE)),
        (IGNORE, [Some(name), None, None]) => KeyRequest::Ignore(name),
        (IGNORE, _) => return Err(ParseError::Usage(IGNORE_USAGE)),
        (UNIGNORE, [Some(name), None, None]) => KeyRequest::Unignore(name),
        (UNIGNORE, _) => return Err(ParseError::Usage(UNIGNORE_USAGE)),
        (IGNORED, [None, ..]) => KeyRequest::Ignored,
        (IGNORED, _) => return Err(ParseError::Usage(IGNORED_USAGE)),
        _ => return Ok(console::parse(line)?.map(Request::Room)),
    };
    Ok(Some(Request::Keys(request)))
}

/// Returns a line that is a command.
///
/// # Errors
/// Returns a sentence about what is wrong.
pub(crate) fn check(line: &str) -> Result<String, String> {
    match parse(line) {
        Ok(Some(_)) => Ok(line.into()),
        Ok(None) => Err("the command is empty".into()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(line: &str) -> KeyRequest<'_> {
        match parse(line) {
            Ok(Some(Request::Keys(request))) => request,
            other => panic!("{line:?} gives {other:?}"),
        }
    }

    #[test]
    fn reads_commands_about_keys() {
        for line in [
            "keys verify bob",
            "  /keys\tverify bob ",
            "\u{feff}keys verify bob",
        ] {
            assert_eq!(keys(line), KeyRequest::Verify("bob"), "{line:?}");
        }
        assert_eq!(keys("keys verified bob"), KeyRequest::Verified("bob"));
        assert_eq!(keys("ignore bob"), KeyRequest::Ignore("bob"));
        assert_eq!(keys("/unignore bob "), KeyRequest::Unignore("bob"));
        assert_eq!(keys("ignored"), KeyRequest::Ignored);
        assert_eq!(parse("quit"), Ok(Some(Request::Room(Input::Quit))));
        assert_eq!(parse(" "), Ok(None));
    }

    #[test]
    fn shows_usage_for_mistakes() {
        for line in ["keys", "keys verify", "keys verify bob now", "keys show"] {
            assert_eq!(parse(line), Err(ParseError::Usage(USAGE)), "{line}");
        }
        for (line, usage) in [
            ("ignore", IGNORE_USAGE),
            ("ignore bob now", IGNORE_USAGE),
            ("unignore", UNIGNORE_USAGE),
            ("ignored bob", IGNORED_USAGE),
        ] {
            assert_eq!(parse(line), Err(ParseError::Usage(usage)), "{line}");
        }
        assert!(matches!(parse("key"), Err(ParseError::Unknown("key"))));
    }

    #[test]
    fn lists_every_action_in_the_help() {
        for (line, action) in HELP.iter().zip(ACTIONS) {
            assert!(
                line.starts_with(&format!("{KEYS} {action} <name>")),
                "{line}"
            );
        }
    }
}
