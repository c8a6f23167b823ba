//! How much of a mailbox, and of the memory for all messages, each sender may use.

use super::holdings::Holdings;
use super::mailboxes::Parties;
use super::share::Share;
use crate::containers::{Count, CountSlot, Tally};
use crate::crypto::Key;
use crate::driver::StorageError;

/// The quotas of stored messages.
pub(super) struct MailQuota<'a> {
    /// The messages of each sender in each mailbox.
    waiting: Tally<'a>,
    key: Key,
    /// The share of one mailbox, in messages.
    mailbox: Share,
    /// The share of all mailboxes, in messages with receipts.
    messages: Share,
    /// The share of all mailboxes, in words.
    words: Share,
    used_words: Count,
}

impl<'a> MailQuota<'a> {
    /// Creates the quotas of `messages` messages with `words` words of text, at most `per_name` in
    /// one mailbox. A sender may use so many `percent` of each.
    ///
    /// # Errors
    /// [`StorageError`] if there are fewer slots than messages.
    pub(super) fn new(
        slots: &'a mut [CountSlot],
        (messages, words): (u32, u32),
        (per_name, percent): (u32, u32),
        key: Key,
    ) -> Result<Self, StorageError> {
        let few = StorageError::new("mail_counts", slots.len(), messages as usize);
        Ok(Self {
            waiting: Tally::new(slots, messages).ok_or(few)?,
            key,
            mailbox: Share::new(per_name, percent),
            messages: Share::new(messages, percent),
            words: Share::new(words, percent),
            used_words: Count::ZERO,
        })
    }

    /// Returns the maximum number of messages in one mailbox.
    pub(super) fn per_name(&self) -> u32 {
        self.mailbox.capacity()
    }

    /// Returns the upper half of a hash that no remote party can predict.
    fn hash(&self, parties: Parties) -> u32 {
        let pair = u64::from(parties.from) << u32::BITS | u64::from(parties.to);
        (self.key.scatter(pair) >> u32::BITS) as u32
    }

    /// Returns whether a sender that uses so much may store one more message, with a text of
    /// `words` words. `in_mailbox` messages wait for the recipient; `used` messages and receipts
    /// are stored for all.
    //= PROTOCOL.md#10.4
    pub(super) fn admits(
        &self,
        parties: Parties,
        sender: &Holdings,
        (in_mailbox, used): (u32, u32),
        words: u32,
    ) -> bool {
        if !cfg!(feature = "quotas") {
            return in_mailbox < self.per_name();
        }
        // Most mailboxes are nearly empty: the sender's part of them does not matter.
        let has_room = self.mailbox.is_roomy(in_mailbox) || {
            let waiting = self.waiting.count(self.hash(parties));
            self.mailbox.admits(waiting, 1, in_mailbox)
        };
        has_room
            && self.messages.admits(sender.messages(), 1, used)
            && self
                .words
                .admits(sender.words(), words, self.used_words.get())
    }

    /// Counts a message that takes its place in a mailbox.
    pub(super) fn add(&mut self, parties: Parties, words: u32) {
        if !cfg!(feature = "quotas") {
            return;
        }
        self.waiting.add(self.hash(parties));
        self.used_words.add(words);
    }

    /// Counts a message less that leaves its mailbox.
    pub(super) fn remove(&mut self, parties: Parties, words: u32) {
        if !cfg!(feature = "quotas") {
            return;
        }
        self.waiting.remove(self.hash(parties));
        self.used_words.remove(words);
    }
}

#[cfg(all(test, feature = "quotas"))]
mod tests {
    use super::*;

    const TO_BOB: Parties = Parties { from: 0, to: 1 };
    const TO_CAROL: Parties = Parties { from: 0, to: 2 };
    const FRIEND_TO_BOB: Parties = Parties { from: 3, to: 1 };

    /// Runs a test with 100 messages of 1,000 words, 20 for each name, a fifth for each sender.
    fn with(test: impl FnOnce(&mut MailQuota<'_>)) {
        let mut slots = [CountSlot::VACANT; 100];
        let key = Key::new(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        test(&mut MailQuota::new(&mut slots, (100, 1_000), (20, 20), key).unwrap());
    }

    fn fill(quota: &mut MailQuota<'_>, parties: Parties, held: &mut Holdings, words: u32) -> u32 {
        let mut count = 0;
        while quota.admits(parties, held, (count, held.messages()), words) {
            quota.add(parties, words);
            held.add_message(words);
            count += 1;
        }
        count
    }

    #[test]
    //= PROTOCOL.md#10.4
    fn leaves_room_in_a_mailbox_for_others() {
        with(|quota| {
            let mut held = Holdings::NONE;
            assert_eq!(fill(quota, TO_BOB, &mut held, 1), 4);
            let friend = Holdings::NONE;
            for in_mailbox in [4, 19] {
                assert!(quota.admits(FRIEND_TO_BOB, &friend, (in_mailbox, 4), 1));
            }
            assert!(!quota.admits(FRIEND_TO_BOB, &friend, (20, 20), 1));
            quota.remove(TO_BOB, 1);
            assert!(quota.admits(TO_BOB, &held, (3, 4), 1));
        });
    }

    #[test]
    fn limits_what_one_sender_stores_for_all_names() {
        with(|quota| {
            let mut held = Holdings::NONE;
            for to in 1..=5 {
                fill(quota, Parties { from: 0, to }, &mut held, 1);
            }
            assert_eq!(held.messages(), 20);
            assert!(!quota.admits(Parties { from: 0, to: 6 }, &held, (0, 20), 1));
        });
    }

    #[test]
    fn limits_the_text_that_one_sender_stores() {
        with(|quota| {
            let mut held = Holdings::NONE;
            assert_eq!(fill(quota, TO_BOB, &mut held, 90), 2);
            assert!(!quota.admits(TO_CAROL, &held, (0, 2), 30));
            assert!(quota.admits(FRIEND_TO_BOB, &Holdings::NONE, (2, 2), 271));
            held.remove_text(90);
            quota.remove(TO_BOB, 90);
            assert!(quota.admits(TO_CAROL, &held, (0, 2), 30));
        });
    }

    #[test]
    fn needs_a_slot_for_each_message() {
        let mut slots = [CountSlot::VACANT; 2];
        let few = MailQuota::new(&mut slots, (3, 9), (1, 20), Key::new(1, 2)).err();
        assert_eq!(few, Some(StorageError::new("mail_counts", 2, 3)));
    }
}
