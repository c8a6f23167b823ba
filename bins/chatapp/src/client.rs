//! The client: reads typed lines and displays events.

mod attention;
mod conversation;
mod end;
mod ignoring;
mod json;
mod key_writer;
mod known_keys;
mod ledger;
mod line;
mod medium_store;
mod message_log;
mod order;
mod output;
mod personal;
mod roster;
mod server_place;
mod server_search;
mod session;
mod stall;
mod word;

use std::io::{self, IsTerminal};
use std::mem;
use std::path::Path;
use std::sync::Arc;

use chatapp_console::Wording;
use chatapp_core::{Client, ClientConfig, ClientRecord, IgnoredSlot, PublicKey};
use chatapp_mio::{ClientLimits, ClientMemory, Transport, Waker, seed};
use chatapp_store::client_key_file;
use clap::ColorChoice;

use crate::address::Place;
use crate::cli::ClientOptions;
use crate::data::{Remembered, open_memory};
use crate::display::{Display, Prompt, WAITING_LEN};
use crate::exit::{Exit, Failure, complain, drop_in_time};
use crate::input::Input;
use crate::keyring::server_title;
use crate::local_time::utc_offset;
use crate::network::{Network, Program};
use crate::platform::output::direct_stdout;
use crate::platform::{Hooks, Requests, signals};
use crate::style::Look;
use crate::terminal::{self, Editor, Gate, History, Names, Partner, Screen};
use attention::{Attention, Bell};
use conversation::Conversation;
use end::End;
use ignoring::IGNORED_MAX;
use known_keys::KnownKeys;
use message_log::MessageLog;
use output::{Output, OutputFormat, TerminalState};
pub(crate) use personal::PersonalOptions;
use server_place::{find_room, find_server};
use server_search::ServerSearch;
use session::Session;

/// Bytes that may wait at a terminal before the display counts as full. They hold the output that
/// arrives while the user searches the history.
const WAITING_LEN_AT_TERMINAL: usize = 64 << 10;

/// Runs a client until it ends.
pub(crate) fn run(options: &ClientOptions) -> Result<Exit, Failure> {
    let place = &find_room(options)?;
    options.network.run(options.port, Chat { options, place })
}

struct Chat<'a> {
    options: &'a ClientOptions,
    place: &'a Place,
}

impl Program for Chat<'_> {
    fn cannot_use_port(&self) -> String {
        format!("cannot use client port {}", self.options.port)
    }

    fn run<T: Transport>(self, network: Network<T>) -> Result<Exit, Failure> {
        chat(self.options, self.place, network)
    }
}

fn chat(
    options: &ClientOptions,
    place: &Place,
    mut network: Network<impl Transport>,
) -> Result<Exit, Failure> {
    let addresses = find_server(options, place, &network)?;
    let server = addresses[0];
    let state = options.data.client_folder()?;
    let key_file = state
        .as_deref()
        .map(|state| client_key_file(state, options.name.as_str()));
    let identity = options.keys.identity(key_file.as_deref())?;
    let waker = network.waker();
    let mut random = [0; 32];
    let seed = seed(&mut random).map_err(Failure::system("cannot get random numbers"))?;
    let gate = Arc::<Gate>::default();
    let requests = watch_signals(waker.clone(), &gate)?;

    let mut memory = memory(options)?;
    let mut key_slots = network.key_slots();
    let mut ignored = vec![IgnoredSlot::VACANT; IGNORED_MAX];
    let config = ClientConfig::new(options.name.clone(), server);
    let mut client = Client::new(config, memory.storage(), identity, seed)
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    client.log_keys(&mut key_slots);
    client.ignore_in(&mut ignored);

    let remembered = remember(options, place, state.as_deref(), &mut client)?;
    let mut search = ServerSearch::new(&place.host, place.port, addresses, waker.clone());
    let mut session = open(options, gate, requests.clone(), waker)?
        .remembering(remembered)
        .map_err(no_thread())?
        .trying_until_answered(options.is_persistent);
    session
        .using_medium_keys(&mut client, network.wall())
        .enter(&mut client, network.now())
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    let end = loop {
        if requests.exit_requested() {
            session.interrupt(network.now());
        }
        session.check_output(network.now());
        client.handle_wall_clock(network.wall());
        session.take_input(&mut client, network.now());
        let now = network.now();
        search.poll(&mut client, now, |address| network.reaches(address));
        network.poll(&mut client, |client, now| session.show_events(client, now))?;
        network.take_notices().iter().for_each(report);
        session.tick(&client, network.now());
        if let Some(end) = session.end(&client, network.now()) {
            break end;
        }
        if session.should_retry() {
            continue;
        }
        let due = [session.due(), search.due()].into_iter().flatten().min();
        network.park_until(&client, due)?;
    };
    network.finish().iter().for_each(report);
    finish(
        options,
        (place, &search.addresses()),
        session,
        end,
        &requests,
    )
}

