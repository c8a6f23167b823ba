//! Withdraws the messages of a name from those that have not fetched them.

use super::Server;
use crate::name::Name;
use crate::server::restriction::{Accepted, OrderError, OrderId};

impl Server<'_> {
    /// Orders that the messages of a name are withdrawn: the stored messages and the entries of the
    /// channel log so far, from those that have not fetched them.
    ///
    /// # Errors
    /// Returns [`OrderError::NoSuchName`] or [`OrderError::Busy`].
    pub fn withdraw(&mut self, name: &str) -> Result<OrderId, OrderError> {
        let known = Name::new(name).ok();
        let known = known.filter(|name| self.roster.find(name.as_str()).is_some());
        let (name, after) = (known.ok_or(OrderError::NoSuchName)?, self.accepted());
        let restrictions = self.admission.restrictions_mut();
        restrictions.withdraw(name, after)
    }

    /// Withdraws the messages of a name up to these numbers. Cost: walks all names, and their
    /// stored messages.
    //= PROTOCOL.md#9.11
    pub(super) fn withdraw_upto(&mut self, name: &str, upto: Accepted) {
        let Some(sender) = self.roster.find(name) else {
            return;
        };
        self.channel.withdraw(sender, upto.log_next);
        for slot in 0..self.roster.used() {
            self.withdraw_mail(sender, slot, upto.serial);
            self.settle_return(slot);
        }
    }

    fn withdraw_mail(&mut self, sender: u32, recipient: u32, last: u64) {
        let mailbox = self.roster.at_mut(recipient).mailbox_mut();
        let mut unsent = self.mail.withdraw_unsent(mailbox, sender, last);
        loop {
            let mailbox = self.roster.at_mut(recipient).mailbox_mut();
            let Some(index) = self.mail.pop_withdrawn(mailbox, &mut unsent) else {
                break;
            };
            self.remove_mail(index);
        }
        loop {
            let mailbox = self.roster.at(recipient).mailbox();
            let Some(index) = self.mail.next_sent_of(mailbox, sender, last) else {
                return;
            };
            self.leaves_mailbox(index);
            self.mail.clear(index);
        }
    }
}
