//! The medium-term key of a name: published by its client, and handed to those that write to it.

use super::record::Ticket;
use crate::crypto::{MediumKeyId, PublicKey};
use crate::time::Instant;

/// Milliseconds from one change of the key of a name to the next. A key that changed all the time
/// would keep senders from encrypting for it.
const CHANGE_MS: u64 = 10_000;

/// Whether the store has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Storage {
    Stored,
    /// The next record of the name has it.
    Due,
    /// The store was given a record with it.
    Given,
}

/// Whether the client's process knows medium-term keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Support {
    Unknown,
    /// It has published its key, or said that it has none.
    Shown,
}

/// The effect of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Publication {
    /// The store has this key already.
    Known,
    /// The key has to be stored.
    New,
    /// The key has changed too recently.
    TooSoon,
}

/// The medium-term key of a name.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Published {
    key: PublicKey,
    storage: Storage,
    support: Support,
    /// The request that waits until the key is stored; 0 for none.
    request: u32,
    /// The ticket of the record that was given to the store.
    ticket: u64,
    /// When the key may change again.
    next_at: Instant,
}

impl Published {
    /// No key; all zero bits.
    pub(super) const NONE: Self = Self {
        key: PublicKey::NONE,
        storage: Storage::Stored,
        support: Support::Unknown,
        request: 0,
        ticket: 0,
        next_at: Instant::ZERO,
    };

    /// Returns the key; none if there is none.
    pub(super) fn key(&self) -> PublicKey {
        self.key
    }

    /// Sets the key from a record of an earlier run.
    pub(super) fn restore(&mut self, key: &PublicKey) {
        if !MediumKeyId::of(key).is_none() {
            self.key = *key;
        }
    }

    /// Returns whether the client's process knows medium-term keys.
    pub(super) fn is_supported(&self) -> bool {
        self.support == Support::Shown
    }

    /// Records that the client's process knows medium-term keys.
    pub(super) fn note_support(&mut self) {
        self.support = Support::Shown;
    }

    /// Forgets what the process of the client knows, and its request: another one has the name.
    pub(super) fn begin_process(&mut self) {
        self.support = Support::Unknown;
        self.request = 0;
    }

    /// Takes the request that waits for the store: another one takes its place.
    pub(super) fn take_request(&mut self) -> Option<u32> {
        let request = core::mem::take(&mut self.request);
        (request != 0).then_some(request)
    }

    /// Takes a key, or none, that the client publishes by this request.
    //= PROTOCOL.md#11.6
    pub(super) fn publish(&mut self, key: &PublicKey, request: u32, now: Instant) -> Publication {
        if self.key == *key && self.storage == Storage::Stored {
            return Publication::Known;
        }
        if self.key != *key {
            if now < self.next_at {
                return Publication::TooSoon;
            }
            self.key = *key;
            self.next_at = now.plus_millis(CHANGE_MS);
            self.storage = Storage::Due;
        }
        self.request = request;
        Publication::New
    }

    /// Returns whether a message is encrypted for another key than this one. One of a sender that
    /// does not know medium-term keys may be for the static key alone.
    pub(super) fn is_other_than_of(&self, message: &[u8], is_supported: bool) -> bool {
        let expected = Some(&self.key).filter(|key| !key.is_none());
        match MediumKeyId::of_message(message) {
            None => is_supported && expected.is_some(),
            id => id != expected.map(MediumKeyId::of),
        }
    }

    /// Records that the store is given a record with the key.
    pub(super) fn on_given(&mut self, ticket: Ticket) {
        if self.storage == Storage::Due {
            (self.storage, self.ticket) = (Storage::Given, ticket.number());
        }
    }

    /// Handles the result of a record; returns the request that it decides, if there is one.
    pub(super) fn on_stored(&mut self, ticket: Ticket, stored: bool) -> Option<u32> {
        if self.storage != Storage::Given || self.ticket != ticket.number() {
            return None;
        }
        self.storage = if stored {
            Storage::Stored
        } else {
            Storage::Due
        };
        self.take_request()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KEY_LEN;

    const ONE: PublicKey = PublicKey([1; KEY_LEN]);
    const OTHER: PublicKey = PublicKey([2; KEY_LEN]);

    #[test]
    fn answers_once_the_key_is_stored() {
        let mut published = Published::NONE;
        let now = Instant::ZERO;
        assert_eq!(published.publish(&ONE, 3, now), Publication::New);
        assert_eq!(
            published.on_stored(Ticket::new(1), true),
            None,
            "an earlier record"
        );
        published.on_given(Ticket::new(2));
        published.on_given(Ticket::new(3));
        assert_eq!(published.on_stored(Ticket::new(2), true), Some(3));
        assert_eq!(published.publish(&ONE, 4, now), Publication::Known);
        assert_eq!(published.key(), ONE);
    }

    #[test]
    fn stores_the_key_again_after_a_failure() {
        let mut published = Published::NONE;
        published.publish(&ONE, 3, Instant::ZERO);
        published.on_given(Ticket::new(1));
        assert_eq!(published.on_stored(Ticket::new(1), false), Some(3));
        assert_eq!(published.publish(&ONE, 4, Instant::ZERO), Publication::New);
        published.on_given(Ticket::new(2));
        assert_eq!(published.on_stored(Ticket::new(2), true), Some(4));
    }

    #[test]
    fn changes_the_key_once_in_a_while() {
        let mut published = Published::NONE;
        let at = Instant::from_millis;
        published.publish(&ONE, 1, at(0));
        assert_eq!(
            published.publish(&OTHER, 2, at(9_999)),
            Publication::TooSoon
        );
        assert_eq!(published.key(), ONE);
        assert_eq!(published.publish(&OTHER, 3, at(10_000)), Publication::New);
    }

    #[test]
    //= PROTOCOL.md#11.6
    fn refuses_messages_for_other_keys() {
        let mut published = Published::NONE;
        let message = |marked: bool, id: u8| {
            let key = PublicKey([9; KEY_LEN]);
            let key = if marked { key.marked() } else { key };
            [&key.0[..], &[id; 30]].concat()
        };
        let is_other = |published: &Published, message: &[u8]| {
            [true, false].map(|supported| published.is_other_than_of(message, supported))
        };
        assert_eq!(is_other(&published, &message(false, 1)), [false; 2]);
        assert_eq!(is_other(&published, &message(true, 1)), [true; 2]);
        published.publish(&ONE, 1, Instant::ZERO);
        assert_eq!(is_other(&published, &message(false, 1)), [true, false]);
        assert_eq!(is_other(&published, &message(true, 1)), [false; 2]);
        assert_eq!(is_other(&published, &message(true, 2)), [true; 2]);
    }
}
