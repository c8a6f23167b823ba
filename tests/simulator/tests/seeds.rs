//! A fixed set of seeds of the simulator; `simulate` runs any number of others.

use chatapp_simulator::run::{Look, Report, replay_command, run_seed, run_seed_twice};

/// Number of seeds of each test. The harness runs the tests on all cores.
const SEEDS: u64 = 120;

fn succeeds(seed: u64, look: &Look, report: &Report) {
    if let Some(violation) = &report.violation {
        panic!(
            "seed {seed}: {violation}\nreplay it with: {}",
            replay_command(seed, look)
        );
    }
}

fn all_succeed(from: u64, look: &Look) {
    for seed in from..from + SEEDS {
        succeeds(seed, look, &run_seed(seed, look));
    }
}

#[test]
fn runs_rooms_of_all_sizes_without_a_violation() {
    all_succeed(0, &Look::default());
}

#[test]
fn runs_small_rooms_without_a_violation() {
    let look = Look {
        clients: Some(3),
        span: Some(12_000),
        ..Look::default()
    };
    all_succeed(1_000, &look);
    all_succeed(2_000, &look);
}

#[test]
fn runs_two_clients_without_a_violation() {
    let look = Look {
        clients: Some(2),
        span: Some(20_000),
        ..Look::default()
    };
    all_succeed(3_000, &look);
    all_succeed(4_000, &look);
}

#[test]
fn runs_rooms_that_forget_names_without_a_violation() {
    let look = Look {
        clients: Some(3),
        span: Some(15_000),
        keep_s: Some(4),
        ..Look::default()
    };
    all_succeed(5_000, &look);
}

/// Orders come at any moment, and the server crashes between an order and its record.
#[test]
fn runs_rooms_with_an_operator_without_a_violation() {
    let look = Look {
        clients: Some(4),
        span: Some(20_000),
        orders: Some(3_000),
        ..Look::default()
    };
    all_succeed(6_000, &look);
}

/// People ignore names and change their minds, also while messages are on their way.
#[test]
fn runs_rooms_with_ignored_names_without_a_violation() {
    let look = Look {
        clients: Some(4),
        span: Some(20_000),
        ignores: Some(1_000),
        ..Look::default()
    };
    all_succeed(7_000, &look);
}

#[test]
fn repeats_a_seed_and_differs_from_the_next() {
    let look = Look {
        clients: Some(3),
        span: Some(5_000),
        ..Look::default()
    };
    let hashes: Vec<u64> = (0..8)
        .map(|seed| {
            let report = run_seed_twice(seed, &look);
            succeeds(seed, &look, &report);
            report.hash
        })
        .collect();
    let mut different = hashes.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), hashes.len());
}
