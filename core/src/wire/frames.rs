//! The frames of a datagram, one after the other.

use super::delta::{self, Delta, Numbers};
use super::frame::Frame;
use crate::drop_reason::DropReason;

/// A place between two frames, where a reader can [go on](Frames::resume).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    at: usize,
    /// The place where the last complete frame begins; at the same place, if there is none.
    complete: usize,
    /// The numbers of the last frame, if it left something out itself.
    numbers: Option<Numbers>,
}

impl Place {
    /// In front of all of them.
    pub(crate) const START: Self = Self {
        at: 0,
        complete: 0,
        numbers: None,
    };

    /// Bytes in front of it.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }
}

/// The frames of a datagram, parsed as they are asked for. What one leaves out because the one
/// before it says it is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    place: Place,
}

impl<'a> Frames<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::resume(bytes, Place::START)
    }

    /// Returns those from this place on. Bytes that were decrypted in front of it do no harm.
    pub(crate) const fn resume(bytes: &'a [u8], place: Place) -> Self {
        Self { bytes, place }
    }

    /// Bytes that were not parsed yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.place.at..).unwrap_or_default()
    }

    /// All bytes, and how far they were parsed.
    pub(crate) const fn parts(&self) -> (&'a [u8], Place) {
        (self.bytes, self.place)
    }

    /// The next frame, which leaves something out, completed from those before it.
    fn delta(&mut self) -> Result<Frame<'a>, DropReason> {
        let rest = self.rest();
        let Place { at, complete, .. } = self.place;
        let completed = || {
            let (what, behind): (Delta<'a>, _) = postcard::take_from_bytes(rest).ok()?;
            let complete = self.bytes.get(complete..at)?;
            let (frame, numbers) = what.completed(self.place.numbers, complete)?;
            Some((frame, numbers, behind))
        };
        let Some((frame, numbers, behind)) = completed() else {
            return Err(self.ends());
        };
        self.place.numbers = Some(numbers);
        self.place.at = self.bytes.len().saturating_sub(behind.len());
        Ok(frame)
    }

    /// Nothing more can be read.
    fn ends(&mut self) -> DropReason {
        self.place.at = self.bytes.len();
        DropReason::Malformed
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, DropReason>;

    /// A damaged frame ends the iteration: where the next one begins cannot be known.
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
            Err(_) => Some(Err(self.ends())),
        }
    }
}
