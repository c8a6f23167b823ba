//! The output of a client, in the requested format.

mod keys;
mod late;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::mem;

use chatapp_console::{self as console, HELP, Line, ParseError, Part, Silence, Wording};
use chatapp_core::{Client, ClientEvent, Command, CommandError, CommandId, Instant, UnixSeconds};
use chatapp_mio::Clock;
use serde_json::Value;

use super::attention::Attention;
use super::json::{self, Entry, Event};
use super::ledger::{Ledger, Waiting};
use super::message_log::MessageLog;
use super::roster::{Roster, table};
use super::word::Word;
use crate::display::Display;
use crate::exit::{Exit, complain};
use crate::help::TERMINAL_HELP;
use crate::style::{Age, Look};
use crate::terminal::Names;
use crate::typed;

/// Changes of the table within this time share one line.
const GATHER_MS: u64 = 200;

/// Number of stored messages between two progress lines.
const KEPT_PER_COUNT: u32 = 100;

/// Makes a terminal ring, or flash.
const BELL: &str = "\u{7}";

/// Output format of a client.
pub(super) enum OutputFormat {
    /// The canonical lines of the original program.
    Lines(Look),
    /// The canonical lines, with additions for a terminal.
    Terminal(Box<TerminalState>),
    /// JSON objects, for programs.
    Json,
}

/// State of the terminal output besides the lines.
pub(super) struct TerminalState {
    look: Look,
    names: Names,
    roster: Roster,
    /// When to show the changes of the table.
    table_due: Option<Instant>,
    /// Whether no line shows what others do.
    hides_joins: bool,
    /// Whether the user waits for the table.
    is_table_wanted: bool,
    /// Number of stored messages so far, while they arrive.
    kept: Option<u32>,
}

impl TerminalState {
    pub(super) fn new(look: Look, names: Names, hides_joins: bool) -> Self {
        Self {
            look,
            names,
            roster: Roster::default(),
            table_due: None,
            hides_joins,
            is_table_wanted: false,
            kept: None,
        }
    }

    /// Updates the names in the room, and their completions.
    fn update_names(&mut self, client: &Client<'_>, wall: UnixSeconds) {
        self.names.set(self.roster.update(client, wall));
    }
}

