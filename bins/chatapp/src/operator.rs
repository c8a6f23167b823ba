//! The operator of a server: reads typed commands, and logs the answers.

use std::io;

use chatapp_console::{ORDER_HELP, Order, Report, UnknownOrder};
use chatapp_core::{Server, UnixSeconds};
use chatapp_mio::Waker;

use crate::counters::Counters;
use crate::input::{Input, Next, Typed};
use crate::server_log::ServerLog;

/// Maximum number of typed lines that are executed between two polls of the network.
const LINES_PER_TURN: usize = 256;

/// Standard input of a server, if it has one, and the pending requests.
pub(crate) struct Operator {
    input: Option<Input>,
    waker: Waker,
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
            input: Some(Input::start_in_background(waker.clone())?),
            waker,
            wants_stats: false,
            wants_to_leave: false,
        })
    }

    pub(crate) fn wants_to_leave(&self) -> bool {
        self.wants_to_leave
    }

    /// Executes the lines typed so far. At the end of the input, the server continues to run. A log
    /// that nobody reads stops no command: answers without room are lost, but for the counters.
    pub(crate) fn execute(&mut self, log: &ServerLog, server: &Server<'_>, wall: UnixSeconds) {
        for _ in 0..LINES_PER_TURN {
            let Some(input) = &mut self.input else { break };
            match input.next() {
                Next::Typed(Typed::Line(line)) => match Order::parse(&line) {
                    Ok(None) => {}
                    Ok(Some(Order::Stats)) => self.wants_stats = true,
                    Ok(Some(Order::Quit)) => self.wants_to_leave = true,
                    Ok(Some(Order::Help)) => log.answer("help", &ORDER_HELP.join("\n"), wall),
                    Err(unknown) => log.answer("help", &unknown.to_string(), wall),
                },
                Next::Typed(_) => log.answer("help", &UnknownOrder.to_string(), wall),
                Next::Nothing => return self.report(log, server, wall),
                Next::End => self.input = None,
            }
        }
        self.report(log, server, wall);
        // More lines may wait, and no thread announces them again.
        if self.input.is_some() {
            self.waker.wake();
        }
    }

    fn report(&mut self, log: &ServerLog, server: &Server<'_>, wall: UnixSeconds) {
        if self.wants_stats && log.has_room() {
            self.wants_stats = false;
            let message = Report::of(server).to_string();
            log.report(message, Counters::of(server), wall);
        }
    }
}
