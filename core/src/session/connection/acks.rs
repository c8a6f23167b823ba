//! Acknowledgements that are due, at once or delayed (RFC 9000, section 13.2.1).

use crate::time::{Instant, PackedInstant};

/// The acknowledgements that one side has to send.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Acks {
    due: u8,
    /// They are delayed, to travel with frames; never set while none is due.
    delayed: bool,
    /// The end of the delay.
    until: PackedInstant,
}

impl Acks {
    pub(super) const VACANT: Self = Self {
        due: 0,
        delayed: false,
        until: PackedInstant::ZERO,
    };

    /// Makes at least one acknowledgement due; returns whether none was due before.
    pub(super) fn require(&mut self) -> bool {
        let is_new = self.due == 0;
        self.due = self.due.max(1);
        is_new
    }

    /// Makes one more acknowledgement due, for one more datagram, up to `most`.
    pub(super) fn on_datagram(&mut self, most: u8) {
        self.due = self.due.saturating_add(1).min(most);
    }

    /// Delays the acknowledgements that are due, until then. It does not extend a delay.
    pub(super) fn delay(&mut self, until: Instant) {
        if !self.delayed {
            self.delayed = self.due != 0;
            self.until = until.into();
        }
    }

    pub(super) fn delayed_until(&self) -> Instant {
        self.until.get()
    }

    /// Ends the delay.
    pub(super) fn flush(&mut self) {
        self.delayed = false;
    }

    /// Records that a datagram was sent, which carried one acknowledgement. Returns whether more
    /// are due.
    pub(super) fn on_sent(&mut self) -> bool {
        self.due = self.due.saturating_sub(1);
        self.delayed = false;
        self.due != 0
    }

    pub(super) fn is_due(&self) -> bool {
        self.due != 0
    }

    pub(super) fn is_delayed(&self) -> bool {
        self.delayed
    }

    /// Returns whether an acknowledgement is due, and not delayed.
    //= PROTOCOL.md#6.2
    pub(super) fn is_due_now(&self) -> bool {
        self.due != 0 && !self.delayed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_only_what_is_due() {
        let mut acks = Acks::VACANT;
        acks.delay(Instant::ZERO);
        assert!(!acks.is_delayed());
        assert!(acks.require());
        assert!(acks.is_due_now());
        acks.delay(Instant::from_millis(50));
        acks.delay(Instant::from_millis(60));
        assert!(acks.is_due() && acks.is_delayed() && !acks.is_due_now());
        assert_eq!(acks.delayed_until().as_millis(), 50);
        acks.flush();
        assert!(acks.is_due_now());
    }

    #[test]
    fn counts_one_for_each_datagram_up_to_a_bound() {
        let mut acks = Acks::VACANT;
        (0..5).for_each(|_| acks.on_datagram(3));
        assert!(!acks.require(), "some are due already");
        assert_eq!([(); 3].map(|()| acks.on_sent()), [true, true, false]);
        assert!(!acks.is_due());
    }

    #[test]
    fn ends_the_delay_with_any_datagram_sent() {
        let mut acks = Acks::VACANT;
        acks.on_datagram(3);
        acks.on_datagram(3);
        acks.delay(Instant::ZERO);
        assert!(acks.on_sent());
        assert!(acks.is_due_now());
    }
}
