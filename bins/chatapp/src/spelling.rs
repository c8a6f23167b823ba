//! The one spelling of typed names.

use std::borrow::Cow;

use chatapp_core::Command;

/// Returns the one spelling of a typed name. A name that breaks the rules stays as it was typed: it
/// may be older than they are, and the server decides.
pub(crate) fn of(name: &str) -> Cow<'_, str> {
    chatapp_names::normalize(name).unwrap_or(Cow::Borrowed(name))
}

/// Returns the name in a command.
pub(crate) fn name_in<'a>(command: &Command<'a>) -> Option<&'a str> {
    match *command {
        Command::Send { to: name, .. }
        | Command::Register { name }
        | Command::Deregister { name } => Some(name),
        Command::SendAll { .. } => None,
    }
}

/// Returns a command with another name in it, if it has one.
pub(crate) fn with_name<'a>(command: Command<'a>, name: Option<&'a str>) -> Command<'a> {
    let Some(name) = name else { return command };
    match command {
        Command::Send { text, .. } => Command::Send { to: name, text },
        Command::Register { .. } => Command::Register { name },
        Command::Deregister { .. } => Command::Deregister { name },
        Command::SendAll { .. } => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_names_in_commands() {
        let typed = Command::Send {
            to: "Zoe\u{308}",
            text: "e\u{308}",
        };
        let name = name_in(&typed).map(of);
        let spelled = Command::Send {
            to: "Zo\u{eb}",
            text: "e\u{308}",
        };
        assert_eq!(with_name(typed, name.as_deref()), spelled);
        assert_eq!(of("🦀"), "🦀");
    }
}
