//! Records for the store, and their effects once they are stored.

use super::Server;
use crate::server::event_queue::Pending;
use crate::server::journal::{Entry, StoreChange};
use crate::server::mailboxes::{Mailboxes, Parties};
use crate::server::origin::Origin;
use crate::server::record::{Persist, Record, StoreFailed, Ticket};
use crate::server::restriction::Effect;
use crate::time::Instant;
use crate::wire::Outcome;

impl Server<'_> {
    /// Returns the next record to store. Records must become durable in this order; several may be
    /// stored together. Cost: O(1).
    //= PROTOCOL.md#10.6
    pub fn poll_persist(&mut self) -> Option<Persist<'_>> {
        let is_ordered = self.is_order_due();
        let names = self.roster.slots_mut();
        let (ticket, entry) = self.journal.poll(
            names,
            &mut self.channel,
            &mut self.mail,
            is_ordered,
            self.sessions.now(),
        )?;
        if let Entry::Name(slot) = entry {
            self.roster.at_mut(slot).published_mut().on_given(ticket);
        }
        let roster = &self.roster;
        let record = match entry {
            Entry::Epoch => Record::Epoch {
                epoch: self.journal.epoch(),
                serial: self.mail.serial(),
                log_next: self.channel.saved_number(),
            },
            Entry::Name(slot) => {
                let session = self.sessions.at(slot).local_id();
                Record::Name(roster.at(slot).record(session, self.sessions.now()))
            }
            Entry::Forget(slot) => Record::Forget {
                name: roster.name(slot),
                serial: self.mail.serial(),
                log_next: self.channel.saved_number(),
            },
            Entry::Channel(number) => {
                let sender = self.channel.get(number)?.sender();
                let from = sender.map_or("", |sender| roster.name(sender));
                self.channel.record(number, from, &mut self.scratch)?
            }
            Entry::Progress(slot) => roster.at(slot).progress(),
            Entry::Mail(index) => {
                let Parties { from, to } = self.mail.parties(index);
                let (to, from) = (roster.name(to), roster.name(from));
                self.mail.record(index, to, from, &mut self.scratch)
            }
            Entry::Order => self.admission.restrictions_mut().next_record()?,
            Entry::Vacant => return None,
        };
        Some(Persist { ticket, record })
    }

    /// Returns whether the next order can be stored: the store has the messages and entries from
    /// before it.
    fn is_order_due(&self) -> bool {
        let after = self.admission.restrictions().next_after();
        after.is_some_and(|after| {
            self.mail.has_saved_upto(after.serial) && self.channel.has_saved_below(after.log_next)
        })
    }

    /// Handles the result of storing a record. Answers come in the order of the tickets; any other
    /// is ignored.
    pub fn handle_stored(&mut self, now: Instant, ticket: Ticket, result: Result<(), StoreFailed>) {
        self.sessions.advance(now);
        let stored = result.is_ok();
        let Some((entry, change)) = self.journal.on_stored(ticket, stored, self.sessions.now())
        else {
            debug_assert!(false, "a ticket was answered out of order, or twice");
            return;
        };
        match change {
            Some(StoreChange::Failed) => self.report(Pending::StoreFailed),
            Some(StoreChange::Recovered) => self.report(Pending::StoreRecovered),
            None => {}
        }
        match entry {
            Entry::Name(slot) => {
                self.medium_key_stored(slot, ticket, stored);
                self.name_stored(slot, stored);
            }
            Entry::Mail(index) => self.mail_stored(index, stored),
            Entry::Channel(number) => self.entry_stored(number, stored),
            Entry::Forget(slot) if stored => {
                let was_heard = self.roster.at(slot).membership().was_heard();
                if !self.admission.restrictions_mut().on_forgotten(slot) && was_heard {
                    self.report(Pending::Forgotten { slot });
                }
                self.forget(slot);
            }
            Entry::Forget(slot) => self.change_name(slot),
            Entry::Order => self.order_stored(stored),
            // A cursor that was not stored causes duplicates after a restart. Recipients drop them.
            Entry::Epoch | Entry::Progress(_) | Entry::Vacant => {}
        }
    }

    /// Decides the publication of a medium-term key, if this record has it.
    fn medium_key_stored(&mut self, slot: u32, ticket: Ticket, stored: bool) {
        let name = self.roster.at_mut(slot);
        let Some(request) = name.published_mut().on_stored(ticket, stored) else {
            return;
        };
        // Not *saved*: that would count as a use of the name.
        let outcome = if stored {
            Outcome::Exists
        } else {
            Outcome::NotStored
        };
        name.results_mut().decide(request, outcome);
        self.reschedule(slot);
    }

    //= PROTOCOL.md#9.11
    fn order_stored(&mut self, stored: bool) {
        let restrictions = self.admission.restrictions_mut();
        match restrictions.on_stored(stored, self.wall) {
            Effect::Nothing => {}
            #[cfg(feature = "moderation")]
            Effect::Banned => self.put_out_refused(),
            #[cfg(feature = "moderation")]
            Effect::Withdrawn(name, upto) => self.withdraw_upto(name.as_str(), upto),
        }
    }

    fn name_stored(&mut self, slot: u32, stored: bool) {
        if self.journal.has_change(self.roster.slots(), slot) {
            // The result of a later change of the same name decides.
            return;
        }
        let name = self.roster.at_mut(slot);
        let is_registering = name.membership().is_registering();
        match (stored, is_registering) {
            // The process stays online, and its record is stored later.
            (false, true) if name.membership().is_renewing() => {
                self.change_name(slot);
                return self.admitted(slot);
            }
            (false, true) => return self.not_admitted(slot),
            (false, false) => return self.change_name(slot),
            (true, _) => {}
        }
        if name.on_stored() {
            self.announce(slot);
        }
        if is_registering {
            self.admitted(slot);
        }
        self.reschedule(slot);
    }

    fn mail_stored(&mut self, index: u32, stored: bool) {
        let Parties { from, to } = self.mail.parties(index);
        let origin = self.mail.origin(index);
        if stored {
            self.enqueue_stored(index);
        } else {
            Mailboxes::on_store_failed(self.roster.at_mut(to).mailbox_mut());
            self.remove_mail(index);
        }
        self.decide(from, origin, stored);
    }

    fn entry_stored(&mut self, number: u32, stored: bool) {
        self.publish(number, stored);
        if let Some(entry) = self.channel.get(number) {
            match (entry.sender(), entry.origin()) {
                (Some(from), origin) => self.decide(from, origin, stored),
                (None, _) => self
                    .admission
                    .restrictions_mut()
                    .on_announced(number, stored),
            }
        }
    }

    /// Sets the outcome of a request that had to be stored.
    fn decide(&mut self, slot: u32, origin: Origin, stored: bool) {
        let outcome = if stored {
            Outcome::Saved
        } else {
            Outcome::NotStored
        };
        if self.roster.at_mut(slot).decide(origin, outcome) {
            self.reschedule(slot);
        }
    }
}
