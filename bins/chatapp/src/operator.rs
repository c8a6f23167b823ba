//! The operator of a server: takes orders that are typed, or come from the socket, and answers when
//! they are done.

use std::fmt::Write as _;
use std::io;
use std::mem;
use std::path::Path;

use chatapp_console::{Report, Stamp, Visible};
use chatapp_core::{
    OrderError, OrderId, Restriction, RestrictionKind, Server, StoreFailed, Subject, UnixSeconds,
};
use chatapp_mio::Waker;

use crate::admin_socket::{AdminSocket, Caller};
use crate::answer::{Answer, NameRow, RestrictionRow};
use crate::counters::Counters;
use crate::input::{Input, Next, Typed};
use crate::local_time::utc_offset;
use crate::log::{Fields, Level, Record};
use crate::order::{Change, HELP, Order, UNKNOWN};
use crate::server_log::ServerLog;

/// Maximum number of typed lines that are executed between two polls of the network.
const LINES_PER_TURN: usize = 256;

/// The place where an order came from.
enum From {
    Console,
    Socket(Caller),
}

/// An order that waits for the store.
struct Waiting {
    id: OrderId,
    from: From,
    /// The message for the order that is done.
    what: String,
}

/// Standard input of a server, if it has one, its socket, and the pending requests.
pub(crate) struct Operator {
    input: Option<Input>,
    socket: Option<AdminSocket>,
    waker: Waker,
    waiting: Vec<Waiting>,
    pub(crate) wants_stats: bool,
    wants_reload: bool,
    /// Those that wait until the lists are read again.
    reloading: Vec<Caller>,
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
            socket: None,
            waker,
            waiting: Vec::new(),
            wants_stats: false,
            wants_reload: false,
            reloading: Vec::new(),
            wants_to_leave: false,
        })
    }

    /// Listens on a socket in a server's folder. The server runs on without one.
    pub(crate) fn listen(&mut self, folder: &Path, log: &ServerLog, wall: UnixSeconds) {
        match AdminSocket::listen(folder, self.waker.clone()) {
            Ok(socket) => self.socket = socket,
            Err(error) => {
                let message = format!("`ChatApp admin` cannot reach this server: {error}");
                log.warn("admin", message, wall);
            }
        }
    }

    pub(crate) fn wants_to_leave(&self) -> bool {
        self.wants_to_leave
    }

    /// Returns, once, whether the lists are to be read again.
    pub(crate) fn wants_reload(&mut self) -> bool {
        mem::take(&mut self.wants_reload)
    }

    /// Logs that the lists were read again, and answers those that wait for it.
    pub(crate) fn reloaded(
        &mut self,
        result: &Result<String, String>,
        log: &ServerLog,
        wall: UnixSeconds,
    ) {
        let (level, message) = match result {
            Ok(message) => (Level::Info, message),
            Err(message) => (Level::Error, message),
        };
        let record = Record {
            level,
            kind: "reloaded",
            fields: Fields::default(),
            message: message.clone(),
        };
        log.write(&record, wall);
        for caller in self.reloading.drain(..) {
            caller.answer(&match result {
                Ok(message) => Answer::done(message),
                Err(message) => Answer::failed(message),
            });
        }
    }

    /// Executes the lines typed so far. At the end of the input, the server continues to run. A log
    /// that nobody reads stops no command: answers without room are lost, but for the counters.
    pub(crate) fn execute(&mut self, log: &ServerLog, server: &mut Server<'_>, wall: UnixSeconds) {
        self.settle(log, server, wall);
        while let Some((line, caller)) = self.socket.as_ref().and_then(AdminSocket::poll) {
            self.take(&line, From::Socket(caller), log, server, wall);
        }
        for _ in 0..LINES_PER_TURN {
            let Some(input) = &mut self.input else { break };
            match input.next() {
                Next::Typed(Typed::Line(line)) => {
                    self.take(&line, From::Console, log, server, wall);
                }
                Next::Typed(_) => log.answer("help", UNKNOWN, wall),
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

    /// Takes an order. If it changes the room, the answer waits until it is stored.
    fn take(
        &mut self,
        line: &str,
        from: From,
        log: &ServerLog,
        server: &mut Server<'_>,
        wall: UnixSeconds,
    ) {
        let order = match Order::parse(line) {
            Ok(Some(order)) => order,
            Ok(None) => {
                if let From::Socket(caller) = from {
                    caller.answer(&Answer::failed(UNKNOWN));
                }
                return;
            }
            Err(message) => return answer(from, "help", Answer::failed(message), log, wall),
        };
        match order {
            Order::Help => answer(from, "help", Answer::done(HELP.join("\n")), log, wall),
            Order::Who => answer(from, "who", who(server), log, wall),
            Order::Bans => answer(from, "bans", bans(server), log, wall),
            Order::Stats => match from {
                From::Console => self.wants_stats = true,
                From::Socket(caller) => caller.answer(&Answer {
                    stats: Some(Counters::of(server)),
                    ..Answer::done(Report::of(server).to_string())
                }),
            },
            Order::Reload => {
                self.wants_reload = true;
                if let From::Socket(caller) = from {
                    self.reloading.push(caller);
                }
            }
            Order::Quit => {
                self.wants_to_leave = true;
                if let From::Socket(caller) = from {
                    caller.answer(&Answer::done("The server ends."));
                }
            }
            Order::Change(change) => match give(&change, server, wall) {
                Ok((id, what)) => self.waiting.push(Waiting { id, from, what }),
                Err(error) => {
                    let message = format!("Not done: {error}.");
                    answer(from, "order", Answer::failed(message), log, wall);
                }
            },
        }
    }

    /// Answers the orders that are stored, or could not be.
    fn settle(&mut self, log: &ServerLog, server: &mut Server<'_>, wall: UnixSeconds) {
        while let Some((id, result)) = server.poll_order() {
            let Some(place) = self.waiting.iter().position(|waiting| waiting.id == id) else {
                continue;
            };
            let Waiting { from, what, .. } = self.waiting.swap_remove(place);
            let done = match result {
                Ok(()) => Answer::done(what),
                Err(StoreFailed) => Answer::failed("Not done: the store failed."),
            };
            answer(from, "order", done, log, wall);
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

/// Answers at the place where the order came from. The log has the orders of both places.
fn answer(from: From, kind: &'static str, answer: Answer, log: &ServerLog, wall: UnixSeconds) {
    match from {
        From::Console => log.answer(kind, &answer.message, wall),
        From::Socket(caller) => {
            if kind == "order" {
                log.answer(kind, &answer.message, wall);
            }
            caller.answer(&answer);
        }
    }
}

/// Gives an order to the server; returns what is done once it is stored.
fn give(
    change: &Change,
    server: &mut Server<'_>,
    wall: UnixSeconds,
) -> Result<(OrderId, String), OrderError> {
    Ok(match change {
        Change::Kick(name) => {
            let id = server.kick(name.as_str())?;
            let name = Visible(name.as_str());
            (
                id,
                format!("{name} is put out, and stays out for a minute."),
            )
        }
        Change::Forget(name) => {
            let id = server.forget_name(name.as_str())?;
            let name = Visible(name.as_str());
            let what = "the name is free, and its stored messages are dropped.";
            (id, format!("{name} is forgotten: {what}"))
        }
        Change::Withdraw(name) => {
            let id = server.withdraw(name.as_str())?;
            let name = Visible(name.as_str());
            let what = "that others have not fetched are withdrawn.";
            (id, format!("The messages of {name} {what}"))
        }
        Change::Announce(text) => (
            server.announce_to_all(text)?,
            "The announcement is in the channel.".to_owned(),
        ),
        Change::Restrict {
            kind,
            subject,
            for_s,
        } => {
            let until = for_s.map(|for_s| UnixSeconds(wall.0.saturating_add(for_s)));
            let id = server.restrict(Restriction {
                kind: *kind,
                subject: subject.clone(),
                until,
            })?;
            let (what, until) = (participle(*kind), until_text(until));
            (id, format!("{subject} is {what}{until}."))
        }
        Change::Lift { kind, subject } => {
            let id = server.lift(*kind, subject)?;
            let what = participle(*kind);
            (id, format!("{subject} is not {what} any more."))
        }
    })
}

fn participle(kind: RestrictionKind) -> &'static str {
    match kind {
        RestrictionKind::Ban => "banned",
        RestrictionKind::Mute => "muted",
    }
}

fn until_text(until: Option<UnixSeconds>) -> String {
    until.map_or_else(String::new, |at| {
        let utc_offset = utc_offset(at);
        format!(" until {}", Stamp { at, utc_offset })
    })
}

/// Lists all names.
fn who(server: &Server<'_>) -> Answer {
    let rows: Vec<NameRow> = server
        .table()
        .map(|entry| NameRow {
            name: entry.name.to_owned(),
            online: entry.online,
            address: entry.address.to_string(),
            key: server
                .key_of(entry.name)
                .map_or_else(String::new, |key| key.to_string()),
        })
        .collect();
    let mut message = String::new();
    for row in &rows {
        let NameRow {
            name,
            online,
            address,
            key,
        } = row;
        let status = if *online { "online " } else { "offline" };
        // Writing to a string cannot fail.
        let _ = writeln!(message, "{}  {status}  {address}  key {key}", Visible(name));
    }
    let online = rows.iter().filter(|row| row.online).count();
    let _ = write!(message, "{} names, {online} online", rows.len());
    Answer {
        names: Some(rows),
        ..Answer::done(message)
    }
}

/// Lists the restrictions in force.
fn bans(server: &Server<'_>) -> Answer {
    let mut message = String::new();
    let rows: Vec<RestrictionRow> = server
        .restrictions()
        .map(|restriction| {
            let kind = match restriction.kind {
                RestrictionKind::Ban => "ban",
                RestrictionKind::Mute => "mute",
            };
            let (subject, value) = match &restriction.subject {
                Subject::Name(name) => ("name", name.as_str().to_owned()),
                Subject::Key(key) => ("key", key.to_string()),
                Subject::Source(ip) => ("address", ip.to_string()),
            };
            let until = until_text(restriction.until);
            let _ = writeln!(message, "{kind} {subject} {}{until}", Visible(&value));
            RestrictionRow {
                kind,
                subject,
                value,
                until: restriction.until.map(|until| until.0),
            }
        })
        .collect();
    let _ = write!(message, "{} bans and mutes", rows.len());
    Answer {
        restrictions: Some(rows),
        ..Answer::done(message)
    }
}
