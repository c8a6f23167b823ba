//! Lines in parts, for displays with colours.

use core::fmt;

/// Kind of a part of a line, for a program that gives it a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'a> {
    /// A notice in brackets.
    Notice,
    /// A notice that something has succeeded.
    Success,
    /// A notice that something has failed, or was not done.
    Error,
    /// The prefix of a channel message.
    ChannelMark,
    /// The sender of a message.
    Sender {
        /// The sender's name, not escaped; the painted words are escaped.
        name: &'a str,
        /// The message was sent to the channel.
        channel: bool,
    },
    /// The time at which a stored message was sent.
    Stamp,
    /// The text of a message, and the text between other parts.
    Text,
}

/// Receives a line part by part; see [`Line::paint`](crate::Line::paint).
pub trait Brush {
    /// Receives the next words, with control characters escaped.
    ///
    /// # Errors
    /// Returns the error of the output.
    fn paint(&mut self, part: Part<'_>, words: fmt::Arguments<'_>) -> fmt::Result;
}

/// Brush that ignores the parts and writes the words.
pub(crate) struct Plain<'a, 'b>(pub(crate) &'a mut fmt::Formatter<'b>);

impl Brush for Plain<'_, '_> {
    fn paint(&mut self, _: Part<'_>, words: fmt::Arguments<'_>) -> fmt::Result {
        self.0.write_fmt(words)
    }
}
