//! A crowd: thousands of clients in one process, each with its own socket, at a real server.
//!
//! Their addresses are spread over 127.0.0.0/8 because of the server's rate limit per address.

#![expect(missing_debug_implementations, reason = "a client is not for reading")]

mod cli;
mod clients;
mod member;
mod report;

pub use cli::main;
pub use clients::Crowd;
pub use member::Member;
pub use report::{Plan, Report, run};
