//! Takes back what an earlier life of the server has stored.

use core::fmt;

use super::Server;
use super::persist::{NameRecord, Record};
use super::storage::{LogSlot, MailSlot, Standing};
use crate::name::Name;
use crate::session::connection::Connection;
use crate::wire::Outcome;

/// Why a record cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is not enough storage for what was stored.
    Full,
    /// The record names somebody whom no record before it has made known, or is damaged.
    Inconsistent,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "there is less room than what was stored needs: raise the limits",
            Self::Inconsistent => "the records do not fit together",
        })
    }
}

impl core::error::Error for RestoreError {}

impl Server<'_> {
    /// Takes back a record of an earlier life, before anything else happens. Only a clock that does not start near zero
    /// is told before, by [`handle_timeout`](crate::Endpoint::handle_timeout): absence is counted from then on.
    ///
    /// # Errors
    /// [`RestoreError`]; the server must not be used then.
    pub fn restore(&mut self, record: Record<'_>) -> Result<(), RestoreError> {
        match record {
            Record::Epoch {
                epoch,
                serial,
                log_next,
            } => {
                self.epoch = epoch;
                self.mail.serial = self.mail.serial.max(serial);
                self.channel.go_on_from(log_next);
                self.epoch_stored = true;
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
                letter,
            } => {
                let to = self.find(to).ok_or(RestoreError::Inconsistent)?;
                self.mail.serial = self.mail.serial.max(serial);
                let is_over = serial <= self.names.at(to).handed_over;
                // What was handed over only proves that its sender's request took effect.
                if is_over && self.find(from).is_none() {
                    return Ok(());
                }
                let from = self.sender_slot(from).ok_or(RestoreError::Full)?;
                self.restore_request(from, incarnation, request);
                if is_over {
                    return Ok(());
                }
                let mail = MailSlot {
                    serial,
                    incarnation,
                    from,
                    to,
                    counter,
                    request,
                    stamp,
                    ..MailSlot::VACANT
                };
                let index = self.insert_mail(mail, letter).ok_or(RestoreError::Full)?;
                self.names.at_mut(to).mail_count += 1;
                self.keep(index);
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
                let from = self.sender_slot(from).ok_or(RestoreError::Full)?;
                self.restore_request(from, incarnation, request);
                self.channel.start_at(number);
                // Numbers of entries that could not be stored are missing.
                self.fill_log(number).ok_or(RestoreError::Full)?;
                let entry = LogSlot {
                    incarnation,
                    from,
                    counter,
                    request,
                    stamp,
                    ..LogSlot::VACANT
                };
                let number = self.append_to_log(entry, text).ok_or(RestoreError::Full)?;
                self.channel.saved = number + 1;
                self.publish(number, true);
            }
            Record::Progress {
                name,
                handed_over,
                log_next,
            } => {
                let slot = self.find(name).ok_or(RestoreError::Inconsistent)?;
                // Numbers go on from here, also if nothing of what had them is left.
                self.mail.serial = self.mail.serial.max(handed_over);
                self.channel.go_on_from(log_next);
                let name = self.names.at_mut(slot);
                name.log_acked = name.log_acked.max(log_next);
                name.log_sent = name.log_acked;
                name.own_lost = 0;
                name.handed_over = name.handed_over.max(handed_over);
                self.forget_handed_over(slot);
            }
            Record::Forget {
                name,
                serial,
                log_next,
            } => {
                self.mail.serial = self.mail.serial.max(serial);
                self.channel.go_on_from(log_next);
                if let Some(slot) = self.find(name) {
                    self.progress.remove(&mut self.names, slot);
                    self.forget(slot);
                }
            }
        }
        Ok(())
    }

    fn restore_name(&mut self, record: &NameRecord<'_>) -> Result<(), RestoreError> {
        let name = Name::new(record.name).map_err(|_| RestoreError::Inconsistent)?;
        let slot = match self.find(record.name) {
            Some(slot) => slot,
            None => self.insert(name).ok_or(RestoreError::Full)?,
        };
        self.channel.go_on_from(record.log_next);
        let now = self.now;
        let slot_ref = self.names.at_mut(slot);
        slot_ref.known = true;
        slot_ref.gone = false;
        slot_ref.standing = if record.registered {
            Standing::Online
        } else {
            Standing::Offline
        };
        slot_ref.address = record.address.into();
        slot_ref.restore_outcomes(record);
        slot_ref.incarnation = record.incarnation;
        slot_ref.key = record.key;
        slot_ref.opening = record.opening;
        slot_ref.previous = record.previous;
        slot_ref.result_sent = slot_ref.last_request;
        slot_ref.log_acked = record.log_next;
        slot_ref.log_sent = record.log_next;
        slot_ref.own_lost = 0;
        slot_ref.heard_at = now;
        self.announce(slot);
        self.silence.remove(&mut self.names, slot);
        self.forget_recall(slot);
        // Whoever writes in it is told that it is over.
        let over = |connection: &mut Connection| connection.restore_ended(record.session);
        self.sessions.change(slot, over);
        self.vacated.remove(&mut self.names, slot);
        self.away.remove(&mut self.names, slot);
        if !record.registered {
            self.is_away(slot, record.away_s);
        }
        if record.registered {
            self.silence.push(&mut self.names, slot);
            self.recall_later(slot);
        }
        Ok(())
    }

    /// A stored message proves that its sender's request took effect.
    fn restore_request(&mut self, slot: u32, incarnation: u64, request: u32) {
        let name = self.names.at_mut(slot);
        if name.incarnation == incarnation && request > name.last_request {
            name.note_request(request);
        }
        if name.incarnation == incarnation {
            name.set_outcome(request, Outcome::Saved);
            name.result_sent = name.last_request;
        }
    }

    fn forget_handed_over(&mut self, slot: u32) {
        loop {
            let name = self.names.at(slot);
            let Some(index) = name.mailbox.all.first() else {
                return;
            };
            if self.mail.slots.at(index).serial > name.handed_over {
                return;
            }
            let name = self.names.at_mut(slot);
            name.mailbox.pop(&self.mail.slots);
            name.mail_count -= 1;
            self.remove_mail(index);
        }
    }
}
