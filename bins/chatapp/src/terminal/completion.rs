//! Completion with Tab, and the display of the typed line.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::AnsiColor;
use chatapp_console::{COMMANDS, Visible};
use chatapp_core::drives_display;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::Gate;
use crate::typed::{ACTIONS, IGNORE, KEYS, UNIGNORE, WORDS};

/// Commands of a terminal only.
const AT_TERMINAL: [&str; 4] = ["to", "reply", "say", "history"];

/// Names for completion, in the order in which they are offered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Mutex<Vec<String>>>);

impl Names {
    /// Replaces all names.
    pub(crate) fn set(&self, names: Vec<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    fn starting_with(&self, start: &str) -> Vec<Pair> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        candidates(names.iter().map(String::as_str), start)
    }
}

fn candidates<'a>(words: impl Iterator<Item = &'a str>, start: &str) -> Vec<Pair> {
    words
        .filter(|word| word.starts_with(start))
        .map(|word| Pair {
            display: word.into(),
            replacement: format!("{word} "),
        })
        .collect()
}

/// Callbacks of the line editor.
pub(super) struct Assistant {
    pub(super) gate: Arc<Gate>,
    pub(super) names: Names,
    pub(super) own_name: String,
    pub(super) has_colors: bool,
}

impl Assistant {
    /// Returns the start of the word that is being typed, and its completions.
    fn complete_word(&self, line: &str) -> (usize, Vec<Pair>) {
        let start = line.rfind([' ', '\t']).map_or(0, |blank| blank + 1);
        let word = &line[start..];
        let mut before = line[..start].split_whitespace();
        let command = before.next();
        let offered = match (
            command.map(|word| word.trim_start_matches('/')),
            before.next(),
        ) {
            (None, _) => {
                let slash = word.len() - word.trim_start_matches('/').len();
                let commands = COMMANDS.into_iter().chain(WORDS).chain(AT_TERMINAL);
                return (start + slash, candidates(commands, &word[slash..]));
            }
            (Some(KEYS), None) => candidates(ACTIONS.into_iter(), word),
            (Some(KEYS), Some(action)) if ACTIONS.contains(&action) && before.next().is_none() => {
                self.names.starting_with(word)
            }
            (Some("send" | "msg" | "to" | "query" | IGNORE | UNIGNORE), None) => {
                self.names.starting_with(word)
            }
            (Some("reg" | "dereg"), None) => {
                candidates(std::iter::once(self.own_name.as_str()), word)
            }
            _ => Vec::new(),
        };
        (start, offered)
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(self.complete_word(&line[..position]))
    }
}

impl Hinter for Assistant {
    type Hint = String;

    /// Returns no hint. The editor calls this before it shows the line, first with the prompt.
    fn hint(&self, _: &str, _: usize, _: &Context<'_>) -> Option<String> {
        self.gate.line_begun();
        None
    }
}

impl Validator for Assistant {
    /// Accepts every line. The editor calls this when a line is complete.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.line_ends();
        Ok(ValidationResult::Valid(None))
    }
}

impl Highlighter for Assistant {
    /// Removes pasted control characters from the display, because they would drive the terminal.
    /// They have no width, so columns stay right.
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let mut shown = String::new();
        let mut copied = 0;
        for (at, character) in Visible(line).escaped() {
            if character != '\n' && drives_display(character) {
                shown += &line[copied..at];
                copied = at + character.len_utf8();
            }
        }
        match copied {
            0 => line.into(),
            _ => (shown + &line[copied..]).into(),
        }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.has_colors {
            let style = AnsiColor::Green.on_default().bold();
            format!("{style}{prompt}{style:#}").into()
        } else {
            prompt.into()
        }
    }
}

impl Helper for Assistant {}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(line: &str) -> (usize, Vec<String>) {
        let names = Names::default();
        names.set(["bob", "bea", "alice", "abe"].map(String::from).into());
        let assistant = Assistant {
            gate: Arc::default(),
            names,
            own_name: "alice".into(),
            has_colors: false,
        };
        let (start, pairs) = assistant.complete_word(line);
        (
            start,
            pairs.into_iter().map(|pair| pair.replacement).collect(),
        )
    }

    #[test]
    fn completes_commands_then_names() {
        assert_eq!(
            complete("s"),
            (0, vec!["send ".into(), "send_all ".into(), "say ".into()])
        );
        assert_eq!(complete("/qu"), (1, vec!["quit ".into()]));
        assert_eq!(complete("send b"), (5, vec!["bob ".into(), "bea ".into()]));
        assert_eq!(complete("send ").1.len(), 4);
        assert_eq!(complete("to al"), (3, vec!["alice ".into()]));
        assert_eq!(complete("re"), (0, vec!["reg ".into(), "reply ".into()]));
        assert_eq!(complete("dereg "), (6, vec!["alice ".into()]));
        assert_eq!(complete("send bob b").1.len(), 0);
        assert_eq!(complete("keys v").1, ["verify ", "verified "]);
        assert_eq!(complete("keys verify bo"), (12, vec!["bob ".into()]));
        assert_eq!(complete("keys verify bob b").1.len(), 0);
        assert_eq!(complete("send_all b").1.len(), 0);
        assert_eq!(complete("ig").1, ["ignore ", "ignored "]);
        assert_eq!(complete("/unignore bo"), (10, vec!["bob ".into()]));
    }
}