/// Restores the state of an earlier client with this name, and the key that the user has given.
///
/// # Errors
/// Returns an error if the state cannot be read, or has another key.
fn remember(
    options: &ClientOptions,
    place: &Place,
    state: Option<&Path>,
    client: &mut Client<'_>,
) -> Result<Remembered, Failure> {
    let mut remembered = match state {
        Some(state) => open_memory(state, &server_title(&place.host, place.port), client)?,
        None => Remembered::default(),
    };
    if let Some(key) = options.keys.server_key() {
        expect_key(options, place, key, &mut remembered, client)?;
    }
    Ok(remembered)
}

fn memory(options: &ClientOptions) -> Result<ClientMemory, Failure> {
    let limits = ClientLimits {
        peers: options.peers as usize,
        pins: options.pins as usize,
        ..ClientLimits::default()
    };
    ClientMemory::new(limits).map_err(|error| Failure::new(Exit::System, error.to_string()))
}

/// Watches for signals, which leave the terminal as it was.
fn watch_signals(waker: Waker, gate: &Arc<Gate>) -> Result<Requests, Failure> {
    let (tidied, resumed) = (Arc::clone(gate), Arc::clone(gate));
    let hooks = Hooks {
        tidy_up: move || tidied.restore_terminal(),
        resume: move || resumed.resume(),
        reloads: false,
    };
    signals::watch(move || waker.wake(), hooks).map_err(Failure::system("cannot catch signals"))
}

/// Reports a notice about a capture or key log on standard error.
fn report(notice: &String) {
    complain(io::stderr(), format!("ChatApp: {notice}\n"));
}

/// Writes the remaining lines and returns how the client ended.
fn finish(
    options: &ClientOptions,
    (place, server): (&Place, &str),
    session: Session<'_>,
    end: End,
    requests: &Requests,
) -> Result<Exit, Failure> {
    let known_key = session.server_key();
    let (output, keys) = session.into_parts();
    let has_failed = !options.exec.is_empty() && output.has_failed();
    let end = match end {
        End::Exit(Exit::Done | Exit::NoServer) if has_failed => End::Exit(Exit::NotDelivered),
        end => end,
    };
    let written = output.finish(end.exit(), || requests.exit_requested());
    // A terminal that hangs keeps the display from doing that.
    terminal::give_back();
    close(keys);
    written.map_err(Failure::system("cannot write to standard output"))?;
    match end {
        End::Exit(exit) => Ok(exit),
        End::Silent => Err(Failure::new(
            end.exit(),
            format!("the server at {server} does not respond"),
        )),
        End::ForeignVersion(version) => Err(Failure::new(
            end.exit(),
            format!(
                "the server has protocol version {version}, this program has version {}",
                chatapp_core::wire::VERSION
            ),
        )),
        End::ServerKeyChanged(key) => Err(Failure::new(
            end.exit(),
            server_key_changed(options, place, known_key, key),
        )),
    }
}

