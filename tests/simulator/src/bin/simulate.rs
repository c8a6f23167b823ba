//! Runs seeds on all cores, and prints progress, speed and coverage.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use chatapp_simulator::keys::Crypto;
use chatapp_simulator::pcap::{write_key_log, write_pcap};
use chatapp_simulator::plan::{FAULTS, all_but};
use chatapp_simulator::run::{Look, Report, replay_command, run_seed, run_seed_twice};
use chatapp_simulator::trace::Kind;
use clap::Parser;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};

/// Simulates whole chat rooms and checks every promise; each run is decided by its seed.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Number of seeds to run.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print the whole trace of each run; meant for one seed.
    #[arg(long)]
    verbose: bool,
    /// Kinds of faults to leave out, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = kinds())]
    without: Vec<String>,
    /// The only kinds of faults to keep, separated by commas; what the seed has of them stays as
    /// it is.
    #[arg(long, value_delimiter = ',', conflicts_with = "without")]
    #[arg(value_parser = kinds())]
    only: Vec<String>,
    /// Clients in the room, instead of as many as the seed says (1 to 64).
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=64))]
    clients: Option<u8>,
    /// Milliseconds of people and faults, instead of as many as the seed says.
    #[arg(long)]
    span: Option<u64>,
    /// Seconds after which the server forgets a name that is away, instead of longer than a run.
    #[arg(long)]
    keep: Option<u32>,
    /// Mean milliseconds between two orders of the operator, instead of none.
    #[arg(long)]
    orders: Option<u64>,
    /// Mean milliseconds between two decisions to ignore a name, instead of none.
    #[arg(long)]
    ignores: Option<u64>,
    /// Write every datagram of the first seed to this file, as a capture for Wireshark.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// The ciphers of all machines.
    #[cfg(feature = "null-cipher")]
    #[arg(long, value_enum, default_value_t = Crypto::Real)]
    crypto: Crypto,
    /// Write the keys that open them to this file.
    #[arg(long, value_name = "FILE", requires = "pcap")]
    keylog: Option<PathBuf>,
    /// Go on after a failure, and list all that fail.
    #[arg(long)]
    keep_going: bool,
}

/// One seed of this many runs twice, to check that it repeats.
const TWICE_EVERY: u64 = 16;
/// From this many seeds on, a kind of event that never happened is a failure.
const BIG_ENOUGH: u64 = 5_000;
/// Lines of the trace before a failure that are printed.
const TRACE_TAIL: usize = 60;

/// The totals of all runs.
#[derive(Default)]
struct Sum {
    runs: u64,
    simulated_ms: u64,
    slowest_healing_ms: u64,
    counts: Vec<u64>,
    failures: Vec<(u64, String)>,
}

