//! Benchmarks and the ceilings of some of them. `tests/README.md` explains how to run them.

pub mod ceilings;
