//! One end of a session: every datagram is sealed under a counter that is used once.

use core::fmt;

use zeroize::Zeroize;

use super::suite::Suite;
use super::{Identity, KEY_LEN, TAG_LEN};
use crate::drop_reason::DropReason;

/// Datagrams that may be overtaken by later ones and still count.
const REPLAY_WINDOW: u64 = 64;

/// The keys of both directions, their counters, and which datagrams came already (a window as in
/// RFC 4303, section 3.4.3).
#[derive(Clone, Copy)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct SessionKeys {
    send: [u8; KEY_LEN],
    receive: [u8; KEY_LEN],
    /// The counter of the next datagram.
    next: u64,
    /// One past the highest counter that came.
    newest: u64,
    /// Which of the counters below that came: the lowest bit is the highest one.
    came: u64,
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKeys")
            .field("next", &self.next)
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}

impl SessionKeys {
    pub(crate) const VACANT: Self = Self {
        send: [0; KEY_LEN],
        receive: [0; KEY_LEN],
        next: 0,
        newest: 0,
        came: 0,
    };

    /// A session with these keys, from its beginning.
    pub fn new(send: &[u8; KEY_LEN], receive: &[u8; KEY_LEN]) -> Self {
        Self {
            send: *send,
            receive: *receive,
            ..Self::VACANT
        }
    }

    /// The keys that datagrams are sealed and opened with now. Whoever has them reads the rest of
    /// the session.
    pub fn keys(&self) -> (&[u8; KEY_LEN], &[u8; KEY_LEN]) {
        (&self.send, &self.receive)
    }

    /// The counter that the next datagram has, or `None` when they are used up.
    pub(crate) fn counter(&self) -> Option<u64> {
        (self.next != u64::MAX).then_some(self.next)
    }

    /// Seals the next datagram in place; gives its tag. `associated` is what stands in front of it,
    /// the counter included.
    pub(crate) fn seal(
        &mut self,
        suite: Suite,
        associated: &[u8],
        text: &mut [u8],
    ) -> [u8; TAG_LEN] {
        let counter = self.next;
        self.next = self.next.saturating_add(1);
        let tag = suite.seal(&self.send, counter, associated, text);
        if epoch(suite, self.next) != epoch(suite, counter) {
            self.send = suite.rekey(&self.send);
        }
        tag
    }

    /// Whether a datagram with this counter can still count.
    //= PROTOCOL.md#5.3
    fn may_come(&self, counter: u64) -> bool {
        match self.newest.checked_sub(counter) {
            None | Some(0) => counter != u64::MAX,
            Some(age) => age <= REPLAY_WINDOW && self.came >> (age - 1) & 1 == 0,
        }
    }

    fn note(&mut self, counter: u64) {
        match self.newest.checked_sub(counter) {
            Some(age) if age > 0 => self.came |= 1 << (age - 1),
            _ => {
                let ahead = counter - self.newest + 1;
                self.came = if ahead < REPLAY_WINDOW {
                    self.came << ahead | 1
                } else {
                    1
                };
                self.newest = counter + 1;
            }
        }
    }

