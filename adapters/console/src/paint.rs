//! Lines in parts, for displays that have colours.

use core::fmt;

/// The kind of a part of a line, for a program that gives it a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'a> {
    /// A notice in brackets.
    Notice,
    /// A notice that something has succeeded.
    Success,
    /// A notice that something has failed, or was not done.
    Error,
    /// The mark of a channel message.
    ChannelMark,
    /// The sender of a message.
    Sender {
        /// Its name, as sent: the words to paint are made harmless.
        name: &'a str,
        /// The message was sent to the channel.
        channel: bool,
    },
    /// When a kept message was sent.
    Stamp,
    /// The text of a message, and what stands between the other parts.
    Text,
}

/// Takes a line part by part; see [`Line::paint`](crate::Line::paint).
pub trait Brush {
    /// Takes the next words. They contain nothing that drives a display.
    ///
    /// # Errors
    /// Those of the place where the words go.
    fn paint(&mut self, part: Part<'_>, words: fmt::Arguments<'_>) -> fmt::Result;
}

/// Shows the words alone.
pub(crate) struct Plain<'a, 'b>(pub(crate) &'a mut fmt::Formatter<'b>);

impl Brush for Plain<'_, '_> {
    fn paint(&mut self, _: Part<'_>, words: fmt::Arguments<'_>) -> fmt::Result {
        self.0.write_fmt(words)
    }
}