/// Returns the kinds of faults that an option may name.
fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(FAULTS)
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    if !options.only.is_empty() {
        options.without = all_but(&options.only);
    }
    if let Some(path) = &options.pcap
        && let Err(error) = capture(path, &options)
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    let started = Instant::now();
    // A panic is a failure like any other; the run that is printed last shows its place.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut sum = run_all(&options);
    std::panic::set_hook(hook);
    let seconds = started.elapsed().as_secs_f64();
    sum.failures.sort();
    if options.seeds > 1 {
        print_coverage(&sum.counts);
    }
    println!(
        "{} runs in {seconds:.1} s ({:.0} runs per second), {:.1} hours simulated, \
         healed within {:.1} s, {} failed",
        sum.runs,
        sum.runs as f64 / seconds,
        sum.simulated_ms as f64 / 3_600_000.0,
        sum.slowest_healing_ms as f64 / 1_000.0,
        sum.failures.len(),
    );
    if let Some((seed, _)) = sum.failures.first() {
        for (seed, violation) in &sum.failures {
            println!("seed {seed}: {violation}");
        }
        print_failure(*seed, &options);
        return ExitCode::FAILURE;
    }
    if sum.runs >= BIG_ENOUGH
        && options.without.is_empty()
        && never_happened(&sum.counts, &look(&options, false))
    {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn look(options: &Options, readable: bool) -> Look {
    Look {
        readable,
        capture: false,
        without: options.without.clone(),
        clients: options.clients.map(usize::from),
        span: options.span,
        keep_s: options.keep,
        orders: options.orders,
        ignores: options.ignores,
        #[cfg(feature = "null-cipher")]
        crypto: options.crypto,
        #[cfg(not(feature = "null-cipher"))]
        crypto: Crypto::Real,
    }
}

/// Runs the first seed for its datagrams.
fn capture(path: &Path, options: &Options) -> io::Result<()> {
    let look = Look {
        capture: true,
        ..look(options, false)
    };
    let report = run_seed(options.from, &look);
    if let Some(path) = &options.keylog {
        write_key_log(&mut BufWriter::new(File::create(path)?), &report.keys)?;
    }
    write_pcap(&mut BufWriter::new(File::create(path)?), &report.capture)
}

/// Runs all seeds on all cores.
fn run_all(options: &Options) -> Sum {
    let next = AtomicU64::new(options.from);
    let stop = AtomicBool::new(false);
    let sum = Mutex::new(Sum {
        counts: vec![0; Kind::ALL.len()],
        ..Sum::default()
    });
    let progress = ProgressBar::new(options.seeds).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {msg} eta {eta}")
            .expect("a valid template"),
    );
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= options.from.saturating_add(options.seeds) {
                return;
            }
            let report = run_one(seed, options);
            if let Some(violation) = &report.violation {
                progress.suspend(|| eprintln!("seed {seed}: {violation}"));
            }
            let failed = report.violation.is_some();
            let mut sum = sum.lock().expect("no run panics while it holds the sum");
            sum.add(seed, &report);
            progress.inc(1);
            progress.set_message(format!("{} failed", sum.failures.len()));
            if failed && !options.keep_going {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    progress.finish_and_clear();
    sum.into_inner()
        .expect("no run panics while it holds the sum")
}

/// Runs a seed, and some seeds twice.
fn run_one(seed: u64, options: &Options) -> Report {
    let look = look(options, options.verbose);
    let report = if seed.is_multiple_of(TWICE_EVERY) {
        run_seed_twice(seed, &look)
    } else {
        run_seed(seed, &look)
    };
    if options.verbose {
        report.lines.iter().for_each(|line| println!("{line}"));
    }
    report
}

impl Sum {
    fn add(&mut self, seed: u64, report: &Report) {
        self.runs += 1;
        self.simulated_ms += report.simulated;
        self.slowest_healing_ms = self.slowest_healing_ms.max(report.healed_after);
        self.counts
            .iter_mut()
            .zip(&report.counts)
            .for_each(|(sum, count)| *sum += count);
        if let Some(violation) = &report.violation {
            self.failures.push((seed, violation.to_string()));
        }
    }
}

fn print_coverage(counts: &[u64]) {
    for (kind, count) in Kind::ALL.iter().zip(counts) {
        println!("{count:>12}  {}", kind.label());
    }
}

/// Returns whether a kind never happened, and prints it.
fn never_happened(counts: &[u64], look: &Look) -> bool {
    let never: Vec<&str> = Kind::ALL
        .iter()
        .zip(counts)
        .filter(|(kind, count)| **count == 0 && is_possible(**kind, look))
        .map(|(kind, _)| kind.label())
        .collect();
    if never.is_empty() {
        return false;
    }
    println!("never happened in so many runs: {}", never.join(", "));
    true
}

/// Returns whether runs with these options can have events of a kind.
fn is_possible(kind: Kind, look: &Look) -> bool {
    match kind {
        Kind::Rekeyed => look.crypto.rekeys(),
        Kind::Muted | Kind::Ordered | Kind::OrderDone => look.orders.is_some(),
        Kind::Ignored | Kind::Unignored => look.ignores.is_some(),
        _ => true,
    }
}

/// Prints the end of the trace of a failed seed, and the command for all of it.
fn print_failure(seed: u64, options: &Options) {
    let report = run_seed(seed, &look(options, true));
    let first = report.lines.len().saturating_sub(TRACE_TAIL);
    println!(
        "\nthe last {} of {} lines of seed {seed}:",
        report.lines.len() - first,
        report.lines.len()
    );
    report.lines[first..]
        .iter()
        .for_each(|line| println!("{line}"));
    if let Some(violation) = report.violation {
        println!("{violation}");
    }
    let command = replay_command(seed, &look(options, false));
    println!("replay it with: {command}");
}
