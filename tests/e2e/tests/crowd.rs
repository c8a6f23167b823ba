//! Small crowds, as `src/bin/crowd.rs` has large ones.
#![cfg(target_os = "linux")]

use std::time::Duration;

use chatapp_e2e::crowd::{Plan, run};

#[test]
fn a_hundred_clients_at_once_get_the_whole_table() {
    let plan = Plan {
        clients: 100,
        table: 100,
        within: Duration::from_millis(500),
    };
    println!("{}", run(plan).expect("the machine has a hundred sockets"));
}

#[test]
fn four_hundred_clients_with_small_tables_find_each_other() {
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
