//! Conversations at a terminal: whom a line without a command is for.

use std::borrow::Cow;
use std::collections::VecDeque;

use chatapp_console::{self as console, COMMANDS, Visible};
use chatapp_core::{Instant, Name, Receipt};

use super::message_log::{SHOWN_MAX, SHOWN_USUALLY};
use crate::terminal::{Partner, Recipient};
use crate::typed;

const TO: &str = "[Usage: to <name>, or to all; to alone ends the conversation]";
const SAY: &str = "[Usage: say <text>, in a conversation: type to <name> first]";
const NOBODY: &str = "[Nobody has written to you yet.]";
const ALL: &str = "all";

/// Time in which a person notices who has written.
const NOTICE_MS: u64 = 5_000;

/// The meaning of a typed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'l> {
    /// This line, as a script would write it.
    Line(Cow<'l, str>),
    /// This line. Its name is that of a sender, also if the room has it in another spelling.
    Exact(String),
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
    /// The name of the partner is that of a sender, and no typed one.
    is_exact: bool,
    /// The senders of private messages that the terminal has not taken yet.
    unwritten: VecDeque<(Receipt, String)>,
    /// The sender of the latest private message.
    last_writer: Option<String>,
    /// The sender before, and when that changed, until a reply was refused for it.
    replaced: Option<(String, Instant)>,
}

impl Conversation {
    /// Starts without a partner, for a person; a prompt may show `partner`.
    pub(super) fn shown_by(partner: Partner) -> Self {
        Self {
            is_possible: true,
            partner,
            ..Self::default()
        }
    }

    /// Notes the sender of a private message on its way to the terminal.
    pub(super) fn note_sender(&mut self, receipt: Receipt, name: &str) {
        if self.is_possible {
            self.unwritten.push_back((receipt, name.to_owned()));
        }
    }

    /// Notes that the terminal has taken a message: from now on, `reply` answers it.
    pub(super) fn note_written(&mut self, receipt: &Receipt, now: Instant) {
        let is_next = self
            .unwritten
            .front()
            .is_some_and(|(next, _)| next == receipt);
        if is_next && let Some((_, name)) = self.unwritten.pop_front() {
            self.note_writer(name, now);
        }
    }

    fn note_writer(&mut self, name: String, now: Instant) {
        let before = self.last_writer.replace(name);
        if let Some(before) = before
            && self.last_writer.as_ref() != Some(&before)
        {
            self.replaced = Some((before, now));
        }
    }