/// Closes the stored state, if the disk answers in time.
fn close(keys: KnownKeys) {
    if keys.is_storing() {
        // The end of the process ends what waits for the disk.
        mem::forget(keys);
        complain(
            io::stderr(),
            "ChatApp: a key is not stored: the disk does not answer\n".to_owned(),
        );
    } else {
        drop_in_time(keys);
    }
}

/// Lets the client accept this key of the server only.
///
/// # Errors
/// Returns an error if the server is known with another key.
fn expect_key(
    options: &ClientOptions,
    Place { host, port }: &Place,
    key: PublicKey,
    remembered: &mut Remembered,
    client: &mut Client<'_>,
) -> Result<(), Failure> {
    match remembered.server_key {
        Some(known) if known != key => {
            let place = options.data.as_argument();
            let message = format!(
                "the server at {host} {port} is known with another key than that of --server-key. \
                 Nothing was sent.\n  the known key: {known}\n  --server-key:  {key}\n\
                 If --server-key is right, forget the known key and start again:\n  \
                 ChatApp keys forget server {host} {port}{place}"
            );
            Err(Failure::new(Exit::ServerKeyChanged, message))
        }
        Some(_) => Ok(()),
        None => {
            client.restore(ClientRecord::ServerKey(key));
            remembered.server_key = Some(key);
            remembered.given_key = Some(key);
            Ok(())
        }
    }
}

/// Returns the failure for a server that has another key than that of `--server-key`.
fn server_key_not_given(place: &Place, given: PublicKey, found: PublicKey) -> String {
    let Place { host, port } = place;
    format!(
        "the server at {host} {port} has another key than that of --server-key. Nothing was sent \
         to it.\n  --server-key: {given}\n  the key now:  {found}\n\
         Its operator sees the right one with `ChatApp keys server`."
    )
}

/// Returns the failure for a changed server key, with its remedies.
fn server_key_changed(
    options: &ClientOptions,
    place: &Place,
    known: Option<PublicKey>,
    found: PublicKey,
) -> String {
    if let Some(given) = options.keys.server_key() {
        return server_key_not_given(place, given, found);
    }
    let Place { host, port } = place;
    let known = known.map_or_else(String::new, |key| format!("\n  the known key: {key}"));
    let remedy = if options.data.is_ephemeral() {
        "start again".to_owned()
    } else {
        let folder = options.data.as_argument();
        let forget = format!("ChatApp keys forget server {host} {port}{folder}");
        format!("forget the old key and start again:\n  {forget}")
    };
    format!(
        "the key of the server at {host} {port} has changed.\n\
         It was set up anew, or another party impersonates it. Nothing was sent to it.{known}\n  \
         the key now:   {found}\n\
         If its operator confirms the change (`ChatApp keys server` on the server's machine), \
         {remedy}"
    )
}

