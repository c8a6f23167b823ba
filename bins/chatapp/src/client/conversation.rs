//! Conversations at a terminal: whom a line without a command is for.

use std::borrow::Cow;

use chatapp_console::{self as console, COMMANDS, Visible};
use chatapp_core::Name;

use super::message_log::SHOWN_USUALLY;
use crate::spelling;
use crate::terminal::Partner;
use crate::typed;

const TO: &str = "[Usage: to <name>, or to all; to alone ends the conversation]";
const SAY: &str = "[Usage: say <text>, in a conversation: type to <name> first]";
const HISTORY: &str = "[Usage: history <number>]";
const NOBODY: &str = "[Nobody has written to you yet.]";
const ALL: &str = "all";

/// The meaning of a typed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'l> {
    /// This line, as a script would write it.
    Line(Cow<'l, str>),
    /// The user selected a partner: this notice says so.
    Notice(String),
    /// The line cannot be used, with the reason.
    Mistake(String),
    /// The user asks for this number of earlier messages.
    History(usize),
}

/// Rewrites lines so that each begins with its command. The other parts of the program know no
/// conversations.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Whether a person types the lines. Those of scripts are never rewritten.
    is_possible: bool,
    partner: Partner,
    /// The sender of the latest private message.
    last_writer: Option<String>,
}

impl Conversation {
    /// Starts without a partner, for a person; a prompt may show `partner`.
    pub(super) fn shown_by(partner: Partner) -> Self {
        Self {
            is_possible: true,
            partner,
            last_writer: None,
        }
    }

    /// Notes the sender of a private message.
    pub(super) fn note_writer(&mut self, name: &str) {
        self.last_writer = Some(name.to_owned());
    }

    /// Returns what a typed line means.
    pub(super) fn read<'l>(&mut self, line: &'l str) -> Meaning<'l> {
        if !self.is_possible {
            return Meaning::Line(line.into());
        }
        let text = console::without_mark(line).trim_start_matches(is_blank);
        let (word, rest) = text.split_once(is_blank).unwrap_or((text, ""));
        let partner = self.partner.get();
        let is_talking = partner.is_some();
        let is_one_word = !rest.trim_matches(is_blank).contains(is_blank);
        match word {
            "/to" | "/query" => self.turn_to(rest),
            "to" if is_one_word || !is_talking => self.turn_to(rest),
            "reply" | "/reply" | "/r" => self.reply(rest),
            "history" | "/history" => match rest.trim_matches(is_blank) {
                "" => Meaning::History(SHOWN_USUALLY),
                number => match number.parse() {
                    Ok(count) => Meaning::History(count),
                    Err(_) => Meaning::Mistake(HISTORY.into()),
                },
            },
            "say" | "/say" => match partner {
                Some(partner) if !rest.is_empty() => to(&partner, rest),
                _ => Meaning::Mistake(SAY.into()),
            },
            _ => match partner {
                Some(partner) if !text.is_empty() => said(line, text, word, &partner),
                _ => Meaning::Line(line.into()),
            },
        }
    }

    fn turn_to(&mut self, rest: &str) -> Meaning<'static> {
        let mut words = rest.split(is_blank).filter(|word| !word.is_empty());
        match (words.next(), words.next()) {
            (None, _) => {
                self.partner.set(None);
                Meaning::Notice("[Each line needs a command again.]".into())
            }
            (Some(name), None) => self.talk_to(&spelling::of(name)),
            _ => Meaning::Mistake(TO.into()),
        }
    }

    fn talk_to(&mut self, name: &str) -> Meaning<'static> {
        if let Err(error) = Name::new(name) {
            return Meaning::Mistake(format!("[{} is no name: {error}]", Visible(name)));
        }
        self.partner.set(Some(name.to_owned()));
        let whom = if name == ALL { "everyone" } else { name };
        let whom = Visible(whom);
        Meaning::Notice(format!("[Lines without a command go to {whom} now.]"))
    }

    /// Answers the latest private message, or turns to its sender if there is no text.
    fn reply(&mut self, text: &str) -> Meaning<'static> {
        match self.last_writer.clone() {
            None => Meaning::Mistake(NOBODY.into()),
            Some(name) if text.is_empty() => self.talk_to(&name),
            Some(name) => Meaning::Line(format!("send {name} {text}").into()),
        }
    }
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// Returns the meaning of a line in a conversation: a command, or a text for the partner.
fn said<'l>(line: &'l str, text: &str, word: &str, partner: &str) -> Meaning<'l> {
    let is_command = word.starts_with('/') || word == typed::KEYS || COMMANDS.contains(&word);
    if !is_command {
        return to(partner, text);
    }
    match typed::parse(line) {
        Err(error) if !word.starts_with('/') => Meaning::Mistake(format!(
            "{error} [To send this as a text, type say in front of it.]"
        )),
        _ => Meaning::Line(line.into()),
    }
}

