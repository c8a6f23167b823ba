//! Small crowds; `src/bin/crowd.rs` runs large ones.
#![cfg(target_os = "linux")]

use std::time::Duration;

use chatapp_e2e::crowd::{Plan, run};

#[test]
fn sends_the_table_to_a_hundred_clients_at_once() {
    let plan = Plan {
        clients: 100,
        table: 100,
        within: Duration::from_millis(500),
    };
    println!("{}", run(plan).expect("the machine has a hundred sockets"));
}

#[test]
fn finds_clients_beyond_small_tables() {
    let plan = Plan {
        clients: 400,
        table: 16,
        within: Duration::from_secs(1),
    };
    println!(
        "{}",
        run(plan).expect("the machine has four hundred sockets")
    );
}
