//! Stored messages and entries of the channel: what is stored, handed over, and gone.

use super::Server;
use crate::server::channel_log::{Appended, Evicted, LogSlot};
use crate::server::mailboxes::{HandedOver, Parties};

impl Server<'_> {
    /// Returns the next place in the common order of messages and changes of the table.
    pub(super) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Notes that a message was stored: it takes its place in the mailbox.
    pub(super) fn enqueue_stored(&mut self, index: u32) {
        let order = self.next_order();
        let Parties { from, to } = self.mail.parties(index);
        self.roster.at_mut(from).receipts_mut().on_stored(index);
        let mailbox = self.roster.at_mut(to).mailbox_mut();
        self.mail.on_stored(index, order, mailbox);
        self.reschedule(to);
    }

    /// Notes that a message refers to its sender and its recipient.
    pub(super) fn refer(&mut self, parties: Parties) {
        self.roster.refer(parties.from);
        self.roster.refer(parties.to);
    }

    /// Notes that a message is gone.
    pub(super) fn release(&mut self, parties: Parties) {
        self.roster.release(parties.from);
        self.roster.release(parties.to);
    }

    /// Removes a message that is in no mailbox.
    pub(super) fn remove_mail(&mut self, index: u32) {
        let parties = self.mail.parties(index);
        let sender = self.roster.at_mut(parties.from).receipts_mut();
        self.mail.remove(index, sender);
        self.release(parties);
    }

    /// Notes that the recipient has acknowledged a message: its sender gets a receipt.
    pub(super) fn handed_over(&mut self, recipient: u32, index: u32) {
        self.note_progress(recipient);
        let parties = self.mail.parties(index);
        let sender = self.roster.at_mut(parties.from);
        let is_same = sender.has_process(self.mail.origin(index).incarnation);
        let is_there = is_same && self.sessions.at(parties.from).is_open();
        match self.mail.hand_over(index, sender.receipts_mut(), is_there) {
            HandedOver::Removed => self.release(parties),
            HandedOver::Receipt if parties.from != recipient => self.reschedule(parties.from),
            HandedOver::Receipt => {}
        }
    }

    /// Drops the receipts of a process that is gone.
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

    /// Appends an entry, which no recipient gets before it is stored. The oldest ones make room;
    /// `None` if those that are not stored yet fill the log.
    pub(super) fn append(&mut self, entry: LogSlot, text: &str) -> Option<u32> {
        loop {
            match self.channel.append(entry, text) {
                Appended::Entry(number) => {
                    self.roster.refer(entry.from());
                    return Some(number);
                }
                Appended::Evicted(evicted) => self.evicted(evicted),
                Appended::Full => return None,
            }
        }
    }

    /// Numbers up to this one, where they are missing, are those of entries that could not be
    /// stored.
    pub(super) fn fill_channel(&mut self, upto: u32) -> Option<()> {
        while self.channel.ends_before(upto) {
            let number = self.append(LogSlot::missing(), "")?;
            self.channel.saved(number);
            self.publish(number, false);
        }
        Some(())
    }

    fn evicted(&mut self, evicted: Evicted) {
        if let Some((number, origin)) = evicted.lost {
            let sender = self.roster.at_mut(evicted.from);
            sender.channel_mut().lose_own(number);
            // With the entry goes the proof that its request was done. A sender that may repeat it
            // needs another one, which is stored before the record that takes the entry's place.
            if sender.may_repeat(origin) {
                self.change_name(evicted.from);
            }
        }
        self.roster.release(evicted.from);
    }

    /// Notes that an entry was stored, or could not be: recipients may pass it now.
    pub(super) fn publish(&mut self, number: u32, stored: bool) {
        let order = self.next_order();
        self.channel.publish(number, order, stored);
    }
}
