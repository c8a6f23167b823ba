//! The keys of a session: each datagram is encrypted under a counter that is used once.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::suite::Suite;
use super::{Identity, KEY_LEN, TAG_LEN};
use crate::drop_reason::DropReason;

/// Length of the anti-replay window: how far below the highest counter one is still accepted.
const REPLAY_WINDOW: u64 = 64;

/// The keys of both directions, their counters, and the anti-replay window (RFC 4303, section
/// 3.4.3). A drop wipes the keys.
///
/// A clone is for tools that decrypt a datagram twice. Two clones that encrypt reuse a nonce.
#[derive(Clone)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct SessionKeys {
    send: [u8; KEY_LEN],
    receive: [u8; KEY_LEN],
    /// The counter of the next datagram to send.
    next: u64,
    /// One more than the highest counter that was accepted.
    newest: u64,
    /// The accepted counters below that: bit 0 is the highest one.
    accepted: u64,
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
    /// The content of a vacant slot: all zero bits.
    pub(crate) const VACANT: Self = Self {
        send: [0; KEY_LEN],
        receive: [0; KEY_LEN],
        next: 0,
        newest: 0,
        accepted: 0,
    };

    /// Creates the keys of a new session: both counters are 0.
    pub fn new(send: &[u8; KEY_LEN], receive: &[u8; KEY_LEN]) -> Self {
        Self {
            send: *send,
            receive: *receive,
            next: 0,
            newest: 0,
            accepted: 0,
        }
    }

    /// Copies the keys of a new session, without an intermediate copy on the stack.
    pub(crate) fn start(&mut self, keys: &Self) {
        self.send.copy_from_slice(&keys.send);
        self.receive.copy_from_slice(&keys.receive);
        (self.next, self.newest, self.accepted) = (keys.next, keys.newest, keys.accepted);
    }

    /// Returns the current keys: for sending, and for receiving. They decrypt the rest of the
    /// session.
    pub fn keys(&self) -> (&[u8; KEY_LEN], &[u8; KEY_LEN]) {
        (&self.send, &self.receive)
    }

    /// Returns how many datagrams the busier direction has carried.
    pub(crate) fn used(&self) -> u64 {
        self.next.max(self.newest)
    }

    /// Returns the counter of the next datagram, or `None` when the counters are used up.
    pub(crate) fn counter(&self) -> Option<u64> {
        (self.next != u64::MAX).then_some(self.next)
    }

    /// Encrypts the next datagram in place; returns its tag. The associated data is the bytes in
    /// front, with the counter.
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
            self.send = *Zeroizing::new(suite.rekey(&self.send));
            suite.wipe_stack();
        }
        tag
    }

    /// Returns whether the anti-replay window permits a datagram with this counter.
    //= PROTOCOL.md#5.3
    fn is_acceptable(&self, counter: u64) -> bool {
        match self.newest.checked_sub(counter) {
            None | Some(0) => counter != u64::MAX,
            Some(age) => age <= REPLAY_WINDOW && self.accepted >> (age - 1) & 1 == 0,
        }
    }

    /// Marks a counter as accepted, and moves the window if it is the highest one.
    fn accept(&mut self, counter: u64) {
        match self.newest.checked_sub(counter) {
            Some(age) if age > 0 => self.accepted |= 1 << (age - 1),
            _ => {
                let ahead = counter - self.newest + 1;
                self.accepted = if ahead < REPLAY_WINDOW {
                    self.accepted << ahead | 1
                } else {
                    1
                };
                self.newest = counter + 1;
            }
        }
    }

    /// Decrypts a datagram in place; returns whether its counter is the highest so far. After an
    /// error, the content of `text` is undefined.
    ///
    /// # Errors
    /// [`DropReason::Replayed`] if the window does not permit the counter, or
    /// [`DropReason::BadTag`] if the datagram is not of this session.
    //= PROTOCOL.md#17.3
    pub(crate) fn open(
        &mut self,
        suite: Suite,
        counter: u64,
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<bool, DropReason> {
        if !self.is_acceptable(counter) {
            return Err(DropReason::Replayed);
        }
        self.decrypt(suite, counter, associated, text, tag)
            .ok_or(DropReason::BadTag)?;
        let newest = counter >= self.newest;
        self.accept(counter);
        Ok(newest)
    }

    /// Decrypts with the current key or, at a key update, with the next one.
    //= PROTOCOL.md#5.4
    fn decrypt(
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
                let next = Zeroizing::new(suite.rekey(&self.receive));
                suite.open(&next, counter, associated, text, tag)?;
                self.receive = *next;
                suite.wipe_stack();
                Some(())
            }
            _ => None,
        }
    }

    /// Erases both keys.
    pub(crate) fn wipe(&mut self) {
        self.send.zeroize();
        self.receive.zeroize();
    }
}

