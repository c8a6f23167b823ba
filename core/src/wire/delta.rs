//! Fields that consecutive messages of one sender have in common occur once in a datagram.
//!
//! A [`Frame::Mail`] or [`Frame::Channel`] directly behind one of its kind, from the same process,
//! is written without all that would be the same, and with differences in place of numbers. Whoever
//! reads it gets it complete.

use serde::{Deserialize, Serialize};

use super::frame::Frame;
use crate::time::UnixSeconds;

/// Numbers on the wire, behind those of [`Frame`].
const MAIL: u8 = 14;
const CHANNEL: u8 = 15;

/// A frame that leaves out what the one before it says.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Delta<'a> {
    kind: u8,
    /// How much higher its number is. One with a lower number is written in full, so that this
    /// form is never longer.
    ahead: u64,
    /// Differences of the rest wrap around: a clock that was set back is no reason to say
    /// everything again.
    counter: u32,
    stamp: u32,
    kept: bool,
    #[serde(with = "serde_bytes")]
    content: &'a [u8],
}

/// The next frame in short form counts from the numbers of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    incarnation: u64,
    number: u64,
    counter: u32,
    stamp: UnixSeconds,
}

impl Numbers {
    /// Those of a frame; `None` if it is of a kind that nothing can follow in this way.
    pub(super) fn of(frame: &Frame<'_>) -> Option<Self> {
        let (number, incarnation, counter, stamp) = match *frame {
            Frame::Mail {
                serial,
                incarnation,
                counter,
                stamp,
                ..
            } => (serial, incarnation, counter, stamp),
            Frame::Channel {
                number,
                incarnation,
                counter,
                stamp,
                ..
            } => (number.into(), incarnation, counter, stamp),
            _ => return None,
        };
        Some(Self {
            incarnation,
            number,
            counter,
            stamp,
        })
    }

    /// What is left of a frame that comes next, and its numbers; `None` if it is not from the same
    /// process, or says more. `complete` begins with the last complete frame.
    pub(super) fn shortens<'a>(
        &self,
        frame: &Frame<'a>,
        complete: &[u8],
    ) -> Option<(Delta<'a>, Self)> {
        let next = Self::of(frame)?;
        // Most that do not fit differ here already, and cost no more than this.
        if next.incarnation != self.incarnation {
            return None;
        }
        let ahead = next.number.checked_sub(self.number)?;
        let first = first(complete)?;
        let (kind, kept, content) = match (frame, &first) {
            (
                Frame::Mail {
                    kept,
                    key,
                    from,
                    message_key,
                    ciphertext,
                    ..
                },
                Frame::Mail {
                    key: its_key,
                    from: its_name,
                    message_key: its_message_key,
                    ..
                },
            ) if (key, message_key, from) == (its_key, its_message_key, its_name) => {
                (MAIL, *kept, *ciphertext)
            }
            (
                Frame::Channel {
                    kept, from, text, ..
                },
                Frame::Channel { from: its_name, .. },
            ) if from == its_name => (CHANNEL, *kept, text.as_bytes()),
            _ => return None,
        };
        let delta = Delta {
            kind,
            ahead,
            counter: next.counter.wrapping_sub(self.counter),
            stamp: next.stamp.0.wrapping_sub(self.stamp.0),
            kept,
            content,
        };
        Some((delta, next))
    }
}

impl<'a> Delta<'a> {
    /// The frame with all that it leaves out, and its numbers; `None` if it does not belong here.
    /// Those before it are given, if it is not the complete frame that stands right before it.
    //= PROTOCOL.md#14.16
    pub(super) fn completed(
        &self,
        before: Option<Numbers>,
        complete: &'a [u8],
    ) -> Option<(Frame<'a>, Numbers)> {
        let mut frame = first(complete)?;
        let before = before.or_else(|| Numbers::of(&frame))?;
        let next = Numbers {
            number: before.number.checked_add(self.ahead)?,
            counter: before.counter.wrapping_add(self.counter),
            stamp: UnixSeconds(before.stamp.0.wrapping_add(self.stamp)),
            ..before
        };
        match &mut frame {
            Frame::Mail {
                serial,
                counter,
                stamp,
                kept,
                ciphertext,
                ..
            } if self.kind == MAIL => {
                *serial = next.number;
                (*counter, *stamp, *kept) = (next.counter, next.stamp, self.kept);
                *ciphertext = self.content;
            }
            Frame::Channel {
                number,
                counter,
                stamp,
                kept,
                text,
                ..
            } if self.kind == CHANNEL => {
                *number = next.number.try_into().ok()?;
                (*counter, *stamp, *kept) = (next.counter, next.stamp, self.kept);
                *text = core::str::from_utf8(self.content).ok()?;
            }
            _ => return None,
        }
        Some((frame, next))
    }
}

/// The complete frame that these bytes begin with.
fn first(complete: &[u8]) -> Option<Frame<'_>> {
    postcard::from_bytes(complete).ok()
}

/// Whether a frame that begins with this byte leaves something out.
pub(super) const fn is_delta(kind: u8) -> bool {
    matches!(kind, MAIL | CHANNEL)
}