    /// Returns what a typed line means.
    pub(super) fn read<'l>(&mut self, line: &'l str, now: Instant) -> Meaning<'l> {
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
            "reply" | "/reply" | "/r" => self.reply(rest, now),
            "history" | "/history" => history(rest.trim_matches(is_blank)),
            "say" => match partner {
                Some(partner) if !rest.is_empty() => self.to(&partner, rest),
                _ => Meaning::Mistake(SAY.into()),
            },
            _ => match partner {
                Some(partner) if !text.is_empty() => self.said(line, text, word, &partner),
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
            (Some(ALL), None) => {
                self.partner.set(Some(Recipient::Room));
                Meaning::Notice("[Lines without a command go to all in the room now.]".into())
            }
            (Some(name), None) => self.talk_to(name, false),
            _ => Meaning::Mistake(TO.into()),
        }
    }

    fn talk_to(&mut self, name: &str, is_exact: bool) -> Meaning<'static> {
        let shown = Visible(name);
        if let Err(error) = Name::new(name) {
            return Meaning::Mistake(format!("[{shown} is no name: {error}]"));
        }
        self.is_exact = is_exact;
        self.partner.set(Some(Recipient::Name(name.to_owned())));
        Meaning::Notice(format!("[Lines without a command go to {shown} now.]"))
    }

    /// Answers the latest private message, or turns to its sender if there is no text. A person may
    /// not have seen yet that another sender came last.
    fn reply(&mut self, text: &str, now: Instant) -> Meaning<'static> {
        let Some(name) = self.last_writer.clone() else {
            return Meaning::Mistake(NOBODY.into());
        };
        if text.is_empty() {
            return self.talk_to(&name, true);
        }
        if let Some((before, at)) = self.replaced.take()
            && now < at.plus_millis(NOTICE_MS)
        {
            let (name, before) = (Visible(&name), Visible(&before));
            return Meaning::Mistake(format!(
                "[{name} has just written, too. For {name}, type it again; otherwise type \
                send {before} and the text.]"
            ));
        }
        Meaning::Exact(format!("send {name} {text}"))
    }

    /// Returns the meaning of a line in a conversation: a command, or a text for the partner.
    fn said<'l>(&self, line: &'l str, text: &str, word: &str, partner: &Recipient) -> Meaning<'l> {
        let is_command =
            word.starts_with('/') || typed::WORDS.contains(&word) || COMMANDS.contains(&word);
        if !is_command {
            return self.to(partner, text);
        }
        match typed::parse(line) {
            Err(error) if !word.starts_with('/') => Meaning::Mistake(format!(
                "{error} [To send this as a text, type say in front of it.]"
            )),
            _ => Meaning::Line(line.into()),
        }
    }

    /// Returns the line that sends a text to the partner.
    fn to(&self, partner: &Recipient, text: &str) -> Meaning<'static> {
        match partner {
            Recipient::Room => Meaning::Line(format!("send_all {text}").into()),
            Recipient::Name(name) if self.is_exact => Meaning::Exact(format!("send {name} {text}")),
            Recipient::Name(name) => Meaning::Line(format!("send {name} {text}").into()),
        }
    }
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn history(number: &str) -> Meaning<'static> {
    if number.is_empty() {
        return Meaning::History(SHOWN_USUALLY);
    }
    match number.parse() {
        Ok(count) if (1..=SHOWN_MAX).contains(&count) => Meaning::History(count),
        _ => Meaning::Mistake(format!("[Usage: history <number>, up to {SHOWN_MAX}]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ZERO;

    fn line(line: &str) -> Meaning<'_> {
        Meaning::Line(line.into())
    }

    fn exact(line: &str) -> Meaning<'_> {
        Meaning::Exact(line.into())
    }

    fn talking_to(name: &str) -> Conversation {
        let mut conversation = Conversation::shown_by(Partner::default());
        let meaning = conversation
            .read(&format!("to {name}"), NOW)
            .to_owned_notice();
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
            assert_eq!(conversation.read(typed, NOW), line(typed));
        }
    }

    #[test]
    fn changes_no_line_of_a_script() {
        let mut script = Conversation::default();
        for typed in ["to bob", "reply hi", "history"] {
            assert_eq!(script.read(typed, NOW), line(typed));
        }
    }

    #[test]
    fn sends_texts_to_the_partner() {
        let mut bob = talking_to("bob");
        assert_eq!(bob.read("hi  there ", NOW), line("send bob hi  there "));
        assert_eq!(bob.read("to be honest", NOW), line("send bob to be honest"));
        assert_eq!(bob.read("  secret", NOW), line("send bob secret"));
        assert_eq!(bob.read(" ", NOW), line(" "));
        let mut all = talking_to("all");
        assert_eq!(all.read("hi", NOW), line("send_all hi"));
        all.read("to", NOW);
        assert_eq!(all.read("hi", NOW), line("hi"));
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
            "ignore bob",
        ] {
            assert_eq!(bob.read(typed, NOW), line(typed));
        }
        let mistake = bob.read("table is booked", NOW).to_owned_notice();
        assert!(mistake.ends_with("type say in front of it.]"), "{mistake}");
        assert_eq!(
            bob.read("say table is booked", NOW),
            line("send bob table is booked")
        );
    }

    #[test]
    fn replies_to_whoever_wrote_last() {
        let mut conversation = Conversation::shown_by(Partner::default());
        assert_eq!(
            conversation.read("reply hi", NOW),
            Meaning::Mistake(NOBODY.into())
        );
        conversation.note_writer("bob".into(), NOW);
        conversation.note_writer("bob".into(), NOW);
        assert_eq!(conversation.read("reply  hi", NOW), exact("send bob  hi"));
        assert!(matches!(
            conversation.read("reply", NOW),
            Meaning::Notice(_)
        ));
        assert_eq!(conversation.read("hi", NOW), exact("send bob hi"));
        conversation.read("to bob", NOW);
        assert_eq!(conversation.read("hi", NOW), line("send bob hi"));
    }

    #[test]
    fn refuses_what_is_no_name() {
        let mut conversation = Conversation::shown_by(Partner::default());
        for typed in [
            "to bob carol",
            "to \u{1b}[2J",
            "say hi",
            "history x",
            "history 0",
        ] {
            assert!(matches!(conversation.read(typed, NOW), Meaning::Mistake(_)));
        }
        assert_eq!(conversation.read("hi", NOW), line("hi"));
    }

    #[test]
    fn asks_when_another_sender_came_last() {
        let mut conversation = Conversation::shown_by(Partner::default());
        for name in ["bob", "carol"] {
            conversation.note_writer(name.into(), NOW);
        }
        let refused = conversation.read("reply hi", NOW).to_owned_notice();
        assert!(refused.starts_with("[carol has just written"), "{refused}");
        assert_eq!(conversation.read("reply hi", NOW), exact("send carol hi"));
        conversation.note_writer("bob".into(), NOW);
        let later = NOW.plus_millis(NOTICE_MS);
        assert_eq!(conversation.read("reply hi", later), exact("send bob hi"));
    }

    #[test]
    fn keeps_a_person_called_all_from_the_room() {
        let mut conversation = Conversation::shown_by(Partner::default());
        conversation.note_writer("all".into(), NOW);
        assert_eq!(conversation.read("reply hi", NOW), exact("send all hi"));
        conversation.read("reply", NOW);
        assert_eq!(conversation.read("hi", NOW), exact("send all hi"));
        conversation.read("to all", NOW);
        assert_eq!(conversation.read("hi", NOW), line("send_all hi"));
    }
}
