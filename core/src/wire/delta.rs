//! Delta frames: consecutive messages of one sender repeat no fields within a datagram.
//!
//! A delta frame stands for a [`Frame::Mail`] or [`Frame::Channel`] directly behind one of its
//! kind, from the same process. It omits the equal fields, and has differences in place of
//! numbers. The reader gets the full frame.

use serde::{Deserialize, Serialize};

use super::frame::Frame;
use crate::time::UnixSeconds;

/// Numbers on the wire, behind those of [`Frame`].
const MAIL: u8 = 14;
const CHANNEL: u8 = 15;

/// A delta frame: it omits the fields of the frame before it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Delta<'a> {
    kind: u8,
    /// Difference of the number. A frame with a lower number is written in full, so that a delta
    /// frame is never longer.
    ahead: u64,
    /// The other differences wrap around: a clock that was set back needs no full frame.
    counter: u32,
    stamp: u32,
    kept: bool,
    #[serde(with = "serde_bytes")]
    content: &'a [u8],
}

/// The fields of a frame that a delta frame behind it counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    incarnation: u64,
    number: u64,
    counter: u32,
    stamp: UnixSeconds,
}

impl Numbers {
    /// Returns the numbers of a frame, or `None` if no delta frame can follow its kind.
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

    /// Returns the next frame as a delta frame, and its numbers. Returns `None` if it is from
    /// another process, or if fields without a difference are not equal. `complete` begins with the
    /// last full frame.
    pub(super) fn shortens<'a>(
        &self,
        frame: &Frame<'a>,
        complete: &[u8],
    ) -> Option<(Delta<'a>, Self)> {
        let next = Self::of(frame)?;
        // Checked first because most frames that cannot be deltas differ here.
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
    /// Returns the full frame, and its numbers, or `None` if it may not stand here. `before` is the
    /// numbers of the frame before it, if that is a delta frame, too.
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

/// Parses the full frame at the start of these bytes.
fn first(complete: &[u8]) -> Option<Frame<'_>> {
    postcard::from_bytes(complete).ok()
}

/// Returns whether a frame that begins with this byte is a delta frame.
pub(super) const fn is_delta(kind: u8) -> bool {
    matches!(kind, MAIL | CHANNEL)
}
