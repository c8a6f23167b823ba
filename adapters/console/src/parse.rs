//! Parses a typed line as a command.

use core::fmt;

use chatapp_core::Command;

use crate::Visible;
use crate::suggest::suggestion;

/// Result of parsing a typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A command for the client's state machine.
    Command(Command<'a>),
    /// Show the lines of [`HELP`].
    Help,
    /// Show the table of clients.
    Table,
    /// Complete pending commands, leave the room and end.
    Quit,
}

/// Error of a typed line; its [`Display`](fmt::Display) form is a line with advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError<'a> {
    /// There is no such command.
    Unknown(&'a str),
    /// An argument is missing or superfluous; the string is the usage.
    Usage(&'static str),
}

impl fmt::Display for ParseError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unknown(word) => {
                let end = word.char_indices().nth(WORD_LEN_SHOWN);
                let shown = end.and_then(|(end, _)| word.get(..end)).unwrap_or(word);
                let more = if shown.len() < word.len() { "…" } else { "" };
                write!(f, "[There is no command {}{more}.", Visible(shown))?;
                if let Some(command) = suggestion(word) {
                    write!(f, " Did you mean {command}?")?;
                }
                f.write_str(" Type help to see all commands.]")
            }
            Self::Usage(usage) => write!(f, "[Usage: {usage}]"),
        }
    }
}

impl core::error::Error for ParseError<'_> {}

/// Number of characters of an unknown word that the error shows.
const WORD_LEN_SHOWN: usize = 20;

const SEND: &str = "send <name> <text>";
const SEND_ALL: &str = "send_all <text>";
const REG: &str = "reg <name>";
const DEREG: &str = "dereg <name>";

/// The lines that `help` shows.
pub const HELP: [&str; 7] = [
    "send <name> <text>   send a message to one name; it is stored if the name is offline",
    "send_all <text>      send a message to everyone in the room",
    "dereg <name>         leave the room under your own name; messages are stored",
    "reg <name>           return under your own name, and receive stored messages",
    "table                show who is in the room",
    "quit                 finish pending commands, leave the room and end",
    "help                 show this",
];

/// Parses a typed line without its line end. Returns `None` for a blank line.
///
/// A text begins one blank after the command or name, and keeps all further blanks. A command may
/// begin with a slash, as in other chat programs; then some of their names are understood too. A
/// byte order mark in front is skipped: a script begins with one if an editor put it there.
///
/// # Errors
/// Returns [`ParseError`] with advice. The client decides whether a name or text is valid.
pub fn parse(line: &str) -> Result<Option<Input<'_>>, ParseError<'_>> {
    let Some((word, rest)) = split_word(without_mark(line)) else {
        return Ok(None);
    };
    let input = match command_name(word) {
        "send" => {
            let (to, text) = split_word(rest).ok_or(ParseError::Usage(SEND))?;
            Input::Command(Command::Send {
                to,
                text: some(text, SEND)?,
            })
        }
        "send_all" => Input::Command(Command::SendAll {
            text: some(rest, SEND_ALL)?,
        }),
        "reg" => Input::Command(Command::Register {
            name: only_word(rest, REG)?,
        }),
        "dereg" => Input::Command(Command::Deregister {
            name: only_word(rest, DEREG)?,
        }),
        "help" => alone(Input::Help, rest, "help")?,
        "table" => alone(Input::Table, rest, "table")?,
        "quit" => alone(Input::Quit, rest, "quit")?,
        _ => return Err(ParseError::Unknown(word)),
    };
    Ok(Some(input))
}

/// Returns a line without the UTF-8 byte order mark that may precede it. The mark has no meaning in
/// UTF-8, and files that are joined have one in front of any line.
pub fn without_mark(line: &str) -> &str {
    line.strip_prefix("\u{feff}").unwrap_or(line)
}

/// Returns the command without its slash, with names of other programs translated.
fn command_name(word: &str) -> &str {
    match word.strip_prefix('/') {
        Some(slashed) => crate::suggest::foreign(slashed).unwrap_or(slashed),
        None => word,
    }
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// Splits a line into its first word and the text after the next blank.
fn split_word(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches(is_blank);
    if line.is_empty() {
        return None;
    }
    Some(line.split_once(is_blank).unwrap_or((line, "")))
}

fn some<'a>(text: &'a str, usage: &'static str) -> Result<&'a str, ParseError<'a>> {
    if text.is_empty() {
        Err(ParseError::Usage(usage))
    } else {
        Ok(text)
    }
}

fn only_word<'a>(rest: &'a str, usage: &'static str) -> Result<&'a str, ParseError<'a>> {
    match split_word(rest) {
        Some((word, behind)) if split_word(behind).is_none() => Ok(word),
        _ => Err(ParseError::Usage(usage)),
    }
}

