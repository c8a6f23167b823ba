//! One person's client: typed lines in, displayed lines out.

use std::io::{self, IsTerminal};
use std::mem;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use chatapp_console::{self as console, HELP, Wording};
use chatapp_core::{
    Client, ClientConfig, ClientEvent, Command, CommandError, Instant, Request, Shown,
};
use chatapp_mio::{ClientLimits, ClientMemory, Driver, Socket, Waker, seed};
use chatapp_store::Memory;

use crate::cli::ClientOptions;
use crate::data::open_memory;
use crate::display::{Display, Prompt};
use crate::exit::{Exit, Failure};
use crate::input::{Input, Next, Typed};
use crate::local_time::utc_offset;
use crate::signals;

/// Typed lines that are taken before the network gets its turn.
const LINES_PER_TURN: usize = 256;

/// Runs a client until it ends.
pub(crate) fn run(options: &ClientOptions) -> Result<Exit, Failure> {
    let socket = Socket::bind(options.bind, options.port).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("cannot use client port {}: {error}", options.port),
        )
    })?;
    let server = find_server(options, &socket)?;
    let mut driver = Driver::new(socket).map_err(Failure::system("cannot wait for events"))?;
    let waker = driver.waker();
    let seed = seed().map_err(Failure::system("cannot get random numbers"))?;
    let asked = signals::watch(waker.clone()).map_err(Failure::system("cannot catch signals"))?;
    let to_wake = waker.clone();
    let display = Display::start(io::stdout(), prompt(), move || to_wake.wake())
        .map_err(Failure::system("cannot start a thread"))?;
    let input = Input::start(waker.clone()).map_err(Failure::system("cannot start a thread"))?;

    let mut memory = ClientMemory::new(ClientLimits {
        peers: options.peers as usize,
        ..ClientLimits::default()
    })
    .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    let config = ClientConfig::new(options.name.clone(), server);
    let mut client = Client::new(config, memory.storage(), seed)
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    let folder = options.data.client_folder(server, options.name.as_str());
    let memory = folder.and_then(|folder| open_memory(&folder, &mut client));
    client
        .command(
            driver.now(),
            Command::Register {
                name: options.name.as_str(),
            },
        )
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;

    let wording = Wording {
        name: options.name.as_str(),
        utc_offset,
    };
    let mut session = Session::new(wording, display, input, memory, waker);
    let end = loop {
        if asked.to_leave() {
            session.interrupt();
        }
        session.take_input(&mut client, driver.now());
        driver
            .work(&mut client, |client, _| session.show_events(client))
            .map_err(Failure::system("cannot wait for events"))?;
        if let Some(end) = session.end(&client) {
            break end;
        }
        if session.takes_up_again() {
            continue;
        }
        driver
            .rest(&client)
            .map_err(Failure::system("cannot wait for events"))?;
    };
    session
        .display
        .finish()
        .map_err(Failure::system("cannot write to standard output"))?;
    match end {
        End::Exit(exit) => Ok(exit),
        End::Silent => Err(Failure::new(
            Exit::NoServer,
            format!("the server at {server} does not respond"),
        )),
        End::ForeignVersion(version) => Err(Failure::new(
            Exit::NoServer,
            format!(
                "the server speaks version {version}, this program speaks version {}",
                chatapp_core::wire::VERSION
            ),
        )),
    }
}

/// The address of the server that this socket can reach; IPv4 first, which every machine has.
fn find_server(options: &ClientOptions, socket: &Socket) -> Result<SocketAddr, Failure> {
    let host = options.server_host.as_str();
    let unusable = |why: String| Failure::new(Exit::Usage, format!("cannot find {host}: {why}"));
    let mut addresses: Vec<SocketAddr> = (host, options.server_port)
        .to_socket_addrs()
        .map_err(|error| unusable(error.to_string()))?
        .filter(|address| socket.reaches(*address))
        .collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.first().copied().ok_or_else(|| {
        unusable("it has no address of the kind that this machine, or --bind, can reach".into())
    })
}

fn prompt() -> Prompt {
    match (io::stdin().is_terminal(), io::stdout().is_terminal()) {
        (_, false) => Prompt::None,
        (false, true) => Prompt::Prefix,
        (true, true) => Prompt::Standing,
    }
}

/// How a client ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Exit(Exit),
    /// The server did not answer the first registration.
    Silent,
    /// The server answered the first registration in another version.
    ForeignVersion(u8),
}

/// What is between the person and the state machine.
struct Session<'a> {
    wording: Wording<'a>,
    display: Display,
    input: Input,
    memory: Option<Arc<Mutex<Memory>>>,
    waker: Waker,
    /// A line that the client had no room for.
    held: Option<String>,
    /// It was registered once.
    has_started: bool,
    /// No further line is taken: finish, deregister, end.
    is_leaving: bool,
    is_deregistering: bool,
    /// There were events since the client had no room for something.
    has_news: bool,
    end: Option<End>,
}

impl<'a> Session<'a> {
    fn new(
        wording: Wording<'a>,
        display: Display,
        input: Input,
        memory: Option<Memory>,
        waker: Waker,
    ) -> Self {
        Self {
            wording,
            display,
            input,
            memory: memory.map(|memory| Arc::new(Mutex::new(memory))),
            waker,
            held: None,
            has_started: false,
            is_leaving: false,
            is_deregistering: false,
            has_news: false,
            end: None,
        }
    }

