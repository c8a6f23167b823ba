//! The server: runs a room, and logs arrivals and departures.

use std::path::Path;

use chatapp_console::LogLine;
use chatapp_core::{
    Instant, Journal, NullJournal, RestrictionSlot, Server, ServerConfig, ServerEvent, UnixSeconds,
};
use chatapp_mio::{Clock, ServerMemory, Transport, Waker, seed};
use chatapp_store::{Options, Store};

use crate::cli::ServerOptions;
use crate::data::unusable;
use crate::exit::{Exit, Failure, drop_in_time};
use crate::lan::Announcement;
use crate::limits::LimitOptions;
use crate::lists::Lists;
use crate::log::{Fields, Level, Record, Traffic};
use crate::metrics::Metrics;
use crate::network::{Network, Program};
use crate::operator::Operator;
use crate::platform::{Hooks, Requests, background, signals};
use crate::server_log::ServerLog;
use crate::supervisor::Supervisor;

/// Maximum number of bans and mutes.
const RESTRICTIONS: usize = 1_024;

/// Runs a server until it is asked to leave.
pub(crate) fn run(options: &ServerOptions) -> Result<Exit, Failure> {
    background::hold_stops();
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
    let log = ServerLog::start(options.log, move || to_wake.wake())
        .map_err(Failure::system("cannot start a thread"))?;
    let metrics = Metrics::start(&options.metrics, &waker)?;
    let mut operator = Operator::start(waker).map_err(Failure::system("cannot start a thread"))?;
    let mut memory = ServerMemory::new(options.limits.memory())
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    let config = ServerConfig {
        keep_s: options.keep.seconds(),
        ..options.limits.config()
    };
    let mut lists = Lists::read(&options.keys)?;
    let folder = options.data.server_folder(options.port)?;
    let identity = options.keys.server_identity(folder.as_deref())?;
    let mut key_slots = network.key_slots();
    let mut restrictions = vec![RestrictionSlot::VACANT; RESTRICTIONS];
    let mut server = Server::new(config, memory.storage(), identity, seed)
        .map_err(|error| Failure::new(Exit::System, error.to_string()))?;
    server.log_keys(&mut key_slots);
    server.moderate(&mut restrictions);
    let mut journal: Box<dyn Journal + Send> = match folder {
        Some(folder) => {
            let journal = open_store(&folder, &options.limits, &mut server, network.waker())?;
            operator.listen(&folder, &log, network.wall());
            Box::new(journal)
        }
        None => Box::new(NullJournal::new()),
    };
    lists.apply(&mut server);

    let _announcement = announce(&network, options, &log)?;
    let mut reports = Reports {
        traffic: Traffic::default(),
        metrics,
        supervisor: Supervisor::ready(network.now()),
    };
    while !requests.exit_requested() && !operator.wants_to_leave() {
        let wall = network.wall();
        operator.wants_stats |= requests.take_stats_request();
        server.handle_wall_clock(wall);
        operator.execute(&log, &mut server, wall);
        if requests.take_reload_request() || operator.wants_reload() {
            reports.supervisor.reloads();
            let reloaded = lists.reload(&options.keys, &mut server);
            operator.reloaded(&reloaded, &log, wall);
            reports.supervisor.has_reloaded();
        }
        network.poll(&mut server, |server, now| {
            journal.exchange(server, now);
            write_log(&log, server, wall, &*journal);
        })?;
        for notice in network.take_notices() {
            log.warn("capture", notice, wall);
        }
        journal.submit();
        let due = reports.poll(&server, network.now(), &log, wall);
        if !operator.wants_to_leave() {
            network.park_until(&server, due)?;
        }
    }
    reports.supervisor.ends();
    end_log(log, &mut server, network, &*journal);
    end_store(journal)
}

/// Regular reports about the server: traffic for the log, counters for a file, and for the service
/// manager that the server works.
struct Reports {
    traffic: Traffic,
    metrics: Metrics,
    supervisor: Supervisor,
}

impl Reports {
    /// Makes the reports that are due; returns when the next one is.
    fn poll(
        &mut self,
        server: &Server<'_>,
        now: Instant,
        log: &ServerLog,
        wall: UnixSeconds,
    ) -> Option<Instant> {
        self.supervisor.poll(now);
        self.metrics.poll(server, now, log, wall);
        let stats = server.stats();
        let (record, due) = self.traffic.report(log.level(), log.has_room(), stats, now);
        if let Some(record) = record {
            log.write(&record, wall);
        }
        let dues = [due, self.metrics.due(), self.supervisor.due()];
        dues.into_iter().flatten().min()
    }
}

/// Stores the last records, unless the disk does not answer.
fn end_store(journal: Box<dyn Journal + Send>) -> Result<Exit, Failure> {
    if drop_in_time(journal) {
        return Ok(Exit::Done);
    }
    let message = "the disk does not answer: the last records are not stored, and nobody was told \
        that they are";
    Err(Failure::new(Exit::System, message))
}

/// Writes the rest of the log. A failure to write it does not change the exit code.
fn end_log(
    log: ServerLog,
    server: &mut Server<'_>,
    network: Network<impl Transport>,
    journal: &dyn Journal,
) {
    let wall = network.wall();
    write_log(&log, server, wall, journal);
    while let Some(event) = server.poll_event() {
        log.lose(count(&event));
    }
    for notice in network.finish() {
        log.warn("capture", notice, wall);
    }
    log.finish();
}

fn watch_signals(waker: Waker) -> Result<Requests, Failure> {
    let hooks = Hooks {
        tidy_up: || {},
        resume: || {},
        reloads: true,
    };
    signals::watch(move || waker.wake(), hooks).map_err(Failure::system("cannot catch signals"))
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

fn announce(
    network: &Network<impl Transport>,
    options: &ServerOptions,
    log: &ServerLog,
) -> Result<Option<Announcement>, Failure> {
    use std::io::Write;
    let (at, limits) = (network.local_addr(), &options.limits);
    let mut output = std::io::stdout().lock();
    writeln!(output, "The server starts! It listens on {at}.\n{limits}")
        .and_then(|()| output.flush())
        .map_err(Failure::system("cannot write to standard output"))?;
    Ok(options.lan.announce(at).unwrap_or_else(|error| {
        let notice = format!("the local network does not learn of this room: {error}");
        log.warn("lan", notice, network.wall());
        None
    }))
}

/// Writes events to the log. If the log has no room, events remain in the server, which counts lost
/// ones. If its reader is gone, they are lost at once.
fn write_log(log: &ServerLog, server: &mut Server<'_>, wall: UnixSeconds, journal: &dyn Journal) {
    while log.has_room() || log.is_broken() {
        let Some(event) = server.poll_event() else {
            return;
        };
        if log.is_broken() {
            log.lose(count(&event));
            continue;
        }
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
        log.write(&record, wall);
    }
}

/// Returns how many events this one stands for.
fn count(event: &ServerEvent<'_>) -> u64 {
    match event {
        ServerEvent::EventsLost { count, .. } => (*count).into(),
        _ => 1,
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
