//! The server: runs a room, and logs arrivals and departures.

use std::io;
use std::path::Path;

use chatapp_console::LogLine;
use chatapp_core::{Journal, NullJournal, Server, ServerConfig, ServerEvent, UnixSeconds};
use chatapp_mio::{Clock, ServerMemory, Transport, Waker, seed};
use chatapp_store::{Options, Store};

use crate::cli::ServerOptions;
use crate::data::unusable;
use crate::display::{Display, Prompt, WAITING_LEN};
use crate::exit::{Exit, Failure};
use crate::limits::LimitOptions;
use crate::log::{Fields, Level, LogOptions, Record, Traffic};
use crate::network::{Network, Program};
use crate::operator::{Log, Operator};
use crate::signals::{self, Hooks, Requests};

/// Runs a server until it is asked to leave.
pub(crate) fn run(options: &ServerOptions) -> Result<Exit, Failure> {
    options.network.run(options.port, Serve(options))
}

struct Serve<'a>(&'a ServerOptions);

impl Program for Serve<'_> {
    fn cannot_use_port(&self) -> String {
        format!("cannot serve on port {}", self.0.port)
    }

    fn run<T: Transport>(self, network: Network<T>) -> Result<Exit, Failure> {
        serve(self.0, network)
    }
}

fn serve(options: &ServerOptions, mut network: Network<impl Transport>) -> Result<Exit, Failure> {
    let waker = network.waker();
    let mut random = [0; 32];
    let seed = seed(&mut random).map_err(Failure::system("cannot get random numbers"))?;
    let requests = watch_signals(waker.clone())?;
    let to_wake = waker.clone();
    let log = Display::start(io::stderr(), Prompt::None, WAITING_LEN, move || {
        to_wake.wake();
    })
    .map_err(Failure::system("cannot start a thread"))?;
    let mut operator = Operator::start(waker).map_err(Failure::system("cannot start a thread"))?;

    let mut memory = ServerMemory::new(options.limits.memory())
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    let config = ServerConfig {
        keep_s: options.keep.seconds(),
        ..options.limits.config()
    };
    let allow_list = options.keys.allow_list()?;
    let folder = options.data.server_folder(options.port)?;
    let identity = options.keys.server_identity(folder.as_deref())?;
    let mut key_slots = network.key_slots();
    let mut server = Server::new(config, memory.storage(), identity, seed)
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    server.log_keys(&mut key_slots);
    if let Some(allow_list) = &allow_list {
        server.set_allow_list(allow_list);
    }
    let mut journal: Box<dyn Journal> = match folder {
        Some(folder) => Box::new(open_store(
            &folder,
            &options.limits,
            &mut server,
            network.waker(),
        )?),
        None => Box::new(NullJournal::new()),
    };
    let mut traffic = Traffic::default();

    announce(&network, &options.limits)?;
    while !requests.exit_requested() {
        let wall = network.wall();
        operator.wants_stats |= requests.take_stats_request();
        let answers = Log {
            display: &log,
            options: options.log,
            wall,
        };
        operator.execute(&answers, &server);
        server.handle_wall_clock(wall);
        network.poll(&mut server, |server, now| {
            journal.exchange(server, now);
            write_log(&log, server, options.log, wall, &*journal);
        })?;
        journal.submit();
        if operator.wants_to_leave() {
            break;
        }
        let due = traffic.report(&log, options.log, server.stats(), network.now(), wall);
        network.park_until(&server, due)?;
    }
    // A failure to write the log does not change the exit code.
    let _ = log.finish();
    Ok(Exit::Done)
}

fn watch_signals(waker: Waker) -> Result<Requests, Failure> {
    let hooks = Hooks {
        tidy_up: || {},
        resume: || {},
    };
    signals::watch(waker, hooks).map_err(Failure::system("cannot catch signals"))
}

/// Opens the store in a folder, and restores the server from it.
fn open_store(
    folder: &Path,
    limits: &LimitOptions,
    server: &mut Server<'_>,
    waker: Waker,
) -> Result<impl Journal + use<>, Failure> {
    let mut options = Options::default();
    options.log_entries = limits.memory().log_entries;
    let mut store = Store::open(folder, &options).map_err(unusable)?;
    store
        .restore(Clock::new().wall(), |record| server.restore(record))
        .map_err(unusable)?;
    store.into_journal(move || waker.wake()).map_err(unusable)
}

fn announce(network: &Network<impl Transport>, limits: &LimitOptions) -> Result<(), Failure> {
    use io::Write;
    let mut output = io::stdout().lock();
    writeln!(
        output,
        "The server starts! It listens on {}.\n{limits}",
        network.local_addr()
    )
    .and_then(|()| output.flush())
    .map_err(Failure::system("cannot write to standard output"))
}

/// Writes events to the log. If the log has no room, events remain in the server, which counts lost
/// ones.
fn write_log(
    log: &Display,
    server: &mut Server<'_>,
    options: LogOptions,
    wall: UnixSeconds,
    journal: &dyn Journal,
) {
    while log.has_room() {
        let Some(event) = server.poll_event() else {
            return;
        };
        let mut message = LogLine(event).to_string();
        if event == ServerEvent::StoreFailed
            && let Some(why) = journal.failure()
        {
            message += &format!(": {why}");
        }
        let record = Record {
            level: level(&event),
            kind: kind(&event),
            message,
            fields: fields(&event),
        };
        options.write(log, &record, wall);
    }
}

fn level(event: &ServerEvent<'_>) -> Level {
    match event {
        ServerEvent::StoreFailed => Level::Error,
        ServerEvent::Refused { .. }
        | ServerEvent::ForeignVersion { .. }
        | ServerEvent::Throttled { .. }
        | ServerEvent::EventsLost { .. } => Level::Warn,
        _ => Level::Info,
    }
}

/// Returns the name of an event in JSON.
fn kind(event: &ServerEvent<'_>) -> &'static str {
    match event {
        ServerEvent::Registered { .. } => "registered",
        ServerEvent::Departed { .. } => "departed",
        ServerEvent::Refused { .. } => "refused",
        ServerEvent::ForeignVersion { .. } => "foreign_version",
        ServerEvent::Throttled { .. } => "throttled",
        ServerEvent::Forgotten { .. } => "forgotten",
        ServerEvent::StoreFailed => "store_failed",
        ServerEvent::StoreRecovered => "store_recovered",
        ServerEvent::EventsLost { .. } => "events_lost",
        _ => "unknown",
    }
}

/// Returns the fields of an event besides its message.
fn fields(event: &ServerEvent<'_>) -> Fields {
    let mut fields = Fields::default();
    if let ServerEvent::Registered { name, .. }
    | ServerEvent::Departed { name, .. }
    | ServerEvent::Refused { name, .. }
    | ServerEvent::Throttled { name }
    | ServerEvent::Forgotten { name } = event
    {
        fields.name = Some((*name).into());
    }
    if let ServerEvent::Registered { address, .. }
    | ServerEvent::Refused { address, .. }
    | ServerEvent::ForeignVersion { address, .. } = event
    {
        fields.address = Some(address.to_string());
    }
    fields
}
