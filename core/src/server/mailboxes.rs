//! Messages stored for offline recipients, and receipts that report their delivery to the senders.
//!
//! A message is in no queue until it is stored; then in its recipient's mailbox until the recipient
//! acknowledges it; then, as a receipt, in its sender's queue until the sender acknowledges that.

use super::origin::Origin;
use super::record::Record;
use super::send_queue::SendQueue;
use crate::containers::{Chained, FreeList, Next, Queue, Slots, TextHandle, TextPool};
use crate::crypto::{KEY_LEN, PublicKey};
use crate::driver::StorageError;
use crate::limits::{MAIL_LEN_MAX, TEXT_WORDS_MAX};
use crate::time::UnixSeconds;
use crate::wire::Frame;

/// The sender and the recipient of a message, as slots of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Parties {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// Memory for one stored message, and later for its receipt.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct MailSlot {
    /// Number in this store epoch.
    serial: u64,
    /// Position in the common order of messages and table changes.
    order: u64,
    origin: Origin,
    parties: Parties,
    /// When the server accepted the message.
    stamp: UnixSeconds,
    text: TextHandle,
    /// The next slot of its queue, or the next free slot.
    next: Next,
}

impl MailSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        serial: 0,
        order: 0,
        origin: Origin::VACANT,
        parties: Parties { from: 0, to: 0 },
        stamp: UnixSeconds(0),
        text: TextHandle::VACANT,
        next: Next::NONE,
    };
}

impl Chained for MailSlot {
    fn next(&self) -> Next {
        self.next
    }

    fn next_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

/// The stored messages for one recipient.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Mailbox {
    queue: SendQueue,
    /// Messages in the queue, and those that wait to be stored.
    count: u32,
    /// Serial number of the last message that the recipient acknowledged.
    handed_over: u64,
}

impl Mailbox {
    /// An empty queue; all zero bits.
    pub(super) const VACANT: Self = Self {
        queue: SendQueue::EMPTY,
        count: 0,
        handed_over: 0,
    };

    /// Returns the number of messages, with those that wait to be stored.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Returns the serial number of the last message that the recipient acknowledged.
    pub(super) fn handed_over(&self) -> u64 {
        self.handed_over
    }

    /// Restores the last message that the recipient acknowledged, from the store.
    pub(super) fn restore_handed_over(&mut self, serial: u64) {
        self.handed_over = self.handed_over.max(serial);
    }

    /// Returns the next message to send.
    pub(super) fn next(&self) -> Option<u32> {
        self.queue.next_unsent()
    }

    /// Marks all messages as unsent when the session ends.
    pub(super) fn rewind(&mut self) {
        self.queue.rewind();
    }
}

/// The receipts for one sender.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Receipts {
    queue: SendQueue,
    /// The sender's latest stored message, while it waits in a mailbox.
    latest: Next,
}

impl Receipts {
    /// An empty queue; all zero bits.
    pub(super) const VACANT: Self = Self {
        queue: SendQueue::EMPTY,
        latest: Next::NONE,
    };

    /// Records that the sender's message in this slot waits in a mailbox.
    pub(super) fn on_stored(&mut self, index: u32) {
        self.latest = Next::to(index);
    }

    /// Returns the next receipt to send.
    pub(super) fn next(&self) -> Option<u32> {
        self.queue.next_unsent()
    }

    /// Marks all receipts as unsent when the session ends.
    pub(super) fn rewind(&mut self) {
        self.queue.rewind();
    }

    /// Clears the latest message, if it is the one in this slot.
    fn forget(&mut self, index: u32) {
        if self.latest == Next::to(index) {
            self.latest = Next::NONE;
        }
    }
}

/// The result of the delivery of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandedOver {
    /// The message became a receipt for its sender.
    Receipt,
    /// The message was removed.
    Removed,
}

/// All stored messages and receipts.
pub(super) struct Mailboxes<'a> {
    slots: Slots<'a, MailSlot>,
    texts: TextPool<'a>,
    free: FreeList,
    /// The highest serial number so far.
    serial: u64,
    /// Messages that the store was not given yet.
    unsaved: Queue,
}

impl<'a> Mailboxes<'a> {
    /// Creates empty mailboxes.
    ///
    /// # Errors
    /// [`StorageError`] names the slice that has a wrong length.
    pub(super) fn new(
        slots: &'a mut [MailSlot],
        words: &'a mut [u32],
    ) -> Result<Self, StorageError> {
        let few = StorageError::new("mail", slots.len(), 1);
        let many = StorageError::new("mail_texts", words.len(), TEXT_WORDS_MAX);
        Ok(Self {
            slots: Slots::new(slots).ok_or(few)?,
            texts: TextPool::new(words).ok_or(many)?,
            free: FreeList::new(),
            serial: 0,
            unsaved: Queue::EMPTY,
        })
    }

    /// Returns how many messages and receipts there are.
    pub(super) fn used(&self) -> u32 {
        self.free.used()
    }

