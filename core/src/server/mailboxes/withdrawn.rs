//! Messages that the operator withdraws from recipients that have not fetched them.
//!
//! One that was not sent leaves its mailbox. One that was sent keeps its place until it is
//! acknowledged, without its text: a frame without effect has its sequence number.

use super::Mailboxes;
#[cfg(feature = "moderation")]
use super::{MailSlot, Mailbox};
#[cfg(feature = "moderation")]
use crate::containers::Queue;
use crate::containers::TextHandle;

/// Returns whether this is a message of a sender with a serial number up to `last`.
#[cfg(feature = "moderation")]
fn is_due(mail: &MailSlot, sender: u32, last: u64) -> bool {
    mail.parties.from == sender && mail.serial <= last
}

impl Mailboxes<'_> {
    /// Returns whether a message in a mailbox is withdrawn: it has no text any more.
    pub(in crate::server) fn is_withdrawn(&self, index: u32) -> bool {
        cfg!(feature = "moderation") && self.slots.at(index).text == TextHandle::VACANT
    }
}

#[cfg(feature = "moderation")]
impl Mailboxes<'_> {
    /// Takes the unsent messages of a sender with serial numbers up to `last` out of a mailbox. The
    /// caller [takes](Self::pop_withdrawn) and removes each. Cost: the length of the mailbox.
    pub(in crate::server) fn withdraw_unsent(
        &mut self,
        mailbox: &mut Mailbox,
        sender: u32,
        last: u64,
    ) -> Queue {
        let is_due = |mail: &MailSlot| is_due(mail, sender, last);
        mailbox.queue.split_unsent(&mut self.slots, is_due)
    }

    /// Takes a message of a mailbox that is withdrawn, to be removed.
    pub(in crate::server) fn pop_withdrawn(
        &self,
        mailbox: &mut Mailbox,
        withdrawn: &mut Queue,
    ) -> Option<u32> {
        let index = withdrawn.pop(&self.slots)?;
        mailbox.count -= 1;
        Some(index)
    }

    /// Returns a message of a sender up to `last` that waits for its acknowledgement, and has its
    /// text.
    pub(in crate::server) fn next_sent_of(
        &self,
        mailbox: &Mailbox,
        sender: u32,
        last: u64,
    ) -> Option<u32> {
        let has_text = |mail: &MailSlot| mail.text != TextHandle::VACANT;
        let is_due = |mail: &MailSlot| is_due(mail, sender, last) && has_text(mail);
        mailbox.queue.all().find(&self.slots, is_due)
    }

    /// Drops the text of a message that waits for its acknowledgement.
    pub(in crate::server) fn clear(&mut self, index: u32) {
        self.release_text(index);
    }
}

#[cfg(all(test, feature = "moderation"))]
mod tests {
    use super::*;
    use crate::server::mailboxes::Parties;
    use crate::server::origin::Origin;
    use crate::time::UnixSeconds;

    #[test]
    fn withdraws_what_was_not_sent() {
        let (mut slots, mut words) = ([MailSlot::VACANT; 5], [0; 256]);
        let mut mail = Mailboxes::new(&mut slots, &mut words).unwrap();
        let mut mailbox = Mailbox::VACANT;
        for (serial, from) in [(1, 7), (2, 7), (3, 8), (4, 7), (5, 7)] {
            let parties = Parties { from, to: 1 };
            let stamp = UnixSeconds(1);
            let restored = mail.restore(&mut mailbox, serial, parties, Origin::VACANT, stamp, b"1");
            mail.on_stored(restored.unwrap(), serial, &mut mailbox);
        }
        mail.on_sent(&mut mailbox);
        let mut taken = mail.withdraw_unsent(&mut mailbox, 7, 4);
        let popped = [(); 3].map(|()| {
            let index = mail.pop_withdrawn(&mut mailbox, &mut taken)?;
            Some(mail.order(index))
        });
        assert_eq!(popped, [Some(2), Some(4), None]);
        assert_eq!(mailbox.count(), 3);
        assert_eq!(mailbox.next().map(|index| mail.order(index)), Some(3));
        // The first one is on its way.
        let sent = mail.next_sent_of(&mailbox, 7, 4).unwrap();
        assert_eq!(mail.order(sent), 1);
        assert!(!mail.is_withdrawn(sent));
        mail.clear(sent);
        assert!(mail.is_withdrawn(sent));
        assert_eq!(mail.next_sent_of(&mailbox, 7, 4), None);
        let left = [(); 4].map(|()| {
            let index = mail.on_acked(&mut mailbox)?;
            Some(mail.order(index))
        });
        assert_eq!(left, [Some(1), Some(3), Some(5), None]);
        assert_eq!(mailbox.next(), None);
    }
}
