//! A crowd: thousands of clients in one process, each with a socket of its own, at a real server.
//!
//! Their addresses are spread over 127.0.0.0/8, so that the limits of the server for one address do
//! not stop them.

#![expect(missing_debug_implementations, reason = "a client is not for reading")]

mod cli;
mod clients;
mod member;
mod report;

pub use cli::main;
pub use clients::Crowd;
pub use member::Member;
pub use report::{Plan, Report, run};