    /// Returns how many messages and receipts there is room for.
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len()
    }

    /// Returns how many words the text of a message with this ciphertext will take.
    pub(super) fn size(ciphertext: &[u8]) -> u32 {
        TextPool::size(KEY_LEN + ciphertext.len())
    }

    /// Returns how many words the text of a message takes; 0 for a receipt.
    pub(super) fn words(&self, index: u32) -> u32 {
        self.texts.words(self.slots.at(index).text)
    }

    /// Returns the highest serial number so far.
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    /// Raises the highest serial number to at least this one.
    pub(super) fn raise_serial(&mut self, serial: u64) {
        self.serial = self.serial.max(serial);
    }

    /// Returns the sender and the recipient of a message.
    pub(super) fn parties(&self, index: u32) -> Parties {
        self.slots.at(index).parties
    }

    /// Returns the request that made a message.
    pub(super) fn origin(&self, index: u32) -> Origin {
        self.slots.at(index).origin
    }

    // ---- into the store ----

    /// Accepts a message within its [quota](super::mail_quota) for the store; `None` without room.
    pub(super) fn accept(
        &mut self,
        mailbox: &mut Mailbox,
        parties: Parties,
        origin: Origin,
        stamp: UnixSeconds,
        key: &PublicKey,
        ciphertext: &[u8],
    ) -> Option<u32> {
        let mut stored = heapless::Vec::<u8, MAIL_LEN_MAX>::new();
        let fits = [&key.0, ciphertext].map(|part| stored.extend_from_slice(part).is_ok());
        debug_assert_eq!(fits, [true; 2], "the message is longer than the limit");
        let index = self.insert(self.serial + 1, parties, origin, stamp, &stored)?;
        self.serial += 1;
        mailbox.count += 1;
        self.unsaved.push(&mut self.slots, index);
        Some(index)
    }

    /// Restores a message from the store; `None` if there is no room for it.
    pub(super) fn restore(
        &mut self,
        mailbox: &mut Mailbox,
        serial: u64,
        parties: Parties,
        origin: Origin,
        stamp: UnixSeconds,
        stored: &[u8],
    ) -> Option<u32> {
        let index = self.insert(serial, parties, origin, stamp, stored)?;
        mailbox.count += 1;
        Some(index)
    }

    fn insert(
        &mut self,
        serial: u64,
        parties: Parties,
        origin: Origin,
        stamp: UnixSeconds,
        stored: &[u8],
    ) -> Option<u32> {
        if self.free.is_exhausted(&self.slots) {
            return None;
        }
        let text = self.texts.store(stored)?;
        let index = self.free.allocate(&self.slots)?;
        *self.slots.at_mut(index) = MailSlot {
            serial,
            order: 0,
            origin,
            parties,
            stamp,
            text,
            next: Next::NONE,
        };
        Some(index)
    }

    /// Returns whether a message waits for the store.
    pub(super) fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// Returns whether the store was given all messages up to this serial number.
    pub(super) fn has_saved_upto(&self, serial: u64) -> bool {
        let next = self.unsaved.first();
        next.is_none_or(|next| serial < self.slots.at(next).serial)
    }

    /// Removes and returns the next message for the store.
    pub(super) fn pop_unsaved(&mut self) -> Option<u32> {
        self.unsaved.pop(&self.slots)
    }

    /// Builds the record of a message.
    pub(super) fn record<'b>(
        &self,
        index: u32,
        to: &'b str,
        from: &'b str,
        scratch: &'b mut [u8],
    ) -> Record<'b> {
        let mail = self.slots.at(index);
        Record::Mail {
            serial: mail.serial,
            to,
            from,
            incarnation: mail.origin.incarnation,
            counter: mail.origin.counter,
            request: mail.origin.request,
            stamp: mail.stamp,
            ciphertext: self.texts.load(mail.text, scratch),
        }
    }

    // ---- to the recipient ----

    /// Appends a message that was stored to its mailbox. The caller also updates its sender's
    /// [receipts](Receipts::on_stored).
    pub(super) fn on_stored(&mut self, index: u32, order: u64, mailbox: &mut Mailbox) {
        self.slots.at_mut(index).order = order;
        mailbox.queue.push(&mut self.slots, index);
    }

    /// Returns whether a message from this sender waits in a mailbox. Cost: the length of the
    /// mailbox.
    pub(super) fn has_from(&self, mailbox: &Mailbox, sender: u32) -> bool {
        let queue = mailbox.queue.all();
        let from_sender = |mail: &MailSlot| mail.parties.from == sender;
        queue.find(&self.slots, from_sender).is_some()
    }

    /// Returns the position of a message in the common order.
    pub(super) fn order(&self, index: u32) -> u64 {
        self.slots.at(index).order
    }

    /// Returns the order of the oldest message of a mailbox, sent or not.
    pub(super) fn oldest_order(&self, mailbox: &Mailbox) -> Option<u64> {
        let oldest = mailbox.queue.all().first()?;
        Some(self.order(oldest))
    }

    /// Builds the frame of a message, marked as stored if it comes before `boundary`.
    pub(super) fn build<'b>(
        &self,
        index: u32,
        from: &'b str,
        boundary: u64,
        scratch: &'b mut [u8],
    ) -> Frame<'b> {
        let mail = self.slots.at(index);
        let stored = self.texts.load(mail.text, scratch);
        let (key, stored) = PublicKey::in_front_of(stored);
        let (message_key, ciphertext) = PublicKey::in_front_of(stored);
        Frame::Mail {
            serial: mail.serial,
            incarnation: mail.origin.incarnation,
            counter: mail.origin.counter,
            stamp: mail.stamp,
            kept: mail.order < boundary,
            key,
            from,
            message_key,
            ciphertext,
        }
    }

    /// Records that the next message of a mailbox was sent.
    pub(super) fn on_sent(&self, mailbox: &mut Mailbox) {
        mailbox.queue.on_sent(&self.slots);
    }

    /// Removes the oldest message of a mailbox, which the recipient has acknowledged. The caller
    /// passes it to [`hand_over`](Self::hand_over).
    pub(super) fn on_acked(&self, mailbox: &mut Mailbox) -> Option<u32> {
        let index = self.pop(mailbox)?;
        mailbox.handed_over = self.slots.at(index).serial;
        Some(index)
    }

    /// Does as [`on_acked`](Self::on_acked) if the oldest message has at most this serial number.
    pub(super) fn on_acked_upto(&self, mailbox: &mut Mailbox, serial: u64) -> Option<u32> {
        let oldest = mailbox.queue.all().first()?;
        if self.slots.at(oldest).serial > serial {
            return None;
        }
        self.on_acked(mailbox)
    }

    /// Removes the oldest message if its recipient acknowledged it in an earlier run of the server.
    pub(super) fn pop_handed_over(&self, mailbox: &mut Mailbox) -> Option<u32> {
        let oldest = mailbox.queue.all().first()?;
        let is_over = self.slots.at(oldest).serial <= mailbox.handed_over;
        is_over.then(|| self.pop(mailbox)).flatten()
    }

    /// Removes the oldest message from a mailbox; its slot stays in use.
    pub(super) fn pop(&self, mailbox: &mut Mailbox) -> Option<u32> {
        let index = mailbox.queue.pop(&self.slots)?;
        mailbox.count -= 1;
        Some(index)
    }

    /// Uncounts a message that could not be stored. The caller removes it.
    pub(super) fn on_store_failed(mailbox: &mut Mailbox) {
        mailbox.count -= 1;
    }

    // ---- to the sender ----

    /// Turns a delivered message into a receipt, if the sender's process is still `there` and no
    /// later message to the same recipient waits. Otherwise removes it.
    pub(super) fn hand_over(
        &mut self,
        index: u32,
        sender: &mut Receipts,
        there: bool,
    ) -> HandedOver {
        if !there || self.is_followed(index, sender) {
            self.remove(index, sender);
            return HandedOver::Removed;
        }
        let mail = *self.slots.at(index);
        // Receipts for the same recipient that were not sent become one.
        if let Some(last) = sender.queue.all().last()
            && sender.queue.next_unsent() == Some(last)
            && self.slots.at(last).parties.to == mail.parties.to
        {
            self.slots.at_mut(last).origin.counter = mail.origin.counter;
            self.remove(index, sender);
            return HandedOver::Removed;
        }
        self.release_text(index);
        sender.forget(index);
        sender.queue.push(&mut self.slots, index);
        HandedOver::Receipt
    }

    /// Returns whether a later message of the same process waits for the same recipient. Until that
    /// is delivered, a receipt changes nothing for the sender, but costs datagrams.
    fn is_followed(&self, index: u32, sender: &Receipts) -> bool {
        let mail = self.slots.at(index);
        sender.latest.get().is_some_and(|latest| {
            let later = self.slots.at(latest);
            latest != index
                && later.parties.to == mail.parties.to
                && later.origin.incarnation == mail.origin.incarnation
        })
    }

    /// Builds the frame of a receipt.
    pub(super) fn build_receipt<'b>(&self, index: u32, to: &'b str) -> Frame<'b> {
        let counter = self.slots.at(index).origin.counter;
        Frame::Receipt { to, counter }
    }

    /// Records that the next receipt of a sender was sent.
    pub(super) fn on_receipt_sent(&self, sender: &mut Receipts) {
        sender.queue.on_sent(&self.slots);
    }

    /// Removes the oldest receipt of a sender, which acknowledged it or does not need it any more.
    /// Returns the parties of its message.
    pub(super) fn on_receipt_acked(&mut self, sender: &mut Receipts) -> Option<Parties> {
        let index = sender.queue.pop(&self.slots)?;
        let parties = self.parties(index);
        self.remove(index, sender);
        Some(parties)
    }

    /// Removes a message or receipt that is in no queue.
    pub(super) fn remove(&mut self, index: u32, sender: &mut Receipts) {
        sender.forget(index);
        self.release_text(index);
        *self.slots.at_mut(index) = MailSlot::VACANT;
        self.free.release(&mut self.slots, index);
    }

    fn release_text(&mut self, index: u32) {
        let text = core::mem::replace(&mut self.slots.at_mut(index).text, TextHandle::VACANT);
        self.texts.release(text);
    }
}

#[cfg(test)]
mod tests;
mod withdrawn;
