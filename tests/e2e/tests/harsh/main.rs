//! Machines that sleep, a server that loses its state, networks that split: with the real program.
//!
//! The long tests are ignored. This command runs them in parallel, in about 2 and a half minutes:
//! `cargo test -p chatapp-e2e --test harsh -- --ignored --test-threads 8`.

#[cfg(target_os = "linux")]
mod partition;
#[cfg(unix)]
mod pauses;
mod talk;
