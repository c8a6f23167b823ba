//! The program `crowd`.

use std::io;
use std::time::Duration;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Plan, Report, run};

/// Maximum time after the last arrival until every client has converged.
const CONVERGENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Parser)]
struct Arguments {
    /// Clients that have the whole table
    #[arg(long, default_value_t = 1_000)]
    whole: usize,
    /// Clients with small tables; half of them arrive at another server first
    #[arg(long, default_value_t = 10_000)]
    small: usize,
    /// Entries of a small table
    #[arg(long, default_value_t = 64)]
    table: usize,
    /// Seconds in which they arrive
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Parses the arguments, runs three crowds, and prints their cost.
///
/// # Errors
/// Returns an error if the machine has too few sockets or too little memory, or if a crowd took too
/// long.
pub fn main() -> io::Result<()> {
    let Arguments {
        whole,
        small,
        table,
        seconds,
    } = Arguments::parse();
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;

    let within = Duration::from_secs(seconds);
    let mut late = 0;
    let mut small_reports = Vec::new();
    for (clients, table) in [(whole, whole), (small / 2, table), (small, table)] {
        let report = run(Plan {
            clients,
            table,
            within,
        })?;
        println!("{report}");
        late += usize::from(report.converged_after > CONVERGENCE);
        if table < clients {
            small_reports.push(report);
        }
    }
    if let [half, all] = &small_reports[..] {
        let ratio = |of: fn(&Report) -> f64| of(all) / of(half);
        println!(
            "for each arrival, all against half of those with small tables: {:.2} times the CPU, \
             {:.2} times the bytes received, {:.2} sent",
            ratio(|report| report.cpu_each().as_secs_f64()),
            ratio(|report| report.bytes_each().0 as f64),
            ratio(|report| report.bytes_each().1 as f64),
        );
    }
    if late != 0 {
        return Err(io::Error::other(format!(
            "{late} crowds took longer than {CONVERGENCE:?} after the last arrival"
        )));
    }
    Ok(())
}
