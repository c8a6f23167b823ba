//! The one spelling of typed names.

use std::borrow::Cow;

use chatapp_core::{Command, Name};

/// Returns the one spelling of a typed name. A name that breaks the rules stays as it was typed: it
/// may be older than they are, and the server decides.
pub(crate) fn of(name: &str) -> Cow<'_, str> {
    chatapp_names::normalize(name).unwrap_or(Cow::Borrowed(name))
}

/// Returns the spelling of a typed name that is known, such as in a room. A name in another
/// spelling than the usual one may be older than the rules.
pub(crate) fn known(name: &str, is_known: impl Fn(&str) -> bool) -> Cow<'_, str> {
    let usual = of(name);
    if usual != name && !is_known(&usual) && is_known(name) {
        return Cow::Borrowed(name);
    }
    usual
}

/// Returns what `run` returns for a typed name, or else for its usual spelling. `None` means that
/// there is no such name.
pub(crate) fn try_both<T, E>(
    name: &Name,
    run: impl Fn(&Name) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    if let Some(result) = run(name)? {
        return Ok(Some(result));
    }
    match Name::new(&of(name.as_str())) {
        Ok(usual) if usual != *name => run(&usual),
        _ => Ok(None),
    }
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

    #[test]
    fn prefers_the_usual_spelling_that_is_known() {
        let (old, usual) = ("Zoe\u{308}", "Zo\u{eb}");
        assert_eq!(known(old, |_| false), usual);
        assert_eq!(known(old, |_| true), usual);
        assert_eq!(known(old, |name| name == old), old);
        assert_eq!(known(usual, |name| name == old), usual);
    }

    #[test]
    fn tries_both_spellings_of_a_name() {
        let [old, usual] = ["Zoe\u{308}", "Zo\u{eb}"].map(|name| Name::new(name).unwrap());
        for there in [&old, &usual] {
            let run = |name: &Name| Ok::<_, ()>((name == there).then(|| name.clone()));
            assert_eq!(try_both(&old, run), Ok(Some(there.clone())));
        }
        let none = |_: &Name| Ok::<Option<()>, ()>(None);
        assert_eq!(try_both(&old, none), Ok(None));
    }
}
