//! The reader of the frames of a datagram.

use super::delta::{self, Delta, Numbers};
use super::frame::Frame;
use crate::drop_reason::DropReason;

/// A position between two frames, at which a reader can [resume](Frames::resume).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    at: usize,
    /// Offset of the last full frame; equal to `at` if there is none.
    complete: usize,
    /// The numbers of the last frame, if it is a delta frame.
    numbers: Option<Numbers>,
}

impl Place {
    /// The position in front of the first frame.
    pub(crate) const START: Self = Self {
        at: 0,
        complete: 0,
        numbers: None,
    };

    /// Returns the number of bytes in front of it.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }
}

/// An iterator over the frames of a datagram; it parses each on demand. It returns a delta frame as
/// the full frame that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    place: Place,
}

impl<'a> Frames<'a> {
    /// Returns all frames in these bytes.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::resume(bytes, Place::START)
    }

    /// Returns the frames from this position on.
    pub(crate) const fn resume(bytes: &'a [u8], place: Place) -> Self {
        Self { bytes, place }
    }

    /// Returns the bytes that were not parsed yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.place.at..).unwrap_or_default()
    }

    /// Returns all bytes, and the position of the reader.
    pub(crate) const fn parts(&self) -> (&'a [u8], Place) {
        (self.bytes, self.place)
    }

    /// Parses the next frame, a delta frame, and completes it from those before it.
    fn delta(&mut self) -> Result<Frame<'a>, DropReason> {
        let rest = self.rest();
        let Place { at, complete, .. } = self.place;
        let completed = || {
            let (delta, behind): (Delta<'a>, _) = postcard::take_from_bytes(rest).ok()?;
            let complete = self.bytes.get(complete..at)?;
            let (frame, numbers) = delta.completed(self.place.numbers, complete)?;
            Some((frame, numbers, behind))
        };
        let Some((frame, numbers, behind)) = completed() else {
            return Err(self.end());
        };
        self.place.numbers = Some(numbers);
        self.place.at = self.bytes.len().saturating_sub(behind.len());
        Ok(frame)
    }

    /// Ends the iteration: the rest cannot be parsed.
    fn end(&mut self) -> DropReason {
        self.place.at = self.bytes.len();
        DropReason::Malformed
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, DropReason>;

    /// Returns the next frame. A malformed frame ends the iteration, because the start of the next
    /// one is unknown.
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest();
        if delta::is_delta(*rest.first()?) {
            return Some(self.delta());
        }
        match postcard::take_from_bytes(rest) {
            Ok((frame, behind)) => {
                self.place = Place {
                    at: self.bytes.len().saturating_sub(behind.len()),
                    complete: self.place.at,
                    numbers: None,
                };
                Some(Ok(frame))
            }
            Err(_) => Some(Err(self.end())),
        }
    }
}
