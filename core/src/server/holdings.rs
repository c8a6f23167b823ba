//! How much of the server's storage one sender uses.

use crate::containers::Count;

/// How much of the server's storage one sender uses.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Holdings {
    /// Stored messages, and receipts that were not acknowledged.
    messages: Count,
    /// Words of the texts of these messages.
    words: Count,
    /// Entries of the channel log.
    entries: Count,
}

impl Holdings {
    /// Nothing; all zero bits.
    pub(super) const NONE: Self = Self {
        messages: Count::ZERO,
        words: Count::ZERO,
        entries: Count::ZERO,
    };

    /// Returns the number of stored messages and receipts.
    pub(super) fn messages(&self) -> u32 {
        self.messages.get()
    }

    /// Returns the words of the texts of stored messages.
    pub(super) fn words(&self) -> u32 {
        self.words.get()
    }

    /// Returns the number of entries of the channel log.
    pub(super) fn entries(&self) -> u32 {
        self.entries.get()
    }

    /// Counts an entry of the channel log.
    pub(super) fn add_entry(&mut self) {
        self.entries.add(1);
    }

    /// Counts an entry less: it fell out of the log, or could not be stored.
    pub(super) fn remove_entry(&mut self) {
        self.entries.remove(1);
    }

    /// Counts a stored message with a text of so many words.
    pub(super) fn add_message(&mut self, words: u32) {
        self.messages.add(1);
        self.words.add(words);
    }

    /// Counts so many words less: a message was delivered, or removed.
    pub(super) fn remove_text(&mut self, words: u32) {
        self.words.remove(words);
    }

    /// Counts one message or receipt less.
    pub(super) fn remove_message(&mut self) {
        self.messages.remove(1);
    }
}

#[cfg(all(test, feature = "quotas"))]
mod tests {
    use super::*;

    #[test]
    fn counts_messages_texts_and_entries() {
        let mut held = Holdings::NONE;
        held.add_message(30);
        held.add_message(4);
        held.remove_text(30);
        assert_eq!((held.messages(), held.words()), (2, 4));
        held.remove_message();
        held.remove_text(4);
        held.remove_message();
        assert_eq!((held.messages(), held.words()), (0, 0));
        held.add_entry();
        assert_eq!(held.entries(), 1);
        held.remove_entry();
        assert_eq!(held.entries(), 0);
    }
}
