//! Hashes the traces of seeds: every datagram, event and record of each run. Two versions of the
//! core that print the same hash behave the same, byte for byte, in all these runs.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use chatapp_simulator::keys::Crypto;
use chatapp_simulator::run::{Look, run_seed};
use chatapp_simulator::trace::digest;
use clap::Parser;

/// Hashes the traces of simulated runs.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Print one hash for all seeds together (the default), instead of one for each seed.
    #[arg(long, conflicts_with = "each")]
    hash: bool,
    /// Print the hash of each seed, to find the first that differs.
    #[arg(long)]
    each: bool,
    /// Number of seeds to run.
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The ciphers of all machines.
    #[cfg(feature = "null-cipher")]
    #[arg(long, value_enum, default_value_t = Crypto::Real)]
    crypto: Crypto,
}

fn main() -> ExitCode {
    let options = Options::parse();
    #[cfg(feature = "null-cipher")]
    let crypto = options.crypto;
    #[cfg(not(feature = "null-cipher"))]
    let crypto = Crypto::Real;
    let mut hashes = hash_all(&options, crypto);
    hashes.sort_unstable();
    if options.each {
        for (seed, hash) in hashes {
            println!("{seed} {hash:016x}");
        }
        return ExitCode::SUCCESS;
    }
    let bytes: Vec<u8> = hashes
        .iter()
        .flat_map(|(_, hash)| hash.to_le_bytes())
        .collect();
    println!(
        "{:016x}  {} seeds from {}, {crypto:?}",
        digest(&bytes),
        options.seeds,
        options.from
    );
    ExitCode::SUCCESS
}

/// Runs all seeds on all processors; returns each with the hash of its trace.
fn hash_all(options: &Options, crypto: Crypto) -> Vec<(u64, u64)> {
    let next = AtomicU64::new(options.from);
    let end = options.from.saturating_add(options.seeds);
    let work = || {
        let look = Look {
            crypto,
            ..Look::default()
        };
        let mut hashes = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return hashes;
            }
            hashes.push((seed, run_seed(seed, &look).hash));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a run reports its panics itself"))
            .collect()
    })
}