    /// Opens a datagram in place; otherwise `text` is worthless. True if it is the newest of all.
    ///
    /// # Errors
    /// [`DropReason::Replayed`], or [`DropReason::BadTag`] if it is not of this session.
    //= PROTOCOL.md#17.3
    pub(crate) fn open(
        &mut self,
        suite: Suite,
        counter: u64,
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<bool, DropReason> {
        if !self.may_come(counter) {
            return Err(DropReason::Replayed);
        }
        self.unseal(suite, counter, associated, text, tag)
            .ok_or(DropReason::BadTag)?;
        let newest = counter >= self.newest;
        self.note(counter);
        Ok(newest)
    }

    //= PROTOCOL.md#5.4
    fn unseal(
        &mut self,
        suite: Suite,
        counter: u64,
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Option<()> {
        let now = epoch(suite, self.newest.saturating_sub(1));
        match epoch(suite, counter).checked_sub(now)? {
            0 => suite.open(&self.receive, counter, associated, text, tag),
            1 => {
                let mut next = suite.rekey(&self.receive);
                suite.open(&next, counter, associated, text, tag)?;
                self.receive = next;
                next.zeroize();
                Some(())
            }
            _ => None,
        }
    }

    pub(crate) fn wipe(&mut self) {
        self.send.zeroize();
        self.receive.zeroize();
    }
}

fn epoch(suite: Suite, counter: u64) -> u64 {
    counter >> suite.rekey_bits()
}

/// Sealing and opening for tools.
impl Identity {
    /// Seals the next datagram of a session in place; gives its tag. `associated` is what stands in
    /// front.
    pub fn seal(
        &self,
        session: &mut SessionKeys,
        associated: &[u8],
        text: &mut [u8],
    ) -> [u8; TAG_LEN] {
        session.seal(self.suite(), associated, text)
    }

    /// Opens a datagram of a session in place; false if it is none, or came already.
    pub fn open(
        &self,
        session: &mut SessionKeys,
        counter: u64,
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool {
        session
            .open(self.suite(), counter, associated, text, tag)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: Suite = Suite::Noise;

    fn pair() -> (SessionKeys, SessionKeys) {
        let (one, other) = ([1; KEY_LEN], [2; KEY_LEN]);
        (
            SessionKeys::new(&one, &other),
            SessionKeys::new(&other, &one),
        )
    }

    fn sealed(from: &mut SessionKeys) -> (u64, [u8; 2], [u8; TAG_LEN]) {
        let counter = from.counter().unwrap();
        let mut text = *b"hi";
        let tag = from.seal(SUITE, b"front", &mut text);
        (counter, text, tag)
    }

    fn opens(
        to: &mut SessionKeys,
        (counter, mut text, tag): (u64, [u8; 2], [u8; TAG_LEN]),
    ) -> bool {
        let opened = to.open(SUITE, counter, b"front", &mut text, &tag).is_ok();
        assert!(!opened || text == *b"hi");
        opened
    }

    #[test]
    //= PROTOCOL.md#5.3
    fn each_datagram_counts_once_in_any_order() {
        let (mut one, mut other) = pair();
        let sent: std::vec::Vec<_> = (0..100).map(|_| sealed(&mut one)).collect();
        for (at, counts) in [
            (3, true),
            (0, true),
            (2, true),
            (2, false),
            (64, true),
            (66, true),
            (65, true),
            (3, false),
            (64, false),
            (99, true),
        ] {
            assert_eq!(opens(&mut other, sent[at]), counts, "{at}");
        }
        // 64 behind the newest is the last that counts.
        assert!(!opens(&mut other, sent[34]));
        assert!(opens(&mut other, sent[36]));
        assert!(sent.iter().filter(|it| opens(&mut other, **it)).count() < 64);
        assert!(!sent.iter().any(|it| opens(&mut other, *it)));
    }

    #[test]
    fn any_change_is_seen_and_changes_nothing() {
        let (mut one, mut other) = pair();
        let (counter, text, tag) = sealed(&mut one);
        let before = (other.newest, other.came);
        for bit in 0..8 {
            assert!(!opens(&mut other, (counter ^ 1 << bit, text, tag)));
            assert!(!opens(
                &mut other,
                (counter, [text[0] ^ 1 << bit, text[1]], tag)
            ));
            let mut forged = tag;
            forged[15] ^= 1 << bit;
            assert!(!opens(&mut other, (counter, text, forged)));
        }
        assert_eq!((other.newest, other.came), before);
        assert!(opens(&mut other, (counter, text, tag)));
    }

    #[test]
    //= PROTOCOL.md#5.4
    fn keys_change_and_both_sides_follow() {
        let (mut one, mut other) = pair();
        let first = one.send;
        one.next = (1 << 16) - 1;
        other.newest = one.next;
        let (last, next) = (sealed(&mut one), sealed(&mut one));
        assert_ne!(one.send, first);
        assert!(opens(&mut other, next));
        assert_eq!(other.receive, one.send);
        assert!(!opens(&mut other, last), "the old key is gone");
        one.next = 5 << 16;
        let far = sealed(&mut one);
        assert!(!opens(&mut other, far), "nobody skips a key");
        one.next = u64::MAX;
        assert_eq!(one.counter(), None);
    }
}
