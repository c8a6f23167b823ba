//! The frames that are in flight to clients.

use crate::driver::StorageError;

/// A frame in flight to a client. The server looks up its content when it builds the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u32)]
pub(super) enum SentFrame {
    Vacant,
    /// The stored message in this slot.
    Mail(u32),
    /// The log entry with this number.
    Log(u32),
    /// The log entries from the cursor to `upto` fell out of the log; `count` of them were for this
    /// client.
    Skipped {
        upto: u32,
        count: u32,
    },
    /// The result of this request.
    Result(u32),
    /// The receipt in this mail slot.
    Receipt(u32),
    /// The table changes after `from`, up to `upto`.
    Changes {
        from: u32,
        upto: u32,
    },
    /// The slots from `from` up to `upto`, as part of the whole table.
    Snapshot {
        from: u32,
        upto: u32,
    },
    /// An empty page: the server does not remember its content, and the whole table follows.
    Emptied,
    Found {
        query: u32,
        slot: u32,
    },
    Missing {
        query: u32,
    },
    Partial,
}

/// Memory for one frame in flight.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct InFlightSlot(SentFrame);

impl InFlightSlot {
    /// An unused slot.
    pub const VACANT: Self = Self(SentFrame::Vacant);
}

/// The frames in flight to all clients: rings of equal length, one for each name.
pub(super) struct InFlight<'a> {
    frames: &'a mut [InFlightSlot],
    each: u32,
}

impl<'a> InFlight<'a> {
    /// Divides the slots among this number of names.
    ///
    /// # Errors
    /// [`StorageError`] if there are fewer than two slots for each name.
    pub(super) fn new(frames: &'a mut [InFlightSlot], names: u32) -> Result<Self, StorageError> {
        let few = StorageError::new("in_flight", frames.len(), 2 * names as usize);
        let each = u32::try_from(frames.len())
            .ok()
            .and_then(|count| count.checked_div(names))
            .filter(|each| *each >= 2)
            .ok_or(few)?;
        Ok(Self { frames, each })
    }

    /// Returns whether a client has room for one more frame behind `outstanding` ones.
    pub(super) fn has_room(&self, outstanding: u32) -> bool {
        outstanding < self.each
    }

    fn place(&self, slot: u32, sequence: u32) -> usize {
        let within = sequence.checked_rem(self.each).unwrap_or_default();
        slot as usize * self.each as usize + within as usize
    }

    /// Returns the frame with this sequence number of the client in a slot.
    pub(super) fn get(&self, slot: u32, sequence: u32) -> SentFrame {
        let place = self.place(slot, sequence);
        self.frames
            .get(place)
            .map_or(SentFrame::Vacant, |frame| frame.0)
    }

    /// Records the frame with this sequence number of the client in a slot.
    pub(super) fn set(&mut self, slot: u32, sequence: u32, frame: SentFrame) {
        let place = self.place(slot, sequence);
        if let Some(free) = self.frames.get_mut(place) {
            *free = InFlightSlot(frame);
        }
    }

    /// Empties the pages of the whole table among `count` frames from `first` on, because another
    /// whole table begins. Rebuilt with newer entries, they might lack room for all their names.
    pub(super) fn empty_snapshots(&mut self, slot: u32, first: u32, count: u32) {
        for ahead in 0..count {
            let sequence = first.wrapping_add(ahead);
            if let SentFrame::Snapshot { .. } = self.get(slot, sequence) {
                self.set(slot, sequence, SentFrame::Emptied);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separates_frames_by_client_and_number() {
        let mut slots = [InFlightSlot::VACANT; 7];
        assert!(InFlight::new(&mut slots, 4).is_err());
        let mut in_flight = InFlight::new(&mut slots, 2).unwrap();
        assert!(in_flight.has_room(2) && !in_flight.has_room(3));
        let snapshot = SentFrame::Snapshot { from: 0, upto: 2 };
        in_flight.set(0, u32::MAX, snapshot);
        in_flight.set(0, 1, SentFrame::Mail(5));
        in_flight.set(1, 1, snapshot);
        in_flight.empty_snapshots(0, u32::MAX, 3);
        assert_eq!(in_flight.get(0, u32::MAX), SentFrame::Emptied);
        assert_eq!(in_flight.get(0, 1), SentFrame::Mail(5));
        assert_eq!(in_flight.get(1, 1), snapshot);
    }
}
