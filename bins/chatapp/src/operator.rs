//! Who looks after a server: lines typed to it, and the answers in its log.

use std::io::{self, IsTerminal};

use chatapp_core::Server;
use chatapp_mio::Waker;

use crate::display::Display;
use crate::input::{Input, Next, Typed};
use crate::stats::Report;

const HELP: &str = "stats    show counters\nquit     end the server\nhelp     show these commands";

/// The input of a server, if it has one, and what was asked there.
pub(crate) struct Operator {
    input: Option<Input>,
    pub(crate) wants_stats: bool,
    wants_to_leave: bool,
}

impl Operator {
    /// Starts to read standard input; `waker` is woken when there is something to [take](Self::take_input).
    ///
    /// # Errors
    /// The operating system gives no thread.
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

    /// Takes the lines that were typed. The end of the input means nothing: a server runs on without one.
    pub(crate) fn take_input(&mut self, log: &Display) {
        while log.has_room()
            && let Some(input) = &mut self.input
        {
            match input.next() {
                Next::Typed(Typed::Line(line)) => match line.trim() {
                    "" => {}
                    "stats" => self.wants_stats = true,
                    "quit" => self.wants_to_leave = true,
                    "help" => log.line(HELP),
                    _ => log.line("A server knows the commands stats, quit and help."),
                },
                Next::Typed(_) => {
                    log.line("A server knows the commands stats, quit and help.");
                }
                Next::Nothing => return,
                Next::End => self.input = None,
            }
        }
    }

    /// Shows the counters if they are wanted, and the log takes them.
    pub(crate) fn answer(&mut self, log: &Display, server: &Server<'_>) {
        if self.wants_stats && log.has_room() {
            self.wants_stats = false;
            log.line(Report::of(server));
        }
    }
}

/// A process in the background that reads from its terminal is stopped: a server serves on instead.
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
