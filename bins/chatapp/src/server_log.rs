//! The log of a server on standard error. A reader that hangs or is gone costs lines, which are
//! counted, and never the room.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;

use chatapp_core::UnixSeconds;

use crate::counters::Counters;
use crate::display::{Display, Prompt, WAITING_LEN};
use crate::exit::complain;
use crate::log::{Fields, Format, Level, LogOptions, Record};

/// A log whose reader may be slow, hang, or be gone.
pub(crate) struct ServerLog {
    display: Display<Infallible>,
    options: LogOptions,
    /// Lines that found no room since the last line that did.
    lost: Cell<u64>,
}

impl ServerLog {
    /// Starts the thread that writes. It calls `wake` when there is room again.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn start(options: LogOptions, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let display = Display::start(io::stderr(), Prompt::None, WAITING_LEN, wake)?;
        Ok(Self {
            display,
            options,
            lost: Cell::new(0),
        })
    }

    /// Returns which records are written: those of this level, and worse ones.
    pub(crate) fn level(&self) -> Level {
        self.options.level
    }

    /// Returns whether there is room for a line.
    pub(crate) fn has_room(&self) -> bool {
        self.display.has_room()
    }

    /// Returns whether the reader is gone: no line will ever have room again.
    pub(crate) fn is_broken(&self) -> bool {
        self.display.is_broken()
    }

    /// Notes lines that were lost before they came here.
    pub(crate) fn lose(&self, count: u64) {
        self.lost.set(self.lost.get().saturating_add(count));
    }

    /// Writes a record if its level is enabled.
    pub(crate) fn write(&self, record: &Record, wall: UnixSeconds) {
        if let Some(line) = self.options.line(record, wall) {
            self.put(&line, wall);
        }
    }

    /// Writes a warning that is not about a client.
    pub(crate) fn warn(&self, kind: &'static str, message: String, wall: UnixSeconds) {
        let record = Record {
            level: Level::Warn,
            kind,
            fields: Fields::default(),
            message,
        };
        self.write(&record, wall);
    }

    /// Writes an answer to the operator, whatever the level of the log.
    pub(crate) fn answer(&self, kind: &'static str, message: &str, wall: UnixSeconds) {
        self.answer_with(kind, Fields::default(), message.into(), wall);
    }

    /// Writes the counters: their words, and in JSON also their fields.
    pub(crate) fn report(&self, message: String, counters: Counters, wall: UnixSeconds) {
        let fields = Fields {
            stats: Some(counters),
            ..Fields::default()
        };
        self.answer_with("stats", fields, message, wall);
    }

    fn answer_with(&self, kind: &'static str, fields: Fields, message: String, wall: UnixSeconds) {
        if self.options.format == Format::Text {
            return self.put(&message, wall);
        }
        let options = LogOptions {
            level: Level::Info,
            ..self.options
        };
        let record = Record {
            level: Level::Info,
            kind,
            fields,
            message,
        };
        if let Some(line) = options.line(&record, wall) {
            self.put(&line, wall);
        }
    }

    fn put(&self, line: &str, wall: UnixSeconds) {
        if !self.display.has_room() {
            return self.lose(1);
        }
        let lost = self.lost.take();
        if lost != 0 {
            self.warn(
                "lines_lost",
                format!("{lost} lines of the log were lost"),
                wall,
            );
        }
        self.display.line(line);
    }

    /// Waits a moment until everything is written. Reports on standard output how many lines are
    /// lost, if there are any: nobody reads standard error.
    pub(crate) fn finish(self) {
        let Self { display, lost, .. } = self;
        let (_, unwritten) = display.finish_soon();
        let lost = lost.get().saturating_add(unwritten);
        if lost != 0 {
            complain(
                io::stdout(),
                format!("{lost} lines of the log were lost.\n"),
            );
        }
    }
}
