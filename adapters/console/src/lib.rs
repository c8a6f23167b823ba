//! Typed commands and displayed lines of ChatApp: the same words on a terminal, in a pipe and on a
//! serial line.
//!
//! - [`parse`] turns a typed line into an [`Input`], or into a [`ParseError`] with advice.
//! - [`Wording`] turns events of the core into [`Line`]s, and the table into [`Row`]s, which
//!   implement [`Display`](core::fmt::Display). A [`Brush`] gets a line in its [`Part`]s, to give
//!   them colours.
//! - [`Order`] is a command typed at a server. [`LogLine`] and [`Report`] format its log and its
//!   counters.
//! - [`SerialConsole`] reads typed lines from a serial port, with echo and correction, and shows
//!   lines there.
//!
//! Nothing else reads, writes or allocates: the caller decides where lines come from and go to, and
//! what prompt precedes them. [`Visible`] escapes control characters in names and texts from peers.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
mod commands;
mod lines;
mod log;
mod order;
mod paint;
mod parse;
mod report;
mod row;
mod serial;
mod silence;
mod stamp;
mod suggest;
#[cfg(not(feature = "unicode"))]
#[path = "no_unicode.rs"]
mod unicode;
#[cfg(feature = "unicode")]
mod unicode;
mod visible;

pub use commands::COMMANDS;
pub use lines::{Line, Wording};
pub use log::LogLine;
pub use order::{ORDER_HELP, Order, UnknownOrder};
pub use paint::{Brush, Part};
pub use parse::{HELP, Input, ParseError, parse, without_mark};
pub use report::Report;
pub use row::{OTHER_KEY, OTHER_KEY_HELP, Row};
pub use serial::{Answers, LineError, SerialConsole, TYPED_LEN_MAX, Typed};
pub use silence::Silence;
pub use stamp::Stamp;
pub use visible::Visible;
