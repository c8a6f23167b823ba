//! The session between the user and the state machine.

mod keys;

use std::collections::HashSet;
use std::io;
use std::mem;
use std::sync::Arc;

use chatapp_console as console;
use chatapp_core::{Client, ClientEvent, Command, CommandError, Instant, PublicKey, Request};
use chatapp_mio::Waker;
use serde_json::Value;

use super::conversation::{Conversation, Meaning};
use super::end::End;
use super::known_keys::KnownKeys;
use super::line::Line;
use super::message_log::MessageLog;
use super::order::Order;
use super::output::Output;
use super::stall::Stall;
use crate::data::Remembered;
use crate::exit::Exit;
use crate::input::{Input, Next, Typed};
use crate::spelling;
use crate::terminal::Gate;
use crate::typed;

/// Maximum number of typed lines that are taken between two polls of the network.
const LINES_PER_TURN: usize = 256;

/// Time to leave the room after a signal if the output has no room.
const HURRY_MS: u64 = 1_000;

/// State of the session of one user.
pub(super) struct Session<'a> {
    output: Output<'a>,
    input: Input,
    waker: Waker,
    keys: KnownKeys,
    stall: Stall,
    /// The line editor, if there is one.
    gate: Option<Arc<Gate>>,
    /// The conversation of a person at a terminal.
    conversation: Conversation,
    /// Line for which the client had no room.
    deferred: Option<Line>,
    /// The client was registered at least once.
    has_started: bool,
    /// The client takes no further line: it finishes, deregisters and ends.
    is_leaving: bool,
    is_deregistering: bool,
    /// Lines wait until the client has entered the room: a script does not wait for the table by
    /// itself.
    waits_for_room: bool,
    /// The client tries to enter the room until the server answers.
    is_persistent: bool,
    /// The server did not answer the first registration, and another one is due.
    enters_again: bool,
    /// Events arrived since the client had no room for a command.
    had_event: bool,
    end: Option<End>,
    /// When the client ends even if its output has no room.
    over_at: Option<Instant>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        output: Output<'a>,
        input: Input,
        waker: Waker,
        gate: Option<Arc<Gate>>,
        waits_for_room: bool,
    ) -> Self {
        Self {
            output,
            input,
            waker,
            keys: KnownKeys::default(),
            stall: Stall::default(),
            gate,
            conversation: Conversation::default(),
            deferred: None,
            has_started: false,
            is_leaving: false,
            is_deregistering: false,
            waits_for_room,
            is_persistent: false,
            enters_again: false,
            had_event: false,
            end: None,
            over_at: None,
        }
    }

    /// Accepts lines without a command, for the partner of this conversation.
    pub(super) fn conversing(mut self, conversation: Conversation) -> Self {
        self.conversation = conversation;
        self
    }

    /// Uses the stored state of earlier processes, and stores new state for later ones.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(super) fn remembering(self, remembered: Remembered) -> io::Result<Self> {
        let waker = self.waker.clone();
        let keys = KnownKeys::of(remembered, move || waker.wake())?;
        if let Some(record) = keys.recorder() {
            self.output.display().record_with(record);
        }
        Ok(Self { keys, ..self })
    }

    /// Enters all further messages into this log.
    pub(super) fn logging_to(self, log: Option<MessageLog>) -> Self {
        let output = self.output.logging_to(log);
        Self { output, ..self }
    }

    /// Tries to enter the room until the server answers, if `is_persistent`. Lines wait meanwhile,
    /// because a registration that fails settles them.
    pub(super) fn trying_until_answered(self, is_persistent: bool) -> Self {
        Self {
            is_persistent,
            waits_for_room: self.waits_for_room || is_persistent,
            ..self
        }
    }

    /// Returns the key that the server has proved to hold, now or earlier.
    pub(super) fn server_key(&self) -> Option<PublicKey> {
        self.keys.server()
    }

    /// Registers for the first time.
    ///
    /// # Errors
    /// Returns the error of the client.
    pub(super) fn enter(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
    ) -> Result<(), CommandError> {
        let name = self.output.name();
        self.command(client, now, Command::Register { name }, None)
    }

    fn command(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
        command: Command<'_>,
        tag: Option<&Value>,
    ) -> Result<(), CommandError> {
        let id = client.command(now, command)?;
        self.output.taken(id, command, tag, now);
        Ok(())
    }

    /// Leaves on a signal.
    pub(super) fn interrupt(&mut self, now: Instant) {
        self.hurry(now);
        if !self.is_leaving {
            self.leave_soon();
            self.output.display().interrupted();
        }
    }

    /// Leaves the room if the output has failed: the others see at once that nobody reads here.
    pub(super) fn check_output(&mut self, now: Instant) {
        if self.output.display().is_broken() {
            self.hurry(now);
            if !self.is_leaving {
                self.leave_soon();
            }
        }
    }

    /// From now on, the end waits for a reader for a moment only.
    fn hurry(&mut self, now: Instant) {
        self.over_at.get_or_insert(now.plus_millis(HURRY_MS));
    }

    /// Takes no further line, and closes the line editor: output no longer waits for it.
    fn leave_soon(&mut self) {
        self.is_leaving = true;
        self.close_editor();
    }

    fn end_with(&mut self, end: End) {
        self.end = Some(end);
        self.close_editor();
    }

    fn close_editor(&self) {
        if let Some(gate) = &self.gate {
            gate.close();
        }
    }

    /// Passes typed lines to the client while it and the display have room.
    pub(super) fn take_input(&mut self, client: &mut Client<'_>, now: Instant) {
        self.take_receipts(client, now);
        if self.enters_again && !self.is_leaving {
            self.enters_again = self.enter(client, now).is_err();
        }
        for _ in 0..LINES_PER_TURN {
            if self.is_leaving {
                return self.leave(client, now);
            }
            self.waits_for_room &= !client.is_registered();
            if self.waits_for_room || !self.has_room() {
                return;
            }
            let line = match self.deferred.take() {
                Some(line) => line,
                None => match self.input.next() {
                    Next::Nothing => return,
                    Next::End => {
                        self.leave_soon();
                        continue;
                    }
                    Next::Typed(typed) => match self.line_of(typed, now) {
                        Some(line) => line,
                        None => continue,
                    },
                },
            };
            if self.execute(client, now, &line) == Executed::NoRoom {
                self.deferred = Some(line);
                return;
            }
        }
        // More lines may wait, and no thread announces them again.
        self.waker.wake();
    }

    /// Returns a typed line. Shows any other item, and returns `None` for it.
    fn line_of(&mut self, typed: Typed, now: Instant) -> Option<Line> {
        self.output.display().entered();
        match typed {
            Typed::Line(line) => return self.with_command(line, now),
            Typed::Unusable(error) => self.output.show_error(error),
            Typed::Notice(notice) => self.output.show_notice(notice),
        }
        None
    }

    /// Returns a typed line with its command, which a conversation may leave out.
    fn with_command(&mut self, line: String, now: Instant) -> Option<Line> {
        match self.conversation.read(&line, now) {
            Meaning::Line(line) => return Some(Line::typed(line.into_owned())),
            Meaning::Exact(line) => return Some(Line::exact(line)),
            Meaning::Notice(notice) => self.output.show_notice(notice),
            Meaning::Mistake(mistake) => self.output.show_error(mistake),
            Meaning::History(count) => self.output.history(count),
        }
        None
    }

    fn execute(&mut self, client: &mut Client<'_>, now: Instant, line: &Line) -> Executed {
        let text = &*line.text;
        if self.output.speaks_json() && Order::is_one(text) {
            return self.execute_object(client, now, text);
        }
        match typed::parse(text) {
            Ok(None) => {}
            Ok(Some(typed::Request::Room(console::Input::Command(command)))) if line.is_exact => {
                return self.execute_command(client, now, command, None);
            }
            Ok(Some(request)) => return self.execute_request(client, now, request, None),
            Err(error) => self.output.not_understood(error),
        }
        Executed::Done
    }

    fn execute_object(&mut self, client: &mut Client<'_>, now: Instant, line: &str) -> Executed {
        let order = match Order::read(line) {
            Ok(order) => order,
            Err(error) => {
                self.output.bad_object(&error, None);
                return Executed::Done;
            }
        };
        match order.request(self.output.name()) {
            Ok(request) => return self.execute_request(client, now, request, order.tag.as_ref()),
            Err(error) => self.output.bad_object(&error, order.tag.as_ref()),
        }
        Executed::Done
    }

    fn execute_request(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
        request: typed::Request<'_>,
        tag: Option<&Value>,
    ) -> Executed {
        match request {
            typed::Request::Room(input) => self.execute_input(client, now, input, tag),
            typed::Request::Keys(request) => self.execute_about_keys(client, now, request, tag),
        }
    }

    fn execute_input(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
        input: console::Input<'_>,
        tag: Option<&Value>,
    ) -> Executed {
        match input {
            console::Input::Help => self.output.help(),
            // Before the first table there is nothing to show.
            console::Input::Table if self.output.is_registering() => return Executed::NoRoom,
            console::Input::Table => {
                let verified = self.keys.verified().unwrap_or_else(|error| {
                    self.output
                        .show_error(format_args!("[Verified keys cannot be read: {error}]"));
                    HashSet::new()
                });
                self.output.table(client, &verified, now);
            }
            console::Input::Quit => self.leave_soon(),
            console::Input::Command(typed) => {
                let is_known = |name: &str| client.table().any(|entry| entry.name == name);
                let name = spelling::name_in(&typed).map(|name| spelling::known(name, is_known));
                let command = spelling::with_name(typed, name.as_deref());
                return self.execute_command(client, now, command, tag);
            }
        }
        Executed::Done
    }

    fn execute_command(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
        command: Command<'_>,
        tag: Option<&Value>,
    ) -> Executed {
        match self.command(client, now, command, tag) {
            Ok(()) => {}
            Err(CommandError::Busy) => return Executed::NoRoom,
            Err(error) => self.output.not_taken(command, error, tag),
        }
        Executed::Done
    }

    /// Leaves the room, once; the client first completes its pending commands.
    fn leave(&mut self, client: &mut Client<'_>, now: Instant) {
        if client.is_registered() && !self.is_deregistering {
            let name = self.output.name();
            // If the client has no room for it, the session retries after the next event.
            self.is_deregistering = self
                .command(client, now, Command::Deregister { name }, None)
                .is_ok();
        }
    }

    fn take_receipts(&mut self, client: &mut Client<'_>, now: Instant) {
        for receipt in self.output.display().written() {
            client.handle_shown(now, receipt);
            self.conversation.note_written(&receipt, now);
        }
    }

    /// Acknowledges the messages that the output has taken, and shows events while the display has
    /// room.
    pub(super) fn show_events(&mut self, client: &mut Client<'_>, now: Instant) {
        self.take_receipts(client, now);
        self.learn_pins(client);
        loop {
            self.note_keys(client, now);
            if !self.has_room() {
                break;
            }
            let Some(event) = client.poll_event() else {
                break;
            };
            self.had_event = true;
            match event {
                ClientEvent::ServerNotResponding {
                    request: Request::Register,
                    ..
                } if !self.has_started => {
                    self.enters_again = self.is_persistent && !self.is_leaving;
                    if self.enters_again {
                        self.output.not_reached(&event, now);
                    } else {
                        self.output.last_event(&event, now);
                        self.end_with(End::Silent);
                    }
                    continue;
                }
                ClientEvent::ForeignVersion { version } if !self.has_started => {
                    self.output.last_event(&event, now);
                    self.end_with(End::ForeignVersion(version));
                    continue;
                }
                ClientEvent::ServerKeyChanged { key } => {
                    self.end_with(End::ServerKeyChanged(key));
                    if !self.has_started {
                        self.output.last_event(&event, now);
                        continue;
                    }
                }
                ClientEvent::ServerNotResponding {
                    request: Request::Deregister,
                    ..
                }
                | ClientEvent::ForeignVersion { .. } => self.end_with(End::Exit(Exit::NoServer)),
                ClientEvent::Refused { .. } => self.end_with(End::Exit(Exit::Refused)),
                ClientEvent::Registered => {
                    self.has_started = true;
                    if let Err(error) = self.keys.store_given() {
                        self.not_remembered(&error);
                    }
                }
                ClientEvent::Message {
                    from,
                    channel: false,
                    receipt: Some(receipt),
                    ..
                } => self.conversation.note_sender(*receipt, from),
                _ => {}
            }
            self.output.event(&event, now);
            if let Some(receipt) = event.receipt() {
                self.output.display().mark(receipt);
            }
        }
        // Some keys arrive without an event.
        self.note_keys(client, now);
    }

    /// Returns when [`tick`](Self::tick) is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let display = self.output.display();
        let waits = !self.has_room() || !display.has_returned_all();
        let over_at = self.over_at.filter(|_| waits);
        let dues = [self.output.due(), over_at, self.stall.due()];
        dues.into_iter().flatten().min()
    }

    /// Shows the lines that are due.
    pub(super) fn tick(&mut self, client: &Client<'_>, now: Instant) {
        self.watch_disk(now);
        if !self.is_leaving {
            self.output.tick(client, now);
        }
    }

    /// Returns whether to retry a command at once for which the client had no room.
    pub(super) fn should_retry(&mut self) -> bool {
        mem::take(&mut self.had_event)
            && (self.is_leaving
                || self.deferred.is_some()
                || self.waits_for_room
                || self.enters_again)
    }

    /// Returns the reason to end, once everything was shown, or nothing can be shown. A client has
    /// left when its output has taken all messages, and the others know that.
    pub(super) fn end(&self, client: &Client<'_>, now: Instant) -> Option<End> {
        let display = self.output.display();
        let has_left = self.is_leaving && !client.is_registered() && client.is_idle();
        let is_over = self.over_at.is_some_and(|over_at| over_at <= now);
        if !self.has_room() {
            let is_over = is_over || (display.is_broken() && has_left);
            return is_over.then_some(End::Exit(Exit::System));
        }
        let gives_up = is_over && !display.has_returned_all();
        self.end
            .or(has_left.then_some(End::Exit(Exit::Done)))
            .or(gives_up.then_some(End::Exit(Exit::System)))
    }

    /// Returns the output, and the keys, whose end may wait for the disk.
    pub(super) fn into_parts(self) -> (Output<'a>, KnownKeys) {
        (self.output, self.keys)
    }
}

/// Result of a typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Executed {
    Done,
    /// The client has no room yet; the session retries.
    NoRoom,
}
