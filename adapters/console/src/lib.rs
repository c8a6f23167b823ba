//! The commands that a person types at ChatApp, and the lines that it shows: the same words on a
//! terminal, in a pipe and on a serial line.
//!
//! - [`parse`] turns a typed line into an [`Input`], or into a [`ParseError`] that says what to do.
//! - [`Wording`] turns what the core reports into [`Line`]s, and the table into [`Row`]s, which are
//!   [`Display`](core::fmt::Display). A [`Brush`] gets a line in its [`Part`]s, to give them
//!   colours.
//!
//! - [`Order`] is what is typed at a server; [`LogLine`] and [`Report`] are what it says: who comes
//!   and goes, and its counters.
//! - [`SerialConsole`] reads typed lines from a serial port, with echo and correction, and shows
//!   lines there.
//!
//! All else reads, writes and allocates nothing: where lines come from and go to is the caller's
//! choice, as is any prompt in front of them. Names and texts from others are shown through
//! [`Visible`], so that they never drive the display.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod commands;
mod lines;
mod log;
mod order;
mod paint;
mod parse;
mod report;
mod row;
mod serial;
mod stamp;
mod suggest;
mod visible;

pub use commands::COMMANDS;
pub use lines::{Line, Wording};
pub use log::LogLine;
pub use order::{ORDER_HELP, Order, UnknownOrder};
pub use paint::{Brush, Part};
pub use parse::{HELP, Input, ParseError, parse};
pub use report::Report;
pub use row::Row;
pub use serial::{Answers, LineError, SerialConsole, TYPED_LEN_MAX, Typed};
pub use stamp::Stamp;
pub use visible::Visible;
