//! Stored messages and channel log entries: their storage, delivery and removal.

use super::Server;
use crate::server::channel_log::{Appended, Evicted, LogSlot};
use crate::server::mailboxes::{HandedOver, Parties};
use crate::time::UnixSeconds;

/// Entries since then are spared: none.
pub(super) const ALL_MAY_GO: UnixSeconds = UnixSeconds(u32::MAX);

impl Server<'_> {
    /// Returns the next position in the common order of messages and table changes.
    pub(super) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Appends a message that was stored to its recipient's mailbox.
    pub(super) fn enqueue_stored(&mut self, index: u32) {
        let order = self.next_order();
        let Parties { from, to } = self.mail.parties(index);
        self.roster.at_mut(from).receipts_mut().on_stored(index);
        let mailbox = self.roster.at_mut(to).mailbox_mut();
        self.mail.on_stored(index, order, mailbox);
        self.reschedule(to);
    }

    /// Counts a message that takes its place in a mailbox, and its references to its sender and its
    /// recipient.
    pub(super) fn refer(&mut self, index: u32) {
        let (parties, words) = (self.mail.parties(index), self.mail.words(index));
        self.mail_quota.add(parties, words);
        let sender = self.roster.at_mut(parties.from);
        sender.holdings_mut().add_message(words);
        self.roster.refer(parties.from);
        self.roster.refer(parties.to);
    }

    /// Releases the references of a message or receipt that was removed.
    pub(super) fn release(&mut self, parties: Parties) {
        let sender = self.roster.at_mut(parties.from);
        sender.holdings_mut().remove_message();
        self.roster.release(parties.from);
        self.roster.release(parties.to);
    }

    /// Counts a message less that has left its mailbox; returns its parties.
    pub(super) fn leaves_mailbox(&mut self, index: u32) -> Parties {
        let (parties, words) = (self.mail.parties(index), self.mail.words(index));
        if self.mail.is_withdrawn(index) {
            // It was counted less when it was withdrawn.
            return parties;
        }
        self.mail_quota.remove(parties, words);
        let sender = self.roster.at_mut(parties.from);
        sender.holdings_mut().remove_text(words);
        parties
    }

    /// Removes a message that has left its mailbox, and was not delivered.
    pub(super) fn remove_mail(&mut self, index: u32) {
        let parties = self.leaves_mailbox(index);
        let sender = self.roster.at_mut(parties.from).receipts_mut();
        self.mail.remove(index, sender);
        self.release(parties);
    }

    /// Handles the acknowledgement of a message by its recipient: its sender gets a receipt.
    pub(super) fn handed_over(&mut self, recipient: u32, index: u32) {
        self.note_progress(recipient);
        let is_withdrawn = self.mail.is_withdrawn(index);
        let parties = self.leaves_mailbox(index);
        let sender = self.roster.at_mut(parties.from);
        let is_same = sender.has_process(self.mail.origin(index).incarnation);
        let is_there = is_same && !is_withdrawn && self.sessions.at(parties.from).is_open();
        match self.mail.hand_over(index, sender.receipts_mut(), is_there) {
            HandedOver::Removed => self.release(parties),
            HandedOver::Receipt if parties.from != recipient => self.reschedule(parties.from),
            HandedOver::Receipt => {}
        }
    }

    /// Drops the receipts for a process that has ended.
    pub(super) fn drop_receipts(&mut self, slot: u32) {
        loop {
            let receipts = self.roster.at_mut(slot).receipts_mut();
            let Some(parties) = self.mail.on_receipt_acked(receipts) else {
                return;
            };
            self.release(parties);
        }
    }

    // ---- the channel ----

    /// Appends an entry. No recipient gets it before it is stored. The oldest entries make room,
    /// but not those since `spared_since` of others that hold less; `None` if there is no room.
    pub(super) fn append(
        &mut self,
        entry: LogSlot,
        text: &str,
        spared_since: UnixSeconds,
    ) -> Option<u32> {
        loop {
            let spared_since = self.oldest_spared_since(entry.sender(), spared_since);
            match self.channel.append(entry, text, spared_since) {
                Appended::Entry(number) => {
                    self.count_entry(&entry);
                    return Some(number);
                }
                Appended::Evicted(evicted) => self.evicted(evicted),
                Appended::Full => return None,
            }
        }
    }

    /// Counts an entry of the log at its sender.
    fn count_entry(&mut self, entry: &LogSlot) {
        let Some(sender) = entry.sender() else {
            return;
        };
        if !entry.is_void() {
            self.roster.at_mut(sender).holdings_mut().add_entry();
        }
        self.roster.refer(sender);
    }

    /// Returns since when the oldest entry stays for this sender. Nothing stays if its own sender
    /// holds as much: in a small log, a few who talk use up their shares.
    fn oldest_spared_since(&self, sender: Option<u32>, spared_since: UnixSeconds) -> UnixSeconds {
        if !cfg!(feature = "quotas") {
            return spared_since;
        }
        let entries = |sender: Option<u32>| {
            sender.map_or(0, |slot| self.roster.at(slot).holdings().entries())
        };
        let oldest = self.channel.get(self.channel.first());
        let holds_less = oldest.is_some_and(|oldest| entries(oldest.sender()) < entries(sender));
        if holds_less { spared_since } else { ALL_MAY_GO }
    }

    /// Fills missing numbers below this one with void entries: their entries could not be stored.
    /// `None` if the log is full.
    pub(super) fn fill_channel(&mut self, upto: u32) -> Option<()> {
        while self.channel.ends_before(upto) {
            let number = self.append(LogSlot::missing(), "", ALL_MAY_GO)?;
            self.channel.saved(number);
            self.publish(number, false);
        }
        Some(())
    }

    fn evicted(&mut self, evicted: Evicted) {
        let Some(slot) = evicted.sender else {
            return;
        };
        if let Some((number, origin)) = evicted.lost {
            let sender = self.roster.at_mut(slot);
            sender.holdings_mut().remove_entry();
            sender.channel_mut().lose_own(number);
            // The entry was the proof that its request took effect. If the sender may repeat the
            // request, the name's record becomes the proof. It is stored before the record of the
            // new entry.
            if sender.may_repeat(origin) {
                self.change_name(slot);
            }
        }
        self.roster.release(slot);
    }

    /// Makes an entry visible that was stored, or void if it could not be.
    pub(super) fn publish(&mut self, number: u32, stored: bool) {
        let order = self.next_order();
        let entry = self.channel.get(number).filter(|entry| !entry.is_void());
        let sender = entry.filter(|_| !stored).and_then(LogSlot::sender);
        if let Some(sender) = sender {
            self.roster.at_mut(sender).holdings_mut().remove_entry();
        }
        self.channel.publish(number, order, stored);
    }
}
