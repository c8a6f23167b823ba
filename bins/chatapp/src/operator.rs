//! The operator of a server: reads typed commands, and logs the answers.

use std::io::{self, IsTerminal};

use chatapp_console::{ORDER_HELP, Order, Report, UnknownOrder};
use chatapp_core::{Server, UnixSeconds};
use chatapp_mio::Waker;

use crate::display::Display;
use crate::input::{Input, Next, Typed};
use crate::log::{Fields, Format, Level, LogOptions, Record};

/// Standard input of a server, if it has one, and the pending requests.
pub(crate) struct Operator {
    input: Option<Input>,
    pub(crate) wants_stats: bool,
    wants_to_leave: bool,
}

impl Operator {
    /// Starts to read standard input. Wakes `waker` for each line to [execute](Self::execute).
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn start(waker: Waker) -> io::Result<Self> {
        Ok(Self {
            input: may_read().then(|| Input::start(waker)).transpose()?,
            wants_stats: false,
            wants_to_leave: false,
        })
    }

    pub(crate) fn wants_to_leave(&self) -> bool {
        self.wants_to_leave
    }

    /// Executes the lines typed so far. At the end of the input, the server continues to run.
    pub(crate) fn execute(&mut self, log: &Log<'_>, server: &Server<'_>) {
        while log.display.has_room()
            && let Some(input) = &mut self.input
        {
            match input.next() {
                Next::Typed(Typed::Line(line)) => match Order::parse(&line) {
                    Ok(None) => {}
                    Ok(Some(Order::Stats)) => self.wants_stats = true,
                    Ok(Some(Order::Quit)) => self.wants_to_leave = true,
                    Ok(Some(Order::Help)) => log.answer("help", &ORDER_HELP.join("\n")),
                    Err(unknown) => log.answer("help", &unknown.to_string()),
                },
                Next::Typed(_) => log.answer("help", &UnknownOrder.to_string()),
                Next::Nothing => break,
                Next::End => self.input = None,
            }
        }
        if self.wants_stats && log.display.has_room() {
            self.wants_stats = false;
            log.answer("stats", &Report::of(server).to_string());
        }
    }
}

/// The log that answers are written to.
pub(crate) struct Log<'a> {
    pub(crate) display: &'a Display,
    pub(crate) options: LogOptions,
    pub(crate) wall: UnixSeconds,
}

impl Log<'_> {
    /// Writes an answer, whatever the level of the log.
    fn answer(&self, kind: &'static str, message: &str) {
        if self.options.format == Format::Text {
            return self.display.line(message);
        }
        let options = LogOptions {
            level: Level::Info,
            ..self.options
        };
        let record = Record {
            level: Level::Info,
            kind,
            fields: Fields::default(),
            message: message.into(),
        };
        options.write(self.display, &record, self.wall);
    }
}

/// Returns whether reading from the terminal is safe: the system stops a background process that
/// reads from it.
#[cfg(unix)]
fn may_read() -> bool {
    let input = io::stdin();
    !input.is_terminal()
        || rustix::termios::tcgetpgrp(&input).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn may_read() -> bool {
    true
}