impl ZeroizeOnDrop for SessionKeys {}

impl Drop for SessionKeys {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Returns the number of key updates before this counter.
fn epoch(suite: Suite, counter: u64) -> u64 {
    counter >> suite.rekey_bits()
}

/// Encryption and decryption of datagrams, for tools.
impl Identity {
    /// Encrypts the next datagram of a session in place; returns its tag. `associated` is the bytes
    /// in front of it.
    pub fn seal(
        &self,
        session: &mut SessionKeys,
        associated: &[u8],
        text: &mut [u8],
    ) -> [u8; TAG_LEN] {
        session.seal(self.suite(), associated, text)
    }

    /// Decrypts a datagram of a session in place; returns false if it is not of this session, or a
    /// replay.
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

    fn encrypt(from: &mut SessionKeys) -> (u64, [u8; 2], [u8; TAG_LEN]) {
        let counter = from.counter().unwrap();
        let mut text = *b"hi";
        let tag = from.seal(SUITE, b"front", &mut text);
        (counter, text, tag)
    }

    fn decrypts(
        to: &mut SessionKeys,
        (counter, mut text, tag): (u64, [u8; 2], [u8; TAG_LEN]),
    ) -> bool {
        let is_open = to.open(SUITE, counter, b"front", &mut text, &tag).is_ok();
        assert!(!is_open || text == *b"hi");
        is_open
    }

    #[test]
    //= PROTOCOL.md#5.3
    fn accepts_each_counter_once_in_any_order() {
        let (mut one, mut other) = pair();
        let sent: std::vec::Vec<_> = (0..100).map(|_| encrypt(&mut one)).collect();
        for (at, is_accepted) in [
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
            assert_eq!(decrypts(&mut other, sent[at]), is_accepted, "{at}");
        }
        // Counter 36 is 63 below the highest one: the lowest in the window.
        assert!(!decrypts(&mut other, sent[34]));
        assert!(decrypts(&mut other, sent[36]));
        assert!(sent.iter().filter(|it| decrypts(&mut other, **it)).count() < 64);
        assert!(!sent.iter().any(|it| decrypts(&mut other, *it)));
    }

    #[test]
    fn keeps_its_state_when_a_datagram_was_changed() {
        let (mut one, mut other) = pair();
        let (counter, text, tag) = encrypt(&mut one);
        let before = (other.newest, other.accepted);
        for bit in 0..8 {
            assert!(!decrypts(&mut other, (counter ^ 1 << bit, text, tag)));
            assert!(!decrypts(
                &mut other,
                (counter, [text[0] ^ 1 << bit, text[1]], tag)
            ));
            let mut forged = tag;
            forged[15] ^= 1 << bit;
            assert!(!decrypts(&mut other, (counter, text, forged)));
        }
        assert_eq!((other.newest, other.accepted), before);
        assert!(decrypts(&mut other, (counter, text, tag)));
    }

    #[test]
    //= PROTOCOL.md#5.4
    fn updates_keys_on_both_sides() {
        let (mut one, mut other) = pair();
        let first = one.send;
        one.next = (1 << 16) - 1;
        other.newest = one.next;
        let (last, next) = (encrypt(&mut one), encrypt(&mut one));
        assert_ne!(one.send, first);
        assert!(decrypts(&mut other, next));
        assert_eq!(other.receive, one.send);
        assert!(!decrypts(&mut other, last), "decrypted with the old key");
        one.next = 5 << 16;
        let far = encrypt(&mut one);
        assert!(!decrypts(&mut other, far), "skipped a key");
        one.next = u64::MAX;
        assert_eq!(one.counter(), None);
    }
}
