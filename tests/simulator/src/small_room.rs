//! A small room for fuzzers.

use crate::choices::FromBytes;
use crate::keys::Crypto;
use crate::run::{Look, drawn, run_plan};

/// Runs a small room in which bytes make every decision.
///
/// # Panics
/// If a property is violated.
pub fn run_bytes(bytes: &[u8], crypto: Crypto) {
    let look = Look {
        clients: Some(3),
        span: Some(6_000),
        crypto,
        ..Look::default()
    };
    let mut choices = Box::new(FromBytes::new(bytes));
    let mut plan = drawn(&mut *choices, &look);
    plan.sizes = plan.sizes.of_short_run();
    if let Some(violation) = run_plan(plan, choices, &look).violation {
        panic!("{violation}");
    }
}