/// Returns the line that sends a text to the partner.
fn to(partner: &str, text: &str) -> Meaning<'static> {
    Meaning::Line(if partner == ALL {
        format!("send_all {text}").into()
    } else {
        format!("send {partner} {text}").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: &str) -> Meaning<'_> {
        Meaning::Line(line.into())
    }

    fn talking_to(name: &str) -> Conversation {
        let mut conversation = Conversation::shown_by(Partner::default());
        let meaning = conversation.read(&format!("to {name}")).to_owned_notice();
        assert!(meaning.contains("go to"), "{meaning}");
        conversation
    }

    impl Meaning<'_> {
        fn to_owned_notice(&self) -> String {
            match self {
                Self::Notice(text) | Self::Mistake(text) => text.clone(),
                other => panic!("{other:?} is no notice"),
            }
        }
    }

    #[test]
    fn changes_no_line_without_a_partner() {
        let mut conversation = Conversation::shown_by(Partner::default());
        for typed in ["send bob hi", "hello", "", " table", "/who"] {
            assert_eq!(conversation.read(typed), line(typed));
        }
    }

    #[test]
    fn changes_no_line_of_a_script() {
        let mut script = Conversation::default();
        for typed in ["to bob", "reply hi", "history"] {
            assert_eq!(script.read(typed), line(typed));
        }
    }

    #[test]
    fn sends_texts_to_the_partner() {
        let mut bob = talking_to("bob");
        assert_eq!(bob.read("hi  there "), line("send bob hi  there "));
        assert_eq!(bob.read("to be honest"), line("send bob to be honest"));
        assert_eq!(bob.read("  secret"), line("send bob secret"));
        assert_eq!(bob.read(" "), line(" "));
        let mut all = talking_to("all");
        assert_eq!(all.read("hi"), line("send_all hi"));
        all.read("to");
        assert_eq!(all.read("hi"), line("hi"));
    }

    #[test]
    fn leaves_commands_as_they_are() {
        let mut bob = talking_to("bob");
        for typed in [
            "send alice hi",
            "table",
            "quit",
            "/who",
            "/tabel",
            "keys verify bob",
        ] {
            assert_eq!(bob.read(typed), line(typed));
        }
        let mistake = bob.read("table is booked").to_owned_notice();
        assert!(mistake.ends_with("type say in front of it.]"), "{mistake}");
        assert_eq!(
            bob.read("say table is booked"),
            line("send bob table is booked")
        );
    }

    #[test]
    fn replies_to_whoever_wrote_last() {
        let mut conversation = Conversation::shown_by(Partner::default());
        assert_eq!(
            conversation.read("reply hi"),
            Meaning::Mistake(NOBODY.into())
        );
        conversation.note_writer("carol");
        conversation.note_writer("bob");
        assert_eq!(conversation.read("reply  hi"), line("send bob  hi"));
        assert!(matches!(conversation.read("reply"), Meaning::Notice(_)));
        assert_eq!(conversation.read("hi"), line("send bob hi"));
    }

    #[test]
    fn refuses_what_is_no_name() {
        let mut conversation = Conversation::shown_by(Partner::default());
        for typed in ["to bob carol", "to \u{1b}[2J", "say hi", "history x"] {
            assert!(matches!(conversation.read(typed), Meaning::Mistake(_)));
        }
        assert_eq!(conversation.read("hi"), line("hi"));
    }
}
