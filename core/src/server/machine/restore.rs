//! Restores the records of an earlier run of the server.

use super::Server;
use super::messages::ALL_MAY_GO;
use crate::name::Name;
use crate::server::channel_log::LogSlot;
use crate::server::mailboxes::Parties;
use crate::server::origin::Origin;
use crate::server::record::{NameRecord, Record, RestoreError};
#[cfg(feature = "moderation")]
use crate::server::restriction::Accepted;
use crate::session::connection::Connection;
use crate::time::UnixSeconds;

impl Server<'_> {
    /// Restores a record of an earlier run, before any other input. A clock that does not start
    /// near zero is set before, by [`handle_timeout`](crate::Endpoint::handle_timeout): the server
    /// counts absence from then on.
    ///
    /// # Errors
    /// [`RestoreError`]; the caller must not use the server after an error.
    pub fn restore(&mut self, record: Record<'_>) -> Result<(), RestoreError> {
        match record {
            Record::Epoch {
                epoch,
                serial,
                log_next,
            } => {
                self.journal.restore_epoch(epoch);
                self.raise_numbers(serial, log_next);
            }
            Record::Name(record) => self.restore_name(&record)?,
            Record::Mail {
                serial,
                to,
                from,
                incarnation,
                counter,
                request,
                stamp,
                ciphertext,
            } => {
                let origin = Origin {
                    incarnation,
                    counter,
                    request,
                };
                self.restore_mail(serial, (from, to), origin, stamp, ciphertext)?;
            }
            Record::Channel {
                number,
                from,
                incarnation,
                counter,
                request,
                stamp,
                text,
            } => {
                let origin = Origin {
                    incarnation,
                    counter,
                    request,
                };
                self.restore_entry(number, from, origin, stamp, text)?;
            }
            Record::Progress {
                name,
                handed_over,
                log_next,
            } => self.restore_progress(name, handed_over, log_next)?,
            Record::Forget {
                name,
                serial,
                log_next,
            } => {
                self.raise_numbers(serial, log_next);
                if let Some(slot) = self.roster.find(name) {
                    self.journal.drop_progress(self.roster.slots_mut(), slot);
                    self.forget(slot);
                }
            }
            order => self.restore_order(order)?,
        }
        Ok(())
    }

    #[cfg(feature = "moderation")]
    fn restore_order(&mut self, order: Record<'_>) -> Result<(), RestoreError> {
        let restrictions = self.admission.restrictions_mut();
        match order {
            Record::Withdraw {
                name,
                serial,
                log_next,
            } => self.withdraw_upto(name, Accepted { serial, log_next }),
            Record::Restrict(restriction) if !restrictions.restore(restriction) => {
                return Err(RestoreError::Full);
            }
            Record::Lift { kind, subject } => restrictions.restore_lift(kind, subject),
            _ => {}
        }
        Ok(())
    }

    #[cfg(not(feature = "moderation"))]
    fn restore_order(&mut self, _: Record<'_>) -> Result<(), RestoreError> {
        Err(RestoreError::Full)
    }

    /// Raises the numbers of messages and entries to these, even if no message or entry has them.
    fn raise_numbers(&mut self, serial: u64, log_next: u32) {
        self.mail.raise_serial(serial);
        self.channel.go_on_from(log_next);
    }

    fn restore_name(&mut self, record: &NameRecord<'_>) -> Result<(), RestoreError> {
        let text = Name::new(record.name).map_err(|_| RestoreError::Inconsistent)?;
        let slot = match self.roster.find(record.name) {
            Some(slot) => slot,
            None => self.insert(text).ok_or(RestoreError::Full)?,
        };
        self.channel.go_on_from(record.log_next);
        self.roster.occupy(slot);
        let name = self.roster.at_mut(slot);
        name.restore(record);
        let address = name.process().address();
        self.name_quota
            .count(name.counted_mut(), &record.key, &address);
        self.announce(slot);
        // The server answers a client that still uses the session with a Reset.
        let over = |connection: &mut Connection| connection.restore_ended(record.session);
        self.sessions.change(slot, over);
        let (now, names) = (self.sessions.now(), self.roster.slots_mut());
        self.liveness.on_heard(names, slot, now, record.registered);
        self.notices.remove(names, slot);
        self.absence.remove(names, slot);
        if !record.registered {
            self.absence.add(names, slot, now, record.away_s);
            self.roster.note_offline(slot);
        } else if record.session != 0 {
            self.notices.add(names, slot, now);
        }
        Ok(())
    }

    fn restore_mail(
        &mut self,
        serial: u64,
        (from, to): (&str, &str),
        origin: Origin,
        stamp: UnixSeconds,
        ciphertext: &[u8],
    ) -> Result<(), RestoreError> {
        let to = self.roster.find(to).ok_or(RestoreError::Inconsistent)?;
        self.mail.raise_serial(serial);
        let is_delivered = serial <= self.roster.at(to).mailbox().handed_over();
        let is_over = is_delivered || ciphertext.is_empty();
        // A message that was delivered or withdrawn only proves that its sender's request took
        // effect.
        if is_over && self.roster.find(from).is_none() {
            return Ok(());
        }
        let from = self.sender_slot(from).ok_or(RestoreError::Full)?;
        self.roster.at_mut(from).restore_request(origin);
        if is_over {
            return Ok(());
        }
        let parties = Parties { from, to };
        let mailbox = self.roster.at_mut(to).mailbox_mut();
        let index = self
            .mail
            .restore(mailbox, serial, parties, origin, stamp, ciphertext)
            .ok_or(RestoreError::Full)?;
        self.refer(index);
        self.enqueue_stored(index);
        self.table.note_restored(self.order);
        Ok(())
    }

    fn restore_entry(
        &mut self,
        number: u32,
        from: &str,
        origin: Origin,
        stamp: UnixSeconds,
        text: &str,
    ) -> Result<(), RestoreError> {
        self.channel.start_at(number);
        if cfg!(feature = "moderation") && text.is_empty() {
            // It was withdrawn.
            if let Some(from) = self.roster.find(from) {
                self.roster.at_mut(from).restore_request(origin);
            }
            return self
                .fill_channel(number.saturating_add(1))
                .ok_or(RestoreError::Full);
        }
        let entry = if cfg!(feature = "moderation") && from.is_empty() {
            LogSlot::announcement(origin, stamp, 0)
        } else {
            let from = self.sender_slot(from).ok_or(RestoreError::Full)?;
            self.roster.at_mut(from).restore_request(origin);
            LogSlot::new(from, origin, stamp, 0)
        };
        // The numbers of entries that could not be stored are missing.
        self.fill_channel(number).ok_or(RestoreError::Full)?;
        let number = self
            .append(entry, text, ALL_MAY_GO)
            .ok_or(RestoreError::Full)?;
        self.channel.saved(number);
        self.publish(number, true);
        Ok(())
    }

    fn restore_progress(
        &mut self,
        name: &str,
        handed_over: u64,
        log_next: u32,
    ) -> Result<(), RestoreError> {
        let slot = self.roster.find(name).ok_or(RestoreError::Inconsistent)?;
        self.raise_numbers(handed_over, log_next);
        let name = self.roster.at_mut(slot);
        name.restore_progress(handed_over, log_next);
        let is_known = name.membership().is_known();
        if cfg!(feature = "quotas") && is_known && !name.is_unused() {
            self.roster.occupy(slot);
        }
        loop {
            let mailbox = self.roster.at_mut(slot).mailbox_mut();
            let Some(index) = self.mail.pop_handed_over(mailbox) else {
                return Ok(());
            };
            self.remove_mail(index);
        }
    }
}