/// Output of everything that a client shows.
pub(super) struct Output<'a> {
    display: Display,
    wording: Wording<'a>,
    format: OutputFormat,
    clock: Clock,
    ledger: Ledger,
    silence: Silence,
    attention: Attention,
    log: Option<MessageLog>,
    /// Whether lines without a terminal tell of late receipts, too.
    tells_receipts: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        display: Display,
        wording: Wording<'a>,
        format: OutputFormat,
        attention: Attention,
    ) -> Self {
        Self {
            display,
            wording,
            format,
            clock: Clock::new(),
            ledger: Ledger::default(),
            silence: Silence::default(),
            attention,
            log: None,
            tells_receipts: false,
        }
    }

    /// Enters all further messages into this log.
    pub(super) fn logging_to(self, log: Option<MessageLog>) -> Self {
        Self { log, ..self }
    }

    pub(super) fn display(&self) -> &Display {
        &self.display
    }

    pub(super) fn name(&self) -> &'a str {
        self.wording.name
    }

    pub(super) fn speaks_json(&self) -> bool {
        matches!(self.format, OutputFormat::Json)
    }

    /// Returns whether a message failed: it was neither delivered nor stored for its recipient.
    pub(super) fn has_failed(&self) -> bool {
        self.ledger.has_failed()
    }

    /// Returns whether a registration is pending: the table of the room has not arrived.
    pub(super) fn is_registering(&self) -> bool {
        self.ledger.is_registering()
    }

    /// Reports that the client accepted a command, with the tag of its object.
    pub(super) fn taken(
        &mut self,
        id: CommandId,
        command: Command<'_>,
        tag: Option<&Value>,
        now: Instant,
    ) {
        self.ledger.enter(id, command, now);
        let (name, wall) = (self.wording.name, self.clock.wall());
        let log = self.log.as_mut();
        let failure = log.and_then(|log| log.sent(command, name, wall));
        self.report_log(failure);
        if self.speaks_json() {
            self.object(&Event::Taken {
                id: id.number(),
                command: Word::of(command),
                to: json::recipient(command),
                tag,
            });
        }
    }

    /// Reports that the client rejected a command.
    pub(super) fn not_taken(
        &mut self,
        command: Command<'_>,
        error: CommandError,
        tag: Option<&Value>,
    ) {
        self.ledger.reject(command);
        if self.speaks_json() {
            return self.rejected(json::rejection(error), error, tag);
        }
        let wording = self.wording;
        self.line(&wording.command_error(error, json::recipient(command).unwrap_or_default()));
    }

    /// Reports a typed line that is no valid command.
    pub(super) fn not_understood(&mut self, error: ParseError<'_>) {
        self.ledger.reject_line();
        self.show_error(error);
    }

    /// Reports an object that is no valid command.
    pub(super) fn bad_object(&mut self, error: &str, tag: Option<&Value>) {
        self.ledger.reject_line();
        self.rejected("not_understood", error, tag);
    }

    fn rejected(&self, reason: &'static str, message: impl fmt::Display, tag: Option<&Value>) {
        self.object(&Event::Rejected {
            reason,
            message: message.to_string(),
            tag,
        });
    }

    /// Shows an error about the input.
    pub(super) fn show_error(&mut self, what: impl fmt::Display) {
        if self.speaks_json() {
            return self.rejected("not_understood", what, None);
        }
        self.words(Part::Error, what);
    }

    /// Shows a notice.
    pub(super) fn show_notice(&mut self, what: impl fmt::Display) {
        self.words(Part::Notice, what);
    }

    /// Shows the commands.
    pub(super) fn help(&mut self) {
        if self.speaks_json() {
            let lines = [&HELP[..], &typed::HELP].concat();
            return self.object(&Event::Help { lines: &lines });
        }
        let lines = HELP.iter().chain(&typed::HELP);
        lines.for_each(|line| self.display.line(line));
        if let OutputFormat::Terminal(_) = self.format {
            TERMINAL_HELP
                .iter()
                .for_each(|line| self.display.line(line));
        }
    }

    /// Shows the table of the room, and its age while the server is silent.
    pub(super) fn table(&mut self, client: &Client<'_>, verified: &HashSet<String>, now: Instant) {
        let age_s = client
            .server_silent_since()
            .map(|since| now.millis_since(since) / 1_000);
        self.rows(client, verified, age_s);
        if let (Some(age_s), false) = (age_s, self.speaks_json()) {
            let age = Age(age_s);
            self.show_notice(format_args!(
                "[This table is {age} old: the server is silent.]"
            ));
        }
    }

    fn rows(&mut self, client: &Client<'_>, verified: &HashSet<String>, age_s: Option<u64>) {
        if let OutputFormat::Terminal(terminal) = &mut self.format {
            terminal.update_names(client, self.clock.wall());
            for line in terminal.roster.lines(client, verified, terminal.look) {
                self.display.line(line);
            }
            return self.explain_marks(client);
        }
        let mut rows: Vec<_> = table(client).collect();
        rows.sort_by_key(|entry| entry.name);
        if self.speaks_json() {
            let clients = rows.iter().map(|row| Entry {
                name: row.name,
                address: row.address.to_string(),
                online: row.online,
                foreign_key: row.foreign_key,
                verified: !row.foreign_key && verified.contains(row.name),
                ignored: client.ignores(row.name).then_some(true),
            });
            return self.object(&Event::Table {
                clients: clients.collect(),
                age_s,
            });
        }
        let name_width = rows.iter().map(console::Row::width_of).max().unwrap_or(0);
        for entry in rows {
            self.display.line(console::Row { entry, name_width });
        }
        self.explain_marks(client);
    }

    /// Explains the marks of the table, if there are any.
    fn explain_marks(&self, client: &Client<'_>) {
        if client.table().any(|entry| entry.foreign_key) {
            self.words(Part::Notice, console::OTHER_KEY_HELP);
        }
    }

    /// Shows an event.
    pub(super) fn event(&mut self, event: &ClientEvent<'_>, now: Instant) {
        let settled = self.ledger.note(event);
        self.enter_in_log(event);
        if self.speaks_json() {
            for object in json::events(event, settled.as_ref()) {
                self.object(&object);
            }
            return;
        }
        if self.silence.repeats(event) || self.late_receipt(event) {
            return;
        }
        if let OutputFormat::Terminal(terminal) = &mut self.format {
            if *event == ClientEvent::TableUpdated {
                terminal.is_table_wanted |= settled.is_some() || !terminal.hides_joins;
                terminal.table_due.get_or_insert(now.plus_millis(GATHER_MS));
                return self.count_kept(false);
            }
            let is_kept = matches!(
                event,
                ClientEvent::Message {
                    kept_at: Some(_),
                    ..
                }
            );
            self.count_kept(is_kept);
        }
        let wording = self.wording;
        let is_mention = self.attention.is_mention(event);
        let sound = self.attention.rings(event, now).then_some(BELL);
        let (look, wall) = (self.look(), self.clock.wall());
        for line in wording.event(event) {
            let line = match is_mention {
                true => look.mention(&line, wall),
                false => look.line(&line, wall),
            };
            self.display
                .line(format_args!("{}{line}", sound.unwrap_or_default()));
        }
        if let (OutputFormat::Terminal(_), true) = (&self.format, self.ledger.is_over()) {
            self.show_notice("[All replies have arrived.]");
        }
    }

    fn enter_in_log(&mut self, event: &ClientEvent<'_>) {
        let (wording, wall) = (self.wording, self.clock.wall());
        let log = self.log.as_mut();
        let failure = log.and_then(|log| log.shown(event, wording, wall));
        self.report_log(failure);
    }

    /// Reports that the log has failed. JSON has no event for it.
    fn report_log(&self, failure: Option<String>) {
        let Some(failure) = failure else { return };
        if self.speaks_json() {
            return complain(io::stderr(), format!("ChatApp: {failure}\n"));
        }
        self.words(Part::Error, failure);
    }

    /// Shows the latest messages of the log.
    pub(super) fn history(&self, count: usize) {
        let Some(log) = &self.log else {
            let advice = "[There is no log: start with --log-file <FILE> to keep one.]";
            return self.words(Part::Error, advice);
        };
        match log.latest(count) {
            Ok(lines) if lines.is_empty() => self.words(Part::Notice, "[The log is empty.]"),
            Ok(lines) => {
                for line in lines {
                    self.words(Part::Stamp, console::Visible(&line));
                }
            }
            Err(error) => {
                self.words(
                    Part::Error,
                    format_args!("[The log cannot be read: {error}]"),
                );
            }
        }
    }

    /// Shows an event that ends the program. Only programs need it: for people, the exit message
    /// says the same.
    pub(super) fn last_event(&mut self, event: &ClientEvent<'_>, now: Instant) {
        if self.speaks_json() {
            self.event(event, now);
        }
    }

    /// Shows, once, that the server does not answer a client that tries again.
    pub(super) fn not_reached(&mut self, event: &ClientEvent<'_>, now: Instant) {
        if self.speaks_json() {
            return self.event(event, now);
        }
        self.ledger.note(event);
        if !self.silence.note() {
            self.show_notice("[The server does not respond. Trying again until it does.]");
        }
    }

    /// Shows the end of the output, and waits until everything is written; only a moment once
    /// `is_hurried` returns true.
    ///
    /// # Errors
    /// Returns an error if the output failed, for example because it was closed.
    pub(super) fn finish(self, exit: Exit, is_hurried: impl Fn() -> bool) -> io::Result<()> {
        if self.speaks_json() {
            let exit_code = exit as u8;
            self.object(&Event::End { exit_code });
        }
        let missing = self.log.map_or(0, MessageLog::finish);
        if missing > 0 {
            let notice = format!("ChatApp: {missing} messages are not in the log\n");
            complain(io::stderr(), notice);
        }
        self.display.finish(is_hurried)
    }

    /// Shows the number of stored messages while many of them arrive.
    fn count_kept(&mut self, is_kept: bool) {
        let OutputFormat::Terminal(terminal) = &mut self.format else {
            return;
        };
        let so_far = terminal.kept.unwrap_or(0);
        terminal.kept = is_kept.then_some(so_far + 1);
        if is_kept && so_far > 0 && so_far.is_multiple_of(KEPT_PER_COUNT) {
            self.show_notice(format_args!("[{so_far} stored messages so far]"));
        } else if !is_kept && so_far > KEPT_PER_COUNT {
            self.show_notice(format_args!("[{so_far} stored messages in all]"));
        }
    }

    /// Returns when [`tick`](Self::tick) is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let OutputFormat::Terminal(terminal) = &self.format else {
            return None;
        };
        [terminal.table_due, self.ledger.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Shows the lines that are due.
    pub(super) fn tick(&mut self, client: &Client<'_>, now: Instant) {
        let wall = self.clock.wall();
        let OutputFormat::Terminal(terminal) = &mut self.format else {
            return;
        };
        let is_table_due = terminal.table_due.is_some_and(|due| due <= now);
        if is_table_due {
            terminal.table_due = None;
            terminal.update_names(client, wall);
        }
        if is_table_due && mem::take(&mut terminal.is_table_wanted) {
            let wording = self.wording;
            for line in wording.event(&ClientEvent::TableUpdated) {
                self.line(&line);
            }
        }
        match self.ledger.announce(now) {
            Some(Waiting::ForServer) => self.show_notice("[Waiting for the server to reply.]"),
            Some(Waiting::For(name)) => {
                self.show_notice(format_args!("[Waiting for {name} to reply.]"));
            }
            Some(Waiting::ForMany(count)) => {
                self.show_notice(format_args!("[Waiting for {count} replies.]"));
            }
            None => {}
        }
    }

    fn look(&self) -> Look {
        match &self.format {
            OutputFormat::Lines(look) => *look,
            OutputFormat::Terminal(terminal) => terminal.look,
            OutputFormat::Json => Look {
                has_colors: false,
                is_stamped: false,
            },
        }
    }

    fn object(&self, event: &Event<'_>) {
        // JSON can represent every field, so serialization cannot fail.
        self.display
            .line(serde_json::to_string(event).unwrap_or_default());
    }

    fn line(&self, line: &Line<'_>) {
        self.display.line(self.look().line(line, self.clock.wall()));
    }

    fn words(&self, part: Part<'_>, words: impl fmt::Display) {
        self.display
            .line(self.look().words(part, words, self.clock.wall()));
    }
}
