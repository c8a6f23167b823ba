//! Machines that sleep, a server that loses its memory, networks that split: with the real program.
//!
//! The long ones are ignored: `cargo test -p chatapp-e2e --test harsh -- --ignored --test-threads
//! 8` runs them side by side, in about 2 and a half minutes.

#[cfg(target_os = "linux")]
mod partition;
#[cfg(unix)]
mod pauses;
mod talk;