    /// Leaves because a signal said so.
    fn interrupt(&mut self) {
        if !self.is_leaving {
            self.is_leaving = true;
            self.display.interrupted();
        }
    }

    /// Gives typed lines to the client while it and the display have room.
    fn take_input(&mut self, client: &mut Client<'_>, now: Instant) {
        for _ in 0..LINES_PER_TURN {
            if self.is_leaving {
                return self.leave(client, now);
            }
            if !self.display.has_room() {
                return;
            }
            let line = match self.held.take() {
                Some(line) => line,
                None => match self.input.next() {
                    Next::Nothing => return,
                    Next::End => {
                        self.is_leaving = true;
                        continue;
                    }
                    Next::Typed(typed) => {
                        self.display.entered();
                        match typed {
                            Typed::Line(line) => line,
                            Typed::TooLong(len) => {
                                self.display.line(format_args!(
                                    "[The line has {len} bytes; no command is that long.]"
                                ));
                                continue;
                            }
                            Typed::NotUtf8 => {
                                self.display
                                    .line("[The line is not UTF-8; it was not sent.]");
                                continue;
                            }
                        }
                    }
                },
            };
            if self.obey(client, now, &line) == Obeyed::NoRoom {
                self.held = Some(line);
                return;
            }
        }
        // There may be more, and nothing else would say so.
        self.waker.wake();
    }

    fn obey(&mut self, client: &mut Client<'_>, now: Instant, line: &str) -> Obeyed {
        match console::parse(line) {
            Ok(None) => {}
            Ok(Some(console::Input::Help)) => HELP.iter().for_each(|line| self.display.line(line)),
            Ok(Some(console::Input::Table)) => self.show_table(client),
            Ok(Some(console::Input::Quit)) => self.is_leaving = true,
            Ok(Some(console::Input::Command(command))) => match client.command(now, command) {
                Ok(_) => {}
                Err(CommandError::Busy) => return Obeyed::NoRoom,
                Err(error) => {
                    let to = if let Command::Send { to, .. } = command {
                        to
                    } else {
                        ""
                    };
                    self.display.line(self.wording.command_error(error, to));
                }
            },
            Err(error) => self.display.line(error),
        }
        Obeyed::Done
    }

    fn show_table(&self, client: &Client<'_>) {
        let mut rows: Vec<_> = client.table().collect();
        rows.sort_by_key(|entry| entry.name);
        let name_width = rows
            .iter()
            .map(|entry| entry.name.chars().count())
            .max()
            .unwrap_or(0);
        for entry in rows {
            self.display.line(console::Row { entry, name_width });
        }
    }

    /// Leaves the room, once; the client finishes first what is on its way.
    fn leave(&mut self, client: &mut Client<'_>, now: Instant) {
        if client.is_registered() && !self.is_deregistering {
            let name = self.wording.name;
            // While there is no room for it, it is tried again after the next event.
            self.is_deregistering = client.command(now, Command::Deregister { name }).is_ok();
        }
    }

    /// Shows what has happened, as far as the display has room: what is not taken is not acknowledged.
    fn show_events(&mut self, client: &mut Client<'_>) {
        let mut shown = Vec::new();
        while self.display.has_room() {
            let Some(event) = client.poll_event() else {
                break;
            };
            self.has_news = true;
            match event {
                ClientEvent::ServerNotResponding {
                    request: Request::Register,
                    ..
                } if !self.has_started => {
                    self.end = Some(End::Silent);
                    continue;
                }
                ClientEvent::ForeignVersion { version } if !self.has_started => {
                    self.end = Some(End::ForeignVersion(version));
                    continue;
                }
                ClientEvent::ServerNotResponding {
                    request: Request::Deregister,
                    ..
                }
                | ClientEvent::ForeignVersion { .. } => self.end = Some(End::Exit(Exit::NoServer)),
                ClientEvent::Refused { .. } => self.end = Some(End::Exit(Exit::Refused)),
                ClientEvent::Registered => self.has_started = true,
                _ => {}
            }
            for line in self.wording.event(&event) {
                self.display.line(line);
            }
            shown.extend(client.poll_persist());
        }
        self.remember(shown);
    }

    /// Remembers messages, once they are shown.
    fn remember(&self, shown: Vec<Shown>) {
        let Some(memory) = self.memory.as_ref().filter(|_| !shown.is_empty()) else {
            return;
        };
        let memory = Arc::clone(memory);
        self.display.afterwards(move || {
            // What cannot be remembered may be shown again, if this process ends before it is acknowledged.
            let _ = memory
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .note(&shown);
        });
    }

    /// Whether something that the client had no room for is to be tried again at once.
    fn takes_up_again(&mut self) -> bool {
        mem::take(&mut self.has_news) && (self.is_leaving || self.held.is_some())
    }

    /// Whether it is time to end: everything was shown, or nothing can be.
    fn end(&self, client: &Client<'_>) -> Option<End> {
        if self.display.is_broken() {
            return Some(End::Exit(Exit::System));
        }
        if !self.display.has_room() {
            return None;
        }
        let has_left = self.is_leaving && !client.is_registered() && client.is_idle();
        self.end.or(has_left.then_some(End::Exit(Exit::Done)))
    }
}

/// What became of a typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obeyed {
    Done,
    /// The client takes it later.
    NoRoom,
}
