//! What a person types at a ChatApp client, and what the person reads: the same words on a terminal, in a pipe and
//! on a serial line.
//!
//! - [`parse`] turns a typed line into an [`Input`], or into a [`ParseError`] that says what to do.
//! - [`Wording`] turns what the core reports into [`Line`]s, and the table into [`Row`]s, which are
//!   [`Display`](core::fmt::Display). A [`Brush`] gets a line in its [`Part`]s, to give them colours.
//!
//! Nothing here reads, writes or allocates: where lines come from and go to is the caller's choice, as is any
//! prompt in front of them. Names and texts from others are shown through [`Visible`], so that they never drive
//! the display.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod lines;
mod paint;
mod parse;
mod row;
mod stamp;
mod suggest;
mod visible;

pub use lines::{Line, Wording};
pub use paint::{Brush, Part};
pub use parse::{COMMANDS, HELP, Input, ParseError, parse};
pub use row::Row;
pub use stamp::Stamp;
pub use visible::Visible;
