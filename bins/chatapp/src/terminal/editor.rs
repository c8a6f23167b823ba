//! The thread that reads keys.

use std::io::ErrorKind;
use std::sync::Arc;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, ExternalPrinter};

use super::Gate;
use super::completion::{Assistant, Names};
use super::history::History;
use super::partner::Partner;
use crate::platform::terminal_mode as mode;

/// Maximum number of lines in the history.
const HISTORY_LEN_MAX: usize = 1_000;

/// A line editor at the terminal.
pub(crate) struct Editor {
    readline: rustyline::Editor<Assistant, FileHistory>,
    gate: Arc<Gate>,
    history: Option<History>,
    partner: Partner,
}

impl Editor {
    /// Prepares the terminal of this process. Without a history, the editor stores lines only until
    /// the process ends. The prompt shows the partner of a conversation.
    ///
    /// # Errors
    /// Returns an error if the terminal cannot be used.
    pub(crate) fn new(
        gate: Arc<Gate>,
        names: Names,
        own_name: &str,
        has_colors: bool,
        history: Option<History>,
        partner: Partner,
    ) -> Result<Self, ReadlineError> {
        mode::take();
        let config = Config::builder()
            .max_history_size(HISTORY_LEN_MAX)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            // The assistant always runs; it knows whether to use colours.
            .color_mode(ColorMode::Forced)
            .build();
        let mut readline = rustyline::Editor::with_config(config)?;
        readline.set_helper(Some(Assistant {
            gate: Arc::clone(&gate),
            names,
            own_name: own_name.into(),
            has_colors,
        }));
        Ok(Self {
            readline,
            gate,
            history,
            partner,
        })
    }

    /// Returns the printer for output above the line that is being typed.
    ///
    /// # Errors
    /// Returns an error if the terminal cannot be used.
    pub(crate) fn printer(&mut self) -> Result<impl ExternalPrinter + Send + use<>, ReadlineError> {
        self.readline.create_external_printer()
    }

    /// Loads the stored history.
    ///
    /// # Errors
    /// Returns a line that describes the failure.
    pub(crate) fn load_history(&mut self) -> Result<(), String> {
        let Some(history) = self.history.take() else {
            return Ok(());
        };
        history
            .load(self.readline.history_mut())
            .map_err(|error| unusable(&history, &error))?;
        self.history = Some(history);
        Ok(())
    }

    fn remember(&mut self, line: &str) -> Result<(), String> {
        let added = self.readline.add_history_entry(line);
        if let (Ok(true), Some(history)) = (added, &self.history)
            && let Err(error) = history.save(self.readline.history_mut())
        {
            let why = unusable(history, &error);
            // One report is enough.
            self.history = None;
            return Err(why);
        }
        Ok(())
    }
}

fn unusable(history: &History, error: &ReadlineError) -> String {
    let path = history.path().display();
    format!("[Cannot use the history file {path}: {error}]")
}

/// Results of reading keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    Line(String),
    /// The client can process the lines so far; the gate then asks for another one.
    Ready,
    /// A line with bytes that are not UTF-8.
    NotUtf8,
    /// A notice for the user.
    Notice(String),
    /// Ctrl-C.
    Interrupt,
}

/// Reads a line each time the gate asks for one, until the input ends or `take` returns false.
pub(crate) fn edit(mut editor: Editor, mut take: impl FnMut(Keys) -> bool) {
    if let Err(notice) = editor.load_history()
        && !take(Keys::Notice(notice))
    {
        return;
    }
    let gate = Arc::clone(&editor.gate);
    while take(Keys::Ready) && gate.begin_line() {
        let read = editor.readline.readline(&editor.partner.prompt());
        gate.line_ended();
        let text = match read {
            Ok(text) => text,
            Err(error) if is_not_utf8(&error) => {
                // The rest of a paste must not run as a command.
                mode::discard_input();
                take(Keys::NotUtf8);
                continue;
            }
            Err(ReadlineError::Interrupted) => {
                take(Keys::Interrupt);
                return;
            }
            Err(_) => return,
        };
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        if lines.len() > 1 && !confirm(&mut editor, lines.len()) {
            take(Keys::Notice("[Nothing was sent.]".into()));
            continue;
        }
        for line in lines {
            if let Err(notice) = editor.remember(line) {
                take(Keys::Notice(notice));
            }
            if !take(Keys::Line(line.into())) {
                return;
            }
        }
    }
}

/// Returns whether keys or a paste were not UTF-8.
fn is_not_utf8(error: &ReadlineError) -> bool {
    matches!(error, ReadlineError::Io(error) if error.kind() == ErrorKind::InvalidData)
}

/// Asks before many pasted lines run, because a paste may be a mistake.
fn confirm(editor: &mut Editor, count: usize) -> bool {
    if !editor.gate.begin_again() {
        return false;
    }
    let answer = editor
        .readline
        .readline(&format!("Send these {count} lines? [y/N] "));
    editor.gate.line_ended();
    if answer.as_ref().is_err_and(is_not_utf8) {
        mode::discard_input();
    }
    answer.is_ok_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes"))
}
