//! Messages kept for those who are away, and the receipts that tell their senders what was handed over.
//!
//! A message waits in no queue while it is being stored; then in its recipient's mailbox, until the recipient has
//! acknowledged it; then, as a receipt, with its sender, until that has acknowledged it too.

use super::storage::{MailQueue, MailSlot};
use super::{Server, StorageError};
use crate::containers::{Arena, Chained, FreeList, Next, Queue, Slots, Text};

/// All kept messages.
pub(super) struct Mail<'a> {
    pub(super) slots: Slots<'a, MailSlot>,
    pub(super) texts: Arena<'a>,
    free: FreeList,
    /// Serial numbers so far.
    pub(super) serial: u64,
    /// Those that were not handed to the store yet.
    pub(super) unsaved: Queue,
}

impl<'a> Mail<'a> {
    pub(super) fn new(
        slots: &'a mut [MailSlot],
        words: &'a mut [u32],
    ) -> Result<Self, StorageError> {
        Ok(Self {
            slots: Slots::new(slots).ok_or(StorageError("mail"))?,
            texts: Arena::new(words).ok_or(StorageError("mail_texts"))?,
            free: FreeList::new(),
            serial: 0,
            unsaved: Queue::EMPTY,
        })
    }

    pub(super) fn used(&self) -> u32 {
        self.free.used()
    }

    /// Takes a slot for a message; `None` if there is no slot or no room for the text.
    pub(super) fn insert(&mut self, mail: MailSlot, letter: &[u8]) -> Option<u32> {
        if self.free.is_exhausted(&self.slots) {
            return None;
        }
        let text = self.texts.store(letter)?;
        let index = self.free.allocate(&self.slots)?;
        *self.slots.at_mut(index) = MailSlot {
            text,
            next: Next::NONE,
            ..mail
        };
        Some(index)
    }

    /// The text is not needed any more.
    fn release_text(&mut self, index: u32) {
        let text = core::mem::replace(&mut self.slots.at_mut(index).text, Text::VACANT);
        self.texts.release(text);
    }

    pub(super) fn remove(&mut self, index: u32) {
        self.release_text(index);
        *self.slots.at_mut(index) = MailSlot::VACANT;
        self.free.release(&mut self.slots, index);
    }
}

impl MailQueue {
    pub(super) fn push(&mut self, slots: &mut Slots<'_, MailSlot>, index: u32) {
        self.all.push(slots, index);
        if self.unsent == Next::NONE {
            self.unsent = Next::to(index);
        }
    }

    pub(super) fn pop(&mut self, slots: &Slots<'_, MailSlot>) -> Option<u32> {
        let index = self.all.pop(slots)?;
        if self.unsent == Next::to(index) {
            self.unsent = slots.at(index).next();
        }
        Some(index)
    }

    pub(super) fn next_unsent(&self) -> Option<u32> {
        self.unsent.get()
    }

    /// The one behind the last that was sent is sent.
    pub(super) fn sent(&mut self, slots: &Slots<'_, MailSlot>) {
        if let Some(index) = self.unsent.get() {
            self.unsent = slots.at(index).next();
        }
    }

    /// Everything is to be sent again.
    pub(super) fn rewind(&mut self) {
        self.unsent = self.all.first().map_or(Next::NONE, Next::to);
    }
}

/// A text that came out of an arena: it went in as a string.
pub(super) fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

impl Server<'_> {
    /// Whether anything from this sender waits for this recipient. Cost: the length of the mailbox.
    pub(super) fn has_mail_from(&self, recipient: u32, sender: u32) -> bool {
        let mailbox = &self.names.at(recipient).mailbox.all;
        let from_sender = |mail: &MailSlot| mail.from == sender;
        mailbox.find(&self.mail.slots, from_sender).is_some()
    }

    /// A message was stored: it takes its place in the mailbox.
    pub(super) fn keep(&mut self, index: u32) {
        self.order += 1;
        let mail = self.mail.slots.at_mut(index);
        mail.order = self.order;
        let (from, to) = (mail.from, mail.to);
        self.names.at_mut(from).kept_last = index + 1;
        self.names
            .at_mut(to)
            .mailbox
            .push(&mut self.mail.slots, index);
        self.attend(to);
    }

    /// The recipient acknowledged the oldest message of its mailbox.
    pub(super) fn handed_over(&mut self, recipient: u32) {
        let name = self.names.at_mut(recipient);
        let Some(index) = name.mailbox.pop(&self.mail.slots) else {
            return;
        };
        name.mail_count -= 1;
        let mail = *self.mail.slots.at(index);
        name.handed_over = mail.serial;
        self.note_progress(recipient);

        let followed = self.is_followed(index);
        let sender = self.names.at_mut(mail.from);
        if followed
            || sender.incarnation != mail.incarnation
            || !self.sessions.at(mail.from).is_open()
        {
            return self.remove_mail(index);
        }
        if sender.kept_last == index + 1 {
            sender.kept_last = 0;
        }
        self.mail.release_text(index);
        // Receipts for the same recipient that were not sent yet become one.
        if let Some(last) = sender.receipts.all.last()
            && sender.receipts.next_unsent() == Some(last)
            && self.mail.slots.at(last).to == mail.to
        {
            self.mail.slots.at_mut(last).counter = mail.counter;
            return self.remove_mail(index);
        }
        sender.receipts.push(&mut self.mail.slots, index);
        if mail.from != recipient {
            self.attend(mail.from);
        }
    }

    /// Whether another message of the same process is known to wait for the same recipient. Until that is handed over,
    /// a receipt changes nothing for the sender: it would only cost a datagram and its answer for each window of a
    /// full mailbox.
    fn is_followed(&self, index: u32) -> bool {
        let mail = self.mail.slots.at(index);
        let last = self.names.at(mail.from).kept_last.checked_sub(1);
        last.is_some_and(|last| {
            let later = self.mail.slots.at(last);
            last != index && later.to == mail.to && later.incarnation == mail.incarnation
        })
    }

    /// The sender acknowledged its oldest receipt.
    pub(super) fn receipt_acknowledged(&mut self, sender: u32) {
        if let Some(index) = self.names.at_mut(sender).receipts.pop(&self.mail.slots) {
            self.remove_mail(index);
        }
    }

    /// Nobody waits for these receipts any more.
    pub(super) fn drop_receipts(&mut self, sender: u32) {
        while let Some(index) = self.names.at_mut(sender).receipts.pop(&self.mail.slots) {
            self.remove_mail(index);
        }
    }

    /// A cursor of this name has moved and is to be stored.
    pub(super) fn note_progress(&mut self, slot: u32) {
        self.progress.push(&mut self.names, slot);
    }
}
