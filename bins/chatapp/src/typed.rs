//! Typed lines: the commands of the room, and those about keys.

use chatapp_console::{self as console, Input, ParseError, without_mark};

/// Usage of the commands about keys.
const USAGE: &str = "keys verify <name>, or keys verified <name>";

/// The lines of `help` about keys.
pub(crate) const HELP: [&str; 2] = [
    "keys verify <name>   show the code that both of you must see alike",
    "keys verified <name> remember that you have compared it",
];

/// The first word of the commands about keys, and the words after it.
pub(crate) const KEYS: &str = "keys";
pub(crate) const ACTIONS: [&str; 2] = ["verify", "verified"];

/// A typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    /// A command of the room, or one that is the same on all devices.
    Room(Input<'a>),
    /// Show the safety code with this name.
    Verify(&'a str),
    /// Remember that the safety code with this name was compared.
    Verified(&'a str),
}

/// Parses a typed line without its line end. Returns `None` for a blank line.
///
/// # Errors
/// Returns the advice for a line that is no command.
pub(crate) fn parse(line: &str) -> Result<Option<Request<'_>>, ParseError<'_>> {
    let mut words = without_mark(line).split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    if first.strip_prefix('/').unwrap_or(first) != KEYS {
        return Ok(console::parse(line)?.map(Request::Room));
    }
    match (words.next(), words.next(), words.next()) {
        (Some("verify"), Some(name), None) => Ok(Some(Request::Verify(name))),
        (Some("verified"), Some(name), None) => Ok(Some(Request::Verified(name))),
        _ => Err(ParseError::Usage(USAGE)),
    }
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

    #[test]
    fn reads_commands_about_keys() {
        for line in [
            "keys verify bob",
            "  /keys\tverify bob ",
            "\u{feff}keys verify bob",
        ] {
            assert_eq!(parse(line), Ok(Some(Request::Verify("bob"))), "{line:?}");
        }
        let verified = Ok(Some(Request::Verified("bob")));
        assert_eq!(parse("keys verified bob"), verified);
        assert_eq!(parse("quit"), Ok(Some(Request::Room(Input::Quit))));
        assert_eq!(parse(" "), Ok(None));
    }

    #[test]
    fn shows_usage_for_mistakes() {
        for line in ["keys", "keys verify", "keys verify bob now", "keys show"] {
            assert_eq!(parse(line), Err(ParseError::Usage(USAGE)), "{line}");
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
