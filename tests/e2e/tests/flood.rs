//! A small flood; `src/bin/flood.rs` runs a large one.
#![cfg(target_os = "linux")]

use chatapp_e2e::flood::run;

#[test]
fn survives_twenty_thousand_bad_datagrams() {
    let report = run(20_000, 1).expect("the machine has some hundred sockets");
    println!("{report}");
    let (before, after) = report.server;
    let grown = after.rss_bytes.saturating_sub(before.rss_bytes);
    assert!(grown < 4 << 20, "the server grew by {grown} bytes");
}
