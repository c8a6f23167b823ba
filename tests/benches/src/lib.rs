//! Benchmarks, and the ceilings that some of them hold. `tests/README.md` says how to run them.

pub mod ceilings;
