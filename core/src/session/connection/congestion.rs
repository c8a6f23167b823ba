//! Congestion control of one direction: slow start and congestion avoidance (RFC 5681), counted in
//! frames.

/// The initial congestion window, and the minimum.
const INITIAL_WINDOW: u32 = 32;

/// Most acknowledgements in a row, on a lossy path.
const ACKS_MAX: u8 = 3;

/// Most frames in one datagram, on a lossy path: later datagrams then reveal the loss of one.
const LOSSY_FRAMES_MAX: u16 = 8;

/// Number of datagrams with frames and without a sign of loss that end the lossy state of a path.
const CLEAN_AFTER: u8 = 255;

/// The congestion state of a path.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Congestion {
    /// The congestion window beyond the [initial one](INITIAL_WINDOW).
    growth: u16,
    /// The slow start threshold, also beyond the initial window; 0 before the first loss.
    ssthresh: u16,
    /// Datagrams until the path is no longer lossy.
    lossy: u8,
}

impl Congestion {
    pub(super) const VACANT: Self = Self {
        growth: 0,
        ssthresh: 0,
        lossy: 0,
    };

    /// Returns the congestion window. Without it, a flight larger than the peer's socket buffer
    /// would be lost and repeated without end.
    //= PROTOCOL.md#8.1
    pub(super) fn cwnd(&self) -> u32 {
        INITIAL_WINDOW + u32::from(self.growth)
    }

    /// Processes the acknowledgement of `newly` frames: grows the window if it was used up, at most
    /// by the receive window.
    pub(super) fn on_ack(&mut self, newly: u32, in_flight: u32, receive_window: u16) {
        if in_flight < self.cwnd() {
            return;
        }
        let avoids_congestion = self.ssthresh != 0 && self.growth >= self.ssthresh;
        let step = if avoids_congestion {
            newly.div_ceil(8)
        } else {
            newly
        };
        let step = u16::try_from(step).unwrap_or(u16::MAX);
        self.growth = self.growth.saturating_add(step).min(receive_window);
    }

    /// Processes the loss of sent frames: the window becomes half of the frames in flight.
    //= PROTOCOL.md#8.3
    pub(super) fn on_loss(&mut self, in_flight: u32) {
        let half = (in_flight / 2).saturating_sub(INITIAL_WINDOW);
        self.growth = u16::try_from(half).unwrap_or(u16::MAX).min(self.growth);
        self.ssthresh = self.growth.max(1);
        self.note_loss();
    }

    /// Records a loss, in either direction.
    pub(super) fn note_loss(&mut self) {
        self.lossy = CLEAN_AFTER;
    }

    /// Counts a datagram with frames, in either direction.
    pub(super) fn on_datagram(&mut self) {
        self.lossy = self.lossy.saturating_sub(1);
    }

    /// Returns whether the path showed loss recently.
    pub(super) fn is_lossy(&self) -> bool {
        self.lossy != 0
    }

    /// Returns how many acknowledgements may be due at a time. On a lossy path each datagram gets
    /// its own, because the loss of a single one would stop the peer until its timer expires.
    pub(super) fn acks_max(&self) -> u8 {
        if self.is_lossy() { ACKS_MAX } else { 1 }
    }

    /// Returns whether one more frame may go into a datagram of `in_datagram` frames.
    pub(super) fn may_add(&self, in_datagram: u16) -> bool {
        !self.is_lossy() || in_datagram < LOSSY_FRAMES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#8.1
    fn doubles_until_the_receive_window() {
        let mut congestion = Congestion::VACANT;
        let mut windows = [0; 5];
        for window in &mut windows {
            *window = congestion.cwnd();
            congestion.on_ack(*window, *window, 200);
        }
        assert_eq!(windows, [32, 64, 128, 232, 232]);
    }

    #[test]
    fn grows_only_if_the_window_was_used() {
        let mut congestion = Congestion::VACANT;
        congestion.on_ack(31, 31, 200);
        assert_eq!(congestion.cwnd(), 32);
    }

    #[test]
    //= PROTOCOL.md#8.3
    fn halves_on_loss_and_grows_by_an_eighth() {
        let mut congestion = Congestion::VACANT;
        congestion.on_ack(200, 200, u16::MAX);
        assert_eq!(congestion.cwnd(), 232);
        congestion.on_loss(200);
        assert_eq!(congestion.cwnd(), 100);
        congestion.on_ack(100, 100, u16::MAX);
        assert_eq!(congestion.cwnd(), 113);
        congestion.on_loss(10);
        assert_eq!(congestion.cwnd(), 32, "never below the initial window");
        congestion.on_ack(32, 32, u16::MAX);
        assert_eq!(congestion.cwnd(), 64, "the threshold is above it");
    }

    #[test]
    fn stays_lossy_for_255_datagrams() {
        let mut congestion = Congestion::VACANT;
        assert_eq!(congestion.acks_max(), 1);
        assert!(congestion.may_add(u16::MAX));
        congestion.note_loss();
        for _ in 0..CLEAN_AFTER {
            assert_eq!(congestion.acks_max(), ACKS_MAX);
            assert!(congestion.may_add(7) && !congestion.may_add(8));
            congestion.on_datagram();
        }
        assert!(!congestion.is_lossy());
    }
}
