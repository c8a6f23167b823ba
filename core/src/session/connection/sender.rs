//! The sending direction: it numbers frames, and goes back to the first unacknowledged one after a
//! loss ("go-back-N").
//!
//! Each retransmission starts another *retransmission phase*, which every datagram names. A NACK
//! names the phase that it belongs to. So one NACK counts in each phase, and a lost retransmission
//! is repeated as fast as the first loss.

/// The meaning of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    /// It newly acknowledges this many frames, perhaps none.
    Newly(u32),
    /// A later acknowledgement overtook it.
    Old,
    /// It acknowledges a frame that was never sent.
    Invalid,
}

/// The content of a datagram that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) has_frames: bool,
    /// It is a timed retransmission.
    pub(super) is_repeated: bool,
    pub(super) is_probe: bool,
}

/// The state of a timed retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Repeat {
    /// There is none.
    Nothing,
    /// One datagram is due, even if the window is closed.
    Due,
    /// It was sent: the sender waits for progress before it sends more.
    Sent,
}

/// The sequence numbers of a sender.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Sender {
    /// First frame that is not acknowledged.
    acked: u32,
    /// Next frame to send; goes back to `acked` after a loss.
    next: u32,
    /// One past the last frame ever sent.
    sent: u32,
    /// One past the last frame of the owner.
    end: u32,
    /// Number of frames that the peer accepts from `acked` on.
    window: u16,
    /// Number of frames in the present datagram.
    in_datagram: u16,
    repeat: Repeat,
    /// The retransmission phase: it changes with each retransmission.
    phase: bool,
    /// A probe is due.
    probe: bool,
    /// The peer has sent nothing from its present address: no frame goes there.
    is_path_doubted: bool,
}

impl Sender {
    pub(super) const VACANT: Self = Self {
        acked: 0,
        next: 0,
        sent: 0,
        end: 0,
        window: 0,
        in_datagram: 0,
        repeat: Repeat::Nothing,
        phase: false,
        probe: false,
        is_path_doubted: false,
    };

    /// Returns the sender of a new session, which numbers the outstanding frames again, from 0.
    pub(super) fn renumbered(&self) -> Self {
        Self {
            end: self.outstanding(),
            ..Self::VACANT
        }
    }

    /// Returns how many frames of the owner are not acknowledged.
    pub(super) fn outstanding(&self) -> u32 {
        self.end.wrapping_sub(self.acked)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.sent.wrapping_sub(self.acked)
    }

    pub(super) fn acked(&self) -> u32 {
        self.acked
    }

    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// Returns the window of the peer; 0 if its path is doubted.
    pub(super) fn window(&self) -> u16 {
        if self.is_path_doubted() {
            0
        } else {
            self.window
        }
    }

    /// Sends no frame until the peer acknowledges anything.
    pub(super) fn doubt_path(&mut self) {
        self.is_path_doubted = true;
    }

    pub(super) fn is_path_doubted(&self) -> bool {
        cfg!(feature = "call-guard") && self.is_path_doubted
    }

    /// Returns whether frames are repeated when the timer expires, rather than a probe sent.
    pub(super) fn has_to_repeat(&self) -> bool {
        self.outstanding() != 0 && !self.is_path_doubted()
    }

    pub(super) fn set_window(&mut self, window: u16) {
        self.window = window;
    }

    pub(super) fn phase(&self) -> bool {
        self.phase
    }

    /// Makes a probe due.
    pub(super) fn probe(&mut self) {
        self.probe = true;
    }

    pub(super) fn is_probe_due(&self) -> bool {
        self.probe
    }

    pub(super) fn in_datagram(&self) -> u16 {
        self.in_datagram
    }

    /// Numbers one more frame of the owner.
    pub(super) fn enqueue(&mut self) -> u32 {
        let number = self.end;
        self.end = self.end.wrapping_add(1);
        number
    }

    /// Returns whether the peer's window and cwnd have room for one more frame.
    //= PROTOCOL.md#5.5
    pub(super) fn has_window(&self, cwnd: u32) -> bool {
        let room = match self.repeat {
            _ if self.is_path_doubted() => return false,
            Repeat::Nothing => self.window,
            Repeat::Due => self.window.max(1),
            Repeat::Sent => return false,
        };
        self.next.wrapping_sub(self.acked) < cwnd.min(room.into())
    }

    /// Returns whether there is a frame to send, or to send again.
    pub(super) fn has_next(&self) -> bool {
        self.next != self.end
    }

    /// Records that the next frame is in the present datagram.
    pub(super) fn on_pushed(&mut self) {
        self.next = self.next.wrapping_add(1);
        self.in_datagram = self.in_datagram.saturating_add(1);
    }

    /// Records the frames that were [pushed](Self::on_pushed), and a due probe, as sent.
    pub(super) fn on_sent(&mut self) -> Sent {
        let has_frames = core::mem::take(&mut self.in_datagram) != 0;
        if self.next.wrapping_sub(self.acked) > self.in_flight() {
            self.sent = self.next;
        }
        let is_repeated = self.repeat == Repeat::Due;
        if is_repeated {
            self.repeat = if self.next == self.sent {
                Repeat::Nothing
            } else {
                Repeat::Sent
            };
        }
        Sent {
            has_frames,
            is_repeated,
            is_probe: core::mem::take(&mut self.probe),
        }
    }

    /// Classifies an acknowledgement of all frames before `upto`.
    //= PROTOCOL.md#6.1
    pub(super) fn acknowledges(&self, upto: u32) -> Acked {
        let newly = upto.wrapping_sub(self.acked);
        if newly <= self.in_flight() {
            Acked::Newly(newly)
        } else if self.acked.wrapping_sub(upto) <= u32::from(u16::MAX) {
            Acked::Old
        } else {
            Acked::Invalid
        }
    }