fn alone<'a>(
    input: Input<'a>,
    rest: &'a str,
    usage: &'static str,
) -> Result<Input<'a>, ParseError<'a>> {
    if split_word(rest).is_none() {
        Ok(input)
    } else {
        Err(ParseError::Usage(usage))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::commands::COMMANDS;
    use std::string::ToString;

    fn command(line: &str) -> Command<'_> {
        match parse(line) {
            Ok(Some(Input::Command(command))) => command,
            other => panic!("{line:?} gives {other:?}"),
        }
    }

    #[test]
    fn reads_every_command() {
        assert_eq!(
            command("send bob hi"),
            Command::Send {
                to: "bob",
                text: "hi"
            }
        );
        assert_eq!(
            command("send_all hi all"),
            Command::SendAll { text: "hi all" }
        );
        assert_eq!(command("reg alice"), Command::Register { name: "alice" });
        assert_eq!(
            command("dereg alice "),
            Command::Deregister { name: "alice" }
        );
        assert_eq!(parse("help"), Ok(Some(Input::Help)));
        assert_eq!(parse("table  "), Ok(Some(Input::Table)));
        assert_eq!(parse("\tquit"), Ok(Some(Input::Quit)));
    }

    #[test]
    fn keeps_texts_exactly() {
        for text in [
            " two  spaces ",
            "a",
            " ",
            "tab\there",
            "ünïcödé 🦀",
            "send bob hi",
        ] {
            let line = std::format!("send bob {text}");
            assert_eq!(command(&line), Command::Send { to: "bob", text });
            let line = std::format!("  send_all {text}");
            assert_eq!(command(&line), Command::SendAll { text });
        }
        assert_eq!(
            command("send   bob\thi"),
            Command::Send {
                to: "bob",
                text: "hi"
            }
        );
    }

    #[test]
    fn ignores_blank_lines() {
        for line in ["", " ", "\t  "] {
            assert_eq!(parse(line), Ok(None));
        }
    }

    #[test]
    fn gives_advice_for_mistakes() {
        for (line, error) in [
            ("send", "[Usage: send <name> <text>]"),
            ("send ", "[Usage: send <name> <text>]"),
            ("send bob", "[Usage: send <name> <text>]"),
            ("send bob ", "[Usage: send <name> <text>]"),
            ("send_all", "[Usage: send_all <text>]"),
            ("reg", "[Usage: reg <name>]"),
            ("dereg", "[Usage: dereg <name>]"),
            ("dereg alice bob", "[Usage: dereg <name>]"),
            ("quit now", "[Usage: quit]"),
            ("table x", "[Usage: table]"),
            ("help send", "[Usage: help]"),
            (
                "hello bob",
                "[There is no command hello. Type help to see all commands.]",
            ),
            (
                "SEND bob hi",
                "[There is no command SEND. Did you mean send? Type help to see all commands.]",
            ),
            (
                "sendall hi",
                "[There is no command sendall. Did you mean send_all? Type help to see all \
                commands.]",
            ),
            (
                "exit",
                "[There is no command exit. Did you mean quit? Type help to see all commands.]",
            ),
            (
                "/frobnicate",
                "[There is no command /frobnicate. Type help to see all commands.]",
            ),
            ("/send bob", "[Usage: send <name> <text>]"),
            (
                "abcdefghijklmnopqrstuvwxyz",
                "[There is no command abcdefghijklmnopqrst…. Type help to see all commands.]",
            ),
            (
                "\u{1b}[A",
                r"[There is no command \u{1b}[A. Type help to see all commands.]",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn accepts_names_of_other_programs_after_a_slash() {
        let send = Command::Send {
            to: "bob",
            text: "hi /quit",
        };
        for line in ["/send bob hi /quit", "/msg bob hi /quit"] {
            assert_eq!(command(line), send);
        }
        assert_eq!(command("/all hi"), Command::SendAll { text: "hi" });
        assert_eq!(parse("/quit"), Ok(Some(Input::Quit)));
        assert_eq!(parse("/exit"), Ok(Some(Input::Quit)));
        assert_eq!(parse("/who"), Ok(Some(Input::Table)));
        assert_eq!(parse("/help"), Ok(Some(Input::Help)));
        assert!(parse("/").is_err() && parse("//send bob hi").is_err());
    }

    #[test]
    fn lists_every_command_in_the_help() {
        assert!(
            COMMANDS
                .iter()
                .all(|command| HELP.iter().any(|line| line.starts_with(command)))
        );
        for line in HELP {
            let (usage, _) = line.split_once("  ").unwrap();
            let filled = usage.replace("<name>", "alice").replace("<text>", "hi");
            assert!(matches!(parse(&filled), Ok(Some(_))), "{usage}");
        }
    }
}