/// Starts the threads between the event loop and the user.
fn open(
    options: &ClientOptions,
    gate: Arc<Gate>,
    requests: Requests,
    waker: Waker,
) -> Result<Session<'_>, Failure> {
    // Nothing may fail once the editor has the terminal.
    let log = open_log(options)?;
    let wording = Wording {
        name: options.name.as_str(),
        utc_offset,
    };
    let (typed_at, shown_at) = (io::stdin().is_terminal(), io::stdout().is_terminal());
    let is_capable = shown_at && terminal::is_capable();
    let look = Look {
        has_colors: has_colors(options.color, is_capable),
        is_stamped: is_capable,
    };

    let is_without_input = options.is_listening || !options.exec.is_empty();
    if typed_at && is_capable && !is_without_input && !options.speaks_json {
        let session = open_editor(options, wording, look, gate, requests, waker)?;
        return Ok(session.logging_to(log));
    }
    let is_prompted = typed_at && !is_without_input;
    let prompt = match (is_prompted, shown_at && !is_capable && !options.speaks_json) {
        (_, false) => Prompt::None,
        (false, true) => Prompt::Prefix,
        (true, true) => Prompt::Standing,
    };
    let display = Display::start(unbuffered_stdout()?, prompt, WAITING_LEN, waking(&waker));
    let display = display.map_err(no_thread())?;
    let input = if is_without_input {
        Input::of_lines(&options.exec, options.is_listening)
    } else {
        Input::start(waker.clone()).map_err(no_thread())?
    };
    let (format, bell) = match options.speaks_json {
        true => (OutputFormat::Json, Bell::Never),
        false if !shown_at => (OutputFormat::Lines(look), Bell::Never),
        false => (OutputFormat::Lines(look), options.personal.bell),
    };
    let output = Output::new(display, wording, format, Attention::of(wording.name, bell))
        .telling_receipts(options.personal.receipts);
    let session = Session::new(output, input, waker, None, is_without_input).logging_to(log);
    Ok(if is_prompted && !options.speaks_json {
        session.conversing(Conversation::shown_by(Partner::default()))
    } else {
        session
    })
}

/// Starts the threads around a line editor.
fn open_editor<'a>(
    options: &'a ClientOptions,
    wording: Wording<'a>,
    look: Look,
    gate: Arc<Gate>,
    requests: Requests,
    waker: Waker,
) -> Result<Session<'a>, Failure> {
    let (names, partner) = (Names::default(), Partner::default());
    let history = || History::of(wording.name);
    let mut editor = Editor::new(
        Arc::clone(&gate),
        names.clone(),
        wording.name,
        look.has_colors,
        options.has_history.then(history).flatten(),
        partner.clone(),
    )
    .map_err(terminal_failure)?;
    let printer = editor.printer().map_err(terminal_failure)?;
    let screen =
        Screen::start(Arc::clone(&gate), printer, unbuffered_stdout()?).map_err(no_thread())?;
    let display = Display::start(
        screen,
        Prompt::None,
        WAITING_LEN_AT_TERMINAL,
        waking(&waker),
    )
    .map_err(no_thread())?;
    let input =
        Input::edit(editor, Arc::clone(&gate), requests, waker.clone()).map_err(no_thread())?;
    let terminal = TerminalState::new(look, names, options.personal.no_joins);
    let format = OutputFormat::Terminal(Box::new(terminal));
    let attention = Attention::of(wording.name, options.personal.bell);
    let output = Output::new(display, wording, format, attention);
    let session = Session::new(output, input, waker, Some(gate), false);
    Ok(session.conversing(Conversation::shown_by(partner)))
}

fn waking(waker: &Waker) -> impl Fn() + Send + 'static {
    let waker = waker.clone();
    move || waker.wake()
}

fn no_thread() -> impl FnOnce(io::Error) -> Failure {
    Failure::system("cannot start a thread")
}

/// Opens the log of the user's messages, if there is one.
fn open_log(options: &ClientOptions) -> Result<Option<MessageLog>, Failure> {
    let Some(path) = &options.personal.log_file else {
        return Ok(None);
    };
    MessageLog::open(path).map(Some).map_err(|error| {
        let path = path.display();
        Failure::new(
            Exit::Usage,
            format!("cannot open the log file {path}: {error}"),
        )
    })
}

/// Returns standard output without a buffer.
fn unbuffered_stdout() -> Result<impl io::Write + Send + use<>, Failure> {
    direct_stdout().map_err(Failure::system("cannot use standard output"))
}

fn terminal_failure(error: rustyline::error::ReadlineError) -> Failure {
    Failure::new(Exit::System, format!("cannot use the terminal: {error}"))
}

/// Returns whether to use colours. `auto` means at a capable terminal, unless `NO_COLOR` is set.
fn has_colors(choice: ColorChoice, is_capable: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            is_capable && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}
