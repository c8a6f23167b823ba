//! The client: reads lines from the console and shows events there.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::net::SocketAddr;
use core::panic::PanicInfo;

use chatapp_console::{Answers, HELP, Input, OTHER_KEY_HELP, Row, Silence, Typed, Wording, parse};
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientRecord, Command, CommandError, Identity, Instant,
    Name, Request, Seed, StorageError,
};
use chatapp_firmware::board::{self, Uart};
use chatapp_firmware::machine::{self, Console, Machine};
use chatapp_firmware::memory::{self, ClientMemory};
use chatapp_firmware::settings::Role;
use cortex_m_rt::entry;
use static_cell::{ConstStaticCell, StaticCell};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    board::stop(info)
}

#[entry]
fn main() -> ! {
    let Machine {
        console,
        stack,
        mut ethernet,
        event_loop,
        mut clock,
        mut settings,
    } = Machine::start(Role::Client);
    let (name, server) = settings
        .name
        .zip(settings.server)
        .expect("a client has both");
    let client = match client(
        name.clone(),
        server.into(),
        settings.identity,
        Seed::new(&mut settings.seed.0),
    ) {
        Ok(client) => client,
        Err(error) => machine::fail(console, error),
    };
    if let Some(key) = settings.server_key {
        client.restore(ClientRecord::ServerKey(key));
    }
    let mut session = Session::of(&name);
    if let Err(error) = session.enter(client, clock.now()) {
        machine::fail(console, session.wording.command_error(error, name.as_str()));
    }
    loop {
        let now = clock.now();
        session.take_line(console, client, now);
        let mut network = stack.on(&mut ethernet);
        event_loop.poll(client, &mut network, now, |client, now| {
            session.show_events(console, client, now);
        });
        match session.end(client) {
            None => {}
            Some(End::Done) => machine::end(),
            Some(End::Silent) => machine::fail(
                console,
                format_args!("[The server at {server} does not respond.]"),
            ),
        }
        if !session.wants_another_turn() {
            clock.sleep_until(event_loop.next_deadline(client, &network));
        }
    }
}

/// Creates the client. A separate function, so that its stack is free again afterwards.
#[inline(never)]
fn client(
    name: Name,
    server: SocketAddr,
    identity: Identity,
    seed: Seed<'_>,
) -> Result<&'static mut Client<'static>, StorageError> {
    static MEMORY: ConstStaticCell<ClientMemory> = ConstStaticCell::new(ClientMemory::new());
    static CLIENT: StaticCell<Client<'_>> = StaticCell::new();

    let config = ClientConfig {
        window: memory::WINDOW,
        ..ClientConfig::new(name, server)
    };
    let storage = MEMORY.take().storage();
    Client::new(config, storage, identity, seed).map(|client| CLIENT.init(client))
}

/// State between the console and the state machine.
struct Session<'a> {
    wording: Wording<'a>,
    /// The client was registered at least once.
    has_started: bool,
    /// The client takes no further line: it finishes, deregisters and ends.
    is_leaving: bool,
    is_deregistering: bool,
    /// Lines or events arrived since the client had no room for a command.
    had_event: bool,
    silence: Silence,
    end: Option<End>,
}

/// Reasons for the end of the client.
#[derive(Clone, Copy)]
enum End {
    Done,
    /// The server did not answer the first registration.
    Silent,
}

/// Result of a typed line.
#[derive(PartialEq, Eq)]
enum Executed {
    Done,
    /// The client has no room yet; the session retries.
    NoRoom,
}

impl<'a> Session<'a> {
    fn of(name: &'a Name) -> Self {
        let wording = Wording {
            name: name.as_str(),
            // The board has no time zone.
            utc_offset: |_| 0,
        };
        Self {
            wording,
            has_started: false,
            is_leaving: false,
            is_deregistering: false,
            had_event: false,
            silence: Silence::default(),
            end: None,
        }
    }

    /// Registers for the first time.
    fn enter(&self, client: &mut Client<'_>, now: Instant) -> Result<(), CommandError> {
        let name = self.wording.name;
        client.command(now, Command::Register { name }).map(drop)
    }

