//! The datagram whose frames are being taken over: one at a time, as the display takes what it
//! shows.

use core::ops::Range;

use crate::drop_reason::DropReason;
use crate::limits::BODY_LEN_MAX;
use crate::wire::{Frame, Frames, Place};

/// The frames of one datagram that were not taken over yet.
pub(super) struct Inbox {
    bytes: heapless::Vec<u8, BODY_LEN_MAX>,
    place: Place,
    /// Where the frame begins that was looked at last.
    latest: Place,
    peer: u32,
    /// Sequence number of the next frame.
    number: u32,
    /// None of its frames was taken over yet, and no acknowledgement was due before it came.
    is_unhurried: bool,
    /// A session whose other side was told that there is no room.
    starved: Option<u32>,
}

/// A frame that was taken over.
pub(super) struct TakenFrame {
    pub(super) number: u32,
    /// It was the only one in its datagram, and no acknowledgement was due before.
    pub(super) is_alone: bool,
    /// Others of its datagram follow.
    pub(super) has_more: bool,
}

impl Inbox {
    pub(super) const EMPTY: Self = Self {
        bytes: heapless::Vec::new(),
        place: Place::START,
        latest: Place::START,
        peer: 0,
        number: 0,
        is_unhurried: false,
        starved: None,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.place.at() >= self.bytes.len()
    }

    /// Returns the peer that sent the datagram.
    pub(super) fn peer(&self) -> u32 {
        self.peer
    }

    /// Takes the frames of a datagram that were not parsed yet; false if those of another one are
    /// still here. `is_unhurried`: no acknowledgement was due before it came.
    pub(super) fn fill(
        &mut self,
        peer: u32,
        number: u32,
        frames: &Frames<'_>,
        is_unhurried: bool,
    ) -> bool {
        if !self.is_empty() {
            return false;
        }
        let (bytes, place) = frames.parts();
        self.bytes.clear();
        self.place = place;
        self.peer = peer;
        self.number = number;
        self.is_unhurried = is_unhurried;
        self.bytes.extend_from_slice(bytes).is_ok()
    }

    /// This peer waits for an answer, or sends more: what is here of it is acknowledged as soon as
    /// it was taken over.
    pub(super) fn hurry(&mut self, peer: u32) {
        self.is_unhurried &= self.peer != peer;
    }

    /// The session with a peer is over: its frames are dropped.
    pub(super) fn forget_session_of(&mut self, peer: u32) {
        if self.peer == peer {
            self.bytes.clear();
            self.place = Place::START;
        }
    }

    /// Looks at the next frame from now on.
    pub(super) fn look_at_next(&mut self) {
        self.latest = self.place;
    }

    /// Returns the frames from the one that is looked at on.
    pub(super) fn frames(&self) -> Frames<'_> {
        Frames::resume(&self.bytes, self.latest)
    }

    /// Takes over the frames up to this place.
    pub(super) fn take_to(&mut self, place: Place) -> TakenFrame {
        self.place = place;
        let number = self.number;
        self.number = number.wrapping_add(1);
        let has_more = !self.is_empty();
        TakenFrame {
            number,
            is_alone: core::mem::take(&mut self.is_unhurried) && !has_more,
            has_more,
        }
    }

    /// Returns the frame that is looked at.
    pub(super) fn latest(&self) -> Option<Result<Frame<'_>, DropReason>> {
        self.frames().next()
    }

    /// Returns these bytes as a text.
    pub(super) fn text(&self, bytes: &Range<usize>) -> &str {
        let text = self.bytes.get(bytes.clone()).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }

    /// Returns a stored message, to be decrypted where it lies.
    pub(super) fn stored_message(&mut self, bytes: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(bytes).unwrap_or_default()
    }

    /// The other side of a session was told that there is no room.
    pub(super) fn note_starved(&mut self, peer: u32) {
        self.starved = Some(peer);
    }

    /// Takes the session whose other side is to be told that there is room again.
    pub(super) fn take_starved(&mut self) -> Option<u32> {
        self.starved.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills an inbox with two frames of peer 3, the first of which has the number 7.
    fn fill_two_frames(inbox: &mut Inbox) -> bool {
        let mut bytes = [0; 64];
        let mut len = 0;
        for request in [1, 2] {
            let frame = Frame::Leave { request };
            len += postcard::to_slice(&frame, &mut bytes[len..]).unwrap().len();
        }
        inbox.fill(3, 7, &Frames::new(&bytes[..len]), true)
    }

    /// Takes over the next frame.
    fn take(inbox: &mut Inbox) -> TakenFrame {
        inbox.look_at_next();
        let mut frames = inbox.frames();
        frames.next();
        let behind = frames.parts().1;
        inbox.take_to(behind)
    }

    #[test]
    fn takes_frames_one_at_a_time() {
        let mut inbox = Inbox::EMPTY;
        assert!(fill_two_frames(&mut inbox));
        assert!(!fill_two_frames(&mut inbox), "the first is still here");
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
    fn hurries_for_its_own_peer_only() {
        for (peer, expected) in [(3, false), (4, true)] {
            let mut inbox = Inbox::EMPTY;
            fill_two_frames(&mut inbox);
            inbox.hurry(peer);
            assert_eq!(inbox.is_unhurried, expected);
        }
    }

    #[test]
    fn forgets_frames_of_closed_session() {
        let mut inbox = Inbox::EMPTY;
        fill_two_frames(&mut inbox);
        inbox.forget_session_of(4);
        assert!(!inbox.is_empty());
        inbox.forget_session_of(3);
        assert!(inbox.is_empty());
    }
}