    /// Records the acknowledgement of `newly` frames, and the peer's window beyond them.
    pub(super) fn on_ack(&mut self, newly: u32, window: u16) {
        self.acked = self.acked.wrapping_add(newly);
        self.window = window;
        self.is_path_doubted = false;
        if self.next.wrapping_sub(self.acked) > self.outstanding() {
            self.next = self.acked;
        }
        if newly != 0 {
            if self.repeat == Repeat::Sent {
                // The peer dropped all frames behind the lost datagram: send them again.
                self.next = self.acked;
            }
            self.repeat = Repeat::Nothing;
        }
    }

    /// Goes back to the first unacknowledged frame, and starts another phase.
    //= PROTOCOL.md#7.3
    pub(super) fn go_back(&mut self) {
        self.next = self.acked;
        if self.repeat == Repeat::Sent {
            self.repeat = Repeat::Nothing;
        }
        self.phase = !self.phase;
    }

    /// Goes back after the timer has expired: one datagram first, even if the window is closed.
    //= PROTOCOL.md#7.2
    pub(super) fn go_back_by_timer(&mut self) {
        self.go_back();
        self.repeat = Repeat::Due;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a sender with a window of 8 and `frames` frames, of which it has sent `sent`.
    fn sender(frames: u32, sent: u32) -> Sender {
        let mut sender = Sender::VACANT;
        sender.set_window(8);
        for _ in 0..frames {
            sender.enqueue();
        }
        (0..sent).for_each(|_| sender.on_pushed());
        sender.on_sent();
        sender
    }

    #[test]
    //= PROTOCOL.md#6.1
    fn tells_old_acknowledgements_from_invalid_ones() {
        let mut sender = sender(5, 3);
        assert_eq!(sender.acknowledges(0), Acked::Newly(0));
        assert_eq!(sender.acknowledges(3), Acked::Newly(3));
        assert_eq!(sender.acknowledges(4), Acked::Invalid);
        sender.on_ack(2, 8);
        assert_eq!(sender.acknowledges(1), Acked::Old);
        assert_eq!(sender.acknowledges(2_u32.wrapping_sub(65_535)), Acked::Old);
        let older = 2_u32.wrapping_sub(65_536);
        assert_eq!(sender.acknowledges(older), Acked::Invalid);
        assert_eq!((sender.outstanding(), sender.in_flight()), (3, 1));
    }

    #[test]
    //= PROTOCOL.md#5.5
    fn sends_within_both_windows() {
        let mut sender = sender(20, 4);
        assert!(sender.has_window(5) && !sender.has_window(4));
        sender.on_ack(0, 4);
        assert!(!sender.has_window(5));
        sender.on_ack(1, 4);
        assert!(sender.has_window(5) && sender.has_next());
    }

    #[test]
    //= PROTOCOL.md#7.2
    fn repeats_one_datagram_by_timer_until_progress() {
        let mut sender = sender(6, 6);
        sender.on_ack(0, 0);
        assert!(!sender.has_window(32));
        sender.go_back_by_timer();
        assert!(sender.has_window(32), "the window is closed");
        sender.on_pushed();
        let sent = sender.on_sent();
        assert!(sent.has_frames && sent.is_repeated);
        sender.on_ack(0, 8);
        assert!(!sender.has_window(32), "no progress");
        sender.on_ack(1, 8);
        assert_eq!(sender.next(), 1);
        assert!(sender.has_window(32));
    }

    #[test]
    fn repeats_once_in_each_phase() {
        let mut sender = sender(3, 3);
        assert!(!sender.phase());
        sender.go_back();
        assert!(sender.phase());
        assert_eq!(sender.next(), 0);
        sender.on_pushed();
        let sent = sender.on_sent();
        assert!(sent.has_frames && !sent.is_repeated && !sent.is_probe);
        assert_eq!(sender.in_flight(), 3);
    }

    #[test]
    fn keeps_a_timed_repetition_that_was_not_sent() {
        let mut sender = sender(3, 3);
        sender.go_back_by_timer();
        sender.go_back();
        sender.on_ack(0, 0);
        assert!(sender.has_window(32));
    }

    #[cfg(feature = "call-guard")]
    #[test]
    //= PROTOCOL.md#4.10
    fn sends_no_frame_on_a_doubted_path() {
        let mut sender = sender(6, 3);
        sender.doubt_path();
        assert!(!sender.has_window(32) && !sender.has_to_repeat());
        assert_eq!(sender.window(), 0);
        sender.go_back_by_timer();
        assert!(!sender.has_window(32), "the timer sends a frame");
        sender.on_ack(0, 8);
        assert!(sender.has_window(32) && sender.has_to_repeat());
        sender.doubt_path();
        assert!(!sender.renumbered().is_path_doubted());
    }

    #[test]
    fn probes_once() {
        let mut sender = Sender::VACANT;
        sender.probe();
        assert!(sender.is_probe_due());
        assert!(sender.on_sent().is_probe && !sender.is_probe_due());
        assert!(!sender.on_sent().is_probe);
    }

    #[test]
    fn renumbers_outstanding_frames() {
        let mut sender = sender(5, 3);
        sender.on_ack(2, 8);
        let renumbered = sender.renumbered();
        assert_eq!(renumbered.outstanding(), 3);
        assert_eq!((renumbered.next(), renumbered.window()), (0, 0));
    }
}
