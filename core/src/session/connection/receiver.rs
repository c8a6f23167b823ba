//! The receiving direction: it accepts frames in order, without memory for reordering, and reports
//! a gap as a NACK for the peer's retransmission phase.

/// The position of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Next,
    Duplicate,
    Early,
}

/// The next expected frame, and the gap behind it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Receiver {
    /// The next frame to accept.
    expected: u32,
    /// The latest early frame, which was dropped.
    early: u32,
    /// An early frame arrived since the last NACK.
    has_early: bool,
    /// The next frame arrived, but there was no room for it: later frames show no loss.
    next_came: bool,
    /// The retransmission phase of the peer in the last datagram with frames.
    peer_phase: bool,
}

impl Receiver {
    pub(super) const VACANT: Self = Self {
        expected: 0,
        early: 0,
        has_early: false,
        next_came: false,
        peer_phase: false,
    };

    pub(super) fn expected(&self) -> u32 {
        self.expected
    }

    pub(super) fn peer_phase(&self) -> bool {
        self.peer_phase
    }

    /// Returns whether a frame is missing. The gap ends when the dropped early frame is accepted.
    pub(super) fn has_gap(&self) -> bool {
        self.has_early && self.early.wrapping_sub(self.expected) <= u32::MAX / 2
    }

    /// Records the phase of a datagram with frames. In a new phase, the peer sends all dropped
    /// frames again.
    pub(super) fn on_phase(&mut self, phase: bool) {
        if phase != self.peer_phase {
            self.peer_phase = phase;
            self.has_early = false;
            self.next_came = false;
        }
    }

    /// Classifies a frame by its number.
    //= PROTOCOL.md#5.2
    pub(super) fn arrival(&mut self, number: u32) -> Arrival {
        if number == self.expected {
            self.next_came = true;
            Arrival::Next
        } else if number.wrapping_sub(self.expected) > u32::MAX / 2 {
            Arrival::Duplicate
        } else {
            if !self.next_came {
                self.early = number;
                self.has_early = true;
            }
            Arrival::Early
        }
    }

    /// Returns whether the last frame shows that the path lost a datagram.
    pub(super) fn shows_loss(&self, arrival: Arrival) -> bool {
        match arrival {
            Arrival::Next => false,
            Arrival::Duplicate => true,
            Arrival::Early => !self.next_came,
        }
    }

    /// Accepts the [next](Arrival::Next) frame; `has_more` if the one behind it arrived, too.
    pub(super) fn on_taken(&mut self, has_more: bool) {
        self.expected = self.expected.wrapping_add(1);
        self.next_came = has_more;
    }

    /// Records that the last due NACK was sent.
    pub(super) fn on_reported(&mut self) {
        self.has_early = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#5.2
    fn takes_frames_in_order_across_the_wrap() {
        let mut receiver = Receiver {
            expected: u32::MAX,
            ..Receiver::VACANT
        };
        assert_eq!(receiver.arrival(0), Arrival::Early);
        // Half of all numbers are ahead, and the other half are duplicates.
        assert_eq!(receiver.arrival(u32::MAX / 2 - 1), Arrival::Early);
        assert_eq!(receiver.arrival(u32::MAX / 2), Arrival::Duplicate);
        assert_eq!(receiver.arrival(u32::MAX), Arrival::Next);
        receiver.on_taken(false);
        assert_eq!(receiver.arrival(u32::MAX), Arrival::Duplicate);
        assert_eq!(receiver.arrival(0), Arrival::Next);
    }

    #[test]
    fn shows_loss_by_duplicates_and_gaps() {
        let mut receiver = Receiver::VACANT;
        let mut loss = |number| {
            let arrival = receiver.arrival(number);
            receiver.shows_loss(arrival)
        };
        assert!(loss(1) && loss(u32::MAX));
        assert!(!loss(0));
        assert!(!loss(1), "the frame before it came");
    }

    #[test]
    fn reports_a_gap_once_and_again_in_another_phase() {
        let mut receiver = Receiver::VACANT;
        receiver.arrival(3);
        assert!(receiver.has_gap());
        receiver.on_reported();
        assert!(!receiver.has_gap());
        receiver.arrival(3);
        receiver.on_phase(true);
        assert!(receiver.peer_phase() && !receiver.has_gap());
        receiver.arrival(2);
        assert!(receiver.has_gap());
    }

    #[test]
    fn closes_a_gap_when_the_frame_is_taken() {
        let mut receiver = Receiver::VACANT;
        receiver.arrival(1);
        receiver.arrival(0);
        receiver.on_taken(false);
        assert!(receiver.has_gap(), "the second frame was dropped");
        receiver.arrival(1);
        receiver.on_taken(false);
        assert_eq!(receiver.expected(), 2);
        assert!(!receiver.has_gap());
    }
}
