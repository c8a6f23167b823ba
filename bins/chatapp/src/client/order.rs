//! Commands as JSON, one object per line. `JSON.md` in this crate describes them.

use chatapp_console as console;
use chatapp_core::Command;
use serde::Deserialize;
use serde_json::Value;

use super::word::Word;
use crate::typed::{KeyRequest, Request};

/// One object of the input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    command: Word,
    to: Option<String>,
    text: Option<String>,
    name: Option<String>,
    /// Returned in every object about this command.
    #[serde(default)]
    pub(super) tag: Option<Value>,
}

impl Order {
    /// Returns whether a line is to be parsed as JSON: no typed command begins with a brace.
    pub(super) fn is_one(line: &str) -> bool {
        console::without_mark(line).trim_start().starts_with('{')
    }

    /// Parses a line.
    ///
    /// # Errors
    /// Returns the message of the JSON parser.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        serde_json::from_str(console::without_mark(line)).map_err(|error| error.to_string())
    }

    /// Returns the command. Without a name, `reg` and `dereg` use `own_name`.
    ///
    /// # Errors
    /// Returns which field is missing or not allowed.
    pub(super) fn request<'a>(&'a self, own_name: &'a str) -> Result<Request<'a>, String> {
        let Self {
            command,
            to,
            text,
            name,
            ..
        } = self;
        let is_message = matches!(command, Word::Send | Word::SendAll);
        for (field, is_there, is_allowed) in [
            ("to", to.is_some(), *command == Word::Send),
            ("text", text.is_some(), is_message),
            ("name", name.is_some(), command.may_have_name()),
        ] {
            if is_there && !is_allowed {
                return Err(format!("this command has no field `{field}`"));
            }
        }
        let needed = |field: &'a Option<String>, what| {
            field
                .as_deref()
                .ok_or_else(|| format!("missing field `{what}`"))
        };
        let own_or_name = name.as_deref().unwrap_or(own_name);
        let input = match command {
            Word::Send => console::Input::Command(Command::Send {
                to: needed(to, "to")?,
                text: needed(text, "text")?,
            }),
            Word::SendAll => console::Input::Command(Command::SendAll {
                text: needed(text, "text")?,
            }),
            Word::Reg => console::Input::Command(Command::Register { name: own_or_name }),
            Word::Dereg => console::Input::Command(Command::Deregister { name: own_or_name }),
            Word::Table => console::Input::Table,
            Word::Help => console::Input::Help,
            Word::Quit => console::Input::Quit,
            _ => {
                return Ok(Request::Keys(match command {
                    Word::Verify => KeyRequest::Verify(needed(name, "name")?),
                    Word::Verified => KeyRequest::Verified(needed(name, "name")?),
                    Word::Ignore => KeyRequest::Ignore(needed(name, "name")?),
                    Word::Unignore => KeyRequest::Unignore(needed(name, "name")?),
                    _ => KeyRequest::Ignored,
                }));
            }
        };
        Ok(Request::Room(input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::typed;

    fn read(line: &str) -> Result<String, String> {
        let order = Order::read(line)?;
        order.request("alice").map(|request| format!("{request:?}"))
    }

    #[test]
    fn reads_commands() {
        let same = |line: &str, typed: &str| {
            let entry = typed::parse(typed).ok().flatten();
            let entry = entry.map(|entry| format!("{entry:?}"));
            assert_eq!(read(line).ok(), entry, "{line}");
        };
        same(
            r#"{"command":"send","to":"bob","text":"hi"}"#,
            "send bob hi",
        );
        same(r#"{"command":"send_all","text":"hi"}"#, "send_all hi");
        same(r#" {"tag":[1],"command":"dereg"}"#, "dereg alice");
        same("\u{feff}{\"command\":\"help\"}", "help");
        same(r#"{"command":"reg","name":"bob"}"#, "reg bob");
        same(r#"{"command":"table"}"#, "table");
        same(r#"{"command":"quit"}"#, "quit");
        same(r#"{"command":"verify","name":"bob"}"#, "keys verify bob");
        same(
            r#"{"command":"verified","name":"bob"}"#,
            "keys verified bob",
        );
        same(r#"{"command":"ignore","name":"bob"}"#, "ignore bob");
        same(r#"{"command":"unignore","name":"bob"}"#, "/unignore bob");
        same(r#"{"command":"ignored"}"#, "ignored");
    }

    #[test]
    fn reports_the_mistake_in_an_object() {
        for (line, words) in [
            (r#"{"command":"send","text":"hi"}"#, "missing field `to`"),
            (r#"{"command":"send_all"}"#, "missing field `text`"),
            (r#"{"command":"verify"}"#, "missing field `name`"),
            (r#"{"command":"unignore"}"#, "missing field `name`"),
            (
                r#"{"command":"ignored","name":"bob"}"#,
                "this command has no field `name`",
            ),
            (r#"{"to":"bob"}"#, "missing field `command`"),
            (r#"{"command":"sing"}"#, "unknown variant `sing`"),
            (r#"{"command":"quit","now":true}"#, "unknown field `now`"),
            (
                r#"{"command":"table","to":"bob"}"#,
                "this command has no field `to`",
            ),
            (r#"{"command":"send""#, "EOF"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