    /// Takes one line, so that the network is polled between two lines.
    fn take_line(&mut self, console: &mut Console, client: &mut Client<'_>, now: Instant) {
        if self.is_leaving {
            return self.leave(client, now);
        }
        let Ok(typed) = console.read_line();
        let Some((typed, mut answers)) = typed else {
            return;
        };
        let executed = match typed {
            Typed::Line(line) => self.execute(client, now, line, &mut answers),
            Typed::Unusable(error) => {
                let Ok(()) = answers.show(error);
                Executed::Done
            }
            Typed::End => {
                self.is_leaving = true;
                Executed::Done
            }
        };
        if executed == Executed::NoRoom {
            console.keep_line();
        } else {
            self.had_event = true;
        }
    }

    fn execute(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
        line: &str,
        answers: &mut Answers<'_, Uart>,
    ) -> Executed {
        let Ok(()) = match parse(line) {
            Ok(None) => Ok(()),
            Ok(Some(Input::Help)) => HELP.iter().try_for_each(|line| answers.show(line)),
            Ok(Some(Input::Table)) => show_table(client, answers),
            Ok(Some(Input::Quit)) => {
                self.is_leaving = true;
                Ok(())
            }
            Ok(Some(Input::Command(command))) => match client.command(now, command) {
                Ok(_) => Ok(()),
                Err(CommandError::Busy) => return Executed::NoRoom,
                Err(error) => {
                    let recipient = match command {
                        Command::Send { to, .. } => to,
                        _ => "",
                    };
                    answers.show(self.wording.command_error(error, recipient))
                }
            },
            Err(error) => answers.show(error),
        };
        Executed::Done
    }

    /// Leaves the room, once; the client first completes its pending commands.
    fn leave(&mut self, client: &mut Client<'_>, now: Instant) {
        if client.is_registered() && !self.is_deregistering {
            let name = self.wording.name;
            // If the client has no room for it, the session retries after the next event.
            self.is_deregistering = client.command(now, Command::Deregister { name }).is_ok();
        }
    }

    /// Shows all events. The console takes each line at once, so receipts are returned at once.
    fn show_events(&mut self, console: &mut Console, client: &mut Client<'_>, now: Instant) {
        while let Some(event) = client.poll_event() {
            self.had_event = true;
            match event {
                ClientEvent::ServerNotResponding {
                    request: Request::Register,
                    ..
                } if !self.has_started => {
                    self.end = Some(End::Silent);
                    return;
                }
                ClientEvent::ServerNotResponding {
                    request: Request::Deregister,
                    ..
                }
                | ClientEvent::Refused { .. }
                | ClientEvent::ServerKeyChanged { .. }
                | ClientEvent::ForeignVersion { .. } => self.end = Some(End::Done),
                ClientEvent::Registered => self.has_started = true,
                _ => {}
            }
            if !self.silence.repeats(&event) {
                let Ok(()) = self
                    .wording
                    .event(&event)
                    .try_for_each(|line| console.show(line));
            }
            if let Some(receipt) = event.receipt() {
                client.handle_shown(now, receipt);
            }
        }
    }

    /// Returns whether to retry a command at once for which the client had no room.
    fn wants_another_turn(&mut self) -> bool {
        core::mem::take(&mut self.had_event)
    }

    /// Returns the reason to end, once everything is done, or nothing can be done.
    fn end(&self, client: &Client<'_>) -> Option<End> {
        let has_left = self.is_leaving && !client.is_registered() && client.is_idle();
        self.end.or(has_left.then_some(End::Done))
    }
}

/// Shows the table, sorted by name.
fn show_table(client: &Client<'_>, answers: &mut Answers<'_, Uart>) -> Result<(), Infallible> {
    let widths = client.table().map(|entry| Row::width_of(&entry));
    let name_width = widths.max().unwrap_or(0);
    let mut last = "";
    let next = |last: &str| {
        client
            .table()
            .filter(|entry| entry.name > last)
            .min_by_key(|entry| entry.name)
    };
    while let Some(entry) = next(last) {
        answers.show(Row { entry, name_width })?;
        last = entry.name;
    }
    if client.table().any(|entry| entry.foreign_key) {
        answers.show(OTHER_KEY_HELP)?;
    }
    Ok(())
}
