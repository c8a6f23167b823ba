//! The inbox: the frames of one datagram. The client accepts them one at a time, as its user takes
//! events.

use core::ops::Range;

use crate::drop_reason::DropReason;
use crate::limits::BODY_LEN_MAX;
use crate::wire::{Frame, Frames, Place};

/// The frames of one datagram that were not accepted yet.
pub(super) struct Inbox {
    bytes: heapless::Vec<u8, BODY_LEN_MAX>,
    place: Place,
    /// The start of the selected frame.
    latest: Place,
    peer: u32,
    /// Sequence number of the next frame.
    number: u32,
    /// No frame was accepted yet, and no acknowledgement was due before the datagram.
    may_delay_ack: bool,
    /// A session whose other side was sent a window of 0.
    blocked_peer: Option<u32>,
}

/// A frame that was accepted.
pub(super) struct TakenFrame {
    pub(super) number: u32,
    /// It was the only frame of its datagram, and no acknowledgement was due before.
    pub(super) is_alone: bool,
    /// More frames of its datagram follow.
    pub(super) has_more: bool,
}

impl Inbox {
    /// No datagram.
    pub(super) const EMPTY: Self = Self {
        bytes: heapless::Vec::new(),
        place: Place::START,
        latest: Place::START,
        peer: 0,
        number: 0,
        may_delay_ack: false,
        blocked_peer: None,
    };

    /// Returns whether all frames were accepted.
    pub(super) fn is_empty(&self) -> bool {
        self.place.at() >= self.bytes.len()
    }

    /// Returns the peer that sent the datagram.
    pub(super) fn peer(&self) -> u32 {
        self.peer
    }

    /// Stores the unparsed frames of a datagram; false if frames of another one are still here.
    /// `may_delay_ack`: no acknowledgement was due before this datagram.
    pub(super) fn fill(
        &mut self,
        peer: u32,
        number: u32,
        frames: &Frames<'_>,
        may_delay_ack: bool,
    ) -> bool {
        if !self.is_empty() {
            return false;
        }
        let (bytes, place) = frames.parts();
        self.bytes.clear();
        self.place = place;
        self.peer = peer;
        self.number = number;
        self.may_delay_ack = may_delay_ack;
        self.bytes.extend_from_slice(bytes).is_ok()
    }

    /// Forbids a delayed acknowledgement for a datagram of this peer: the peer waits for it, or
    /// sends more.
    pub(super) fn forbid_ack_delay(&mut self, peer: u32) {
        self.may_delay_ack &= self.peer != peer;
    }

    /// Drops the frames of a peer whose session has ended.
    pub(super) fn drop_frames_of(&mut self, peer: u32) {
        if self.peer == peer {
            self.bytes.clear();
            self.place = Place::START;
        }
    }

    /// Selects the next frame.
    pub(super) fn select_next(&mut self) {
        self.latest = self.place;
    }

    /// Returns the frames from the selected one on.
    pub(super) fn frames(&self) -> Frames<'_> {
        Frames::resume(&self.bytes, self.latest)
    }

    /// Accepts the frame that ends at this place.
    pub(super) fn take_to(&mut self, place: Place) -> TakenFrame {
        self.place = place;
        let number = self.number;
        self.number = number.wrapping_add(1);
        let has_more = !self.is_empty();
        TakenFrame {
            number,
            is_alone: core::mem::take(&mut self.may_delay_ack) && !has_more,
            has_more,
        }
    }

    /// Returns the selected frame.
    pub(super) fn latest(&self) -> Option<Result<Frame<'_>, DropReason>> {
        self.frames().next()
    }

    /// Returns these bytes as a text.
    pub(super) fn text(&self, bytes: &Range<usize>) -> &str {
        let text = self.bytes.get(bytes.clone()).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }

    /// Returns a stored message, to decrypt it in place.
    pub(super) fn stored_message(&mut self, bytes: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(bytes).unwrap_or_default()
    }

    /// Records that this peer was sent a window of 0.
    pub(super) fn note_blocked_peer(&mut self, peer: u32) {
        self.blocked_peer = Some(peer);
    }

    /// Takes the session whose other side has to learn that its window is open again.
    pub(super) fn take_blocked_peer(&mut self) -> Option<u32> {
        self.blocked_peer.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills an inbox with two frames of peer 3, numbered 7 and 8.
    fn fill_two_frames(inbox: &mut Inbox) -> bool {
        let mut bytes = [0; 64];
        let mut len = 0;
        for request in [1, 2] {
            let frame = Frame::Leave { request };
            len += postcard::to_slice(&frame, &mut bytes[len..]).unwrap().len();
        }
        inbox.fill(3, 7, &Frames::new(&bytes[..len]), true)
    }

    /// Accepts the next frame.
    fn take(inbox: &mut Inbox) -> TakenFrame {
        inbox.select_next();
        let mut frames = inbox.frames();
        frames.next();
        let behind = frames.parts().1;
        inbox.take_to(behind)
    }

    #[test]
    fn takes_frames_one_at_a_time() {
        let mut inbox = Inbox::EMPTY;
        assert!(fill_two_frames(&mut inbox));
        assert!(
            !fill_two_frames(&mut inbox),
            "a full inbox took another datagram"
        );
        let taken = take(&mut inbox);
        assert_eq!(
            (taken.number, taken.has_more, taken.is_alone),
            (7, true, false)
        );
        assert_eq!(inbox.latest(), Some(Ok(Frame::Leave { request: 1 })));
        let taken = take(&mut inbox);
        assert_eq!(
            (taken.number, taken.has_more, taken.is_alone),
            (8, false, false)
        );
        assert_eq!(inbox.latest(), Some(Ok(Frame::Leave { request: 2 })));
        assert!(inbox.is_empty() && fill_two_frames(&mut inbox));
    }

    #[test]
    fn forbids_delay_for_its_own_peer_only() {
        for (peer, expected) in [(3, false), (4, true)] {
            let mut inbox = Inbox::EMPTY;
            fill_two_frames(&mut inbox);
            inbox.forbid_ack_delay(peer);
            assert_eq!(inbox.may_delay_ack, expected);
        }
    }

    #[test]
    fn drops_frames_of_closed_session() {
        let mut inbox = Inbox::EMPTY;
        fill_two_frames(&mut inbox);
        inbox.drop_frames_of(4);
        assert!(!inbox.is_empty());
        inbox.drop_frames_of(3);
        assert!(inbox.is_empty());
    }
}
