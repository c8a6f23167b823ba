//! Measures throughput and latency of real processes over real sockets, each beside bare datagrams
//! that carry the same traffic in the same run. On a machine with other load, only the ratio of two
//! neighbours is meaningful.
//!
//! `cargo bench -p chatapp-benches` prints a table; `tests/README.md` explains its rows.

mod bare;
mod child;
mod client;
mod direct;
mod fan_out;
mod report;
mod roles;
mod stored;
mod stream;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use report::Row;
use work::Size;

#[derive(Parser)]
struct Arguments {
    /// Fewer and shorter runs: the figures are worth less
    #[arg(long)]
    quick: bool,
    /// Only the rows whose title contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Write all figures as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The argument of `cargo bench` to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Be one of the processes that are measured
    #[arg(long, hide = true, num_args = 1.., value_name = "ROLE")]
    role: Vec<String>,
}

/// Function that measures one kind of work under this title.
type Measure = fn(&str, Size) -> Row;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.role.is_empty() {
        roles::play(&arguments.role);
        return ExitCode::SUCCESS;
    }
    allow_many_sockets();
    let size = if arguments.quick {
        Size {
            rounds: 3,
            divisor: 5,
        }
    } else {
        Size {
            rounds: 7,
            divisor: 1,
        }
    };
    let rows: [(&str, Measure); 11] = [
        ("direct, 32 in flight", direct::few_in_flight),
        ("direct, 1,024 in flight", direct::many_in_flight),
        ("direct, one, round trip", direct::round_trip),
        ("send_all to 1,000, 1 in flight", fan_out::one_in_flight),
        ("send_all to 1,000, 16 in flight", fan_out::many_in_flight),
        ("stored and synced, 32 senders", stored::saved),
        ("stored and synced, 32 senders, 16 each", stored::many_saved),
        ("10,000 stored, fetched", stored::fetched),
        ("direct, 32 in flight, 5 % lost", direct::with_loss),
        (
            "direct, 32 in flight, on TAP devices",
            direct::few_on_tap_devices,
        ),
        ("direct, one, on TAP devices", direct::one_on_tap_devices),
    ];
    let rows: Vec<Row> = rows
        .into_iter()
        .filter(|(title, _)| title.contains(&arguments.only))
        .map(|(title, measure)| {
            eprintln!("{title} ...");
            measure(title, size)
        })
        .collect();
    report::print(&rows);
    if let Some(file) = &arguments.json
        && let Err(error) = report::write_json(file, &rows)
    {
        eprintln!("cannot write {}: {error}", file.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Raises the limit of open sockets: a thousand clients need a thousand.
fn allow_many_sockets() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    // If the system refuses, the rows that need the sockets report it.
    let _ = setrlimit(Resource::Nofile, all);
}
