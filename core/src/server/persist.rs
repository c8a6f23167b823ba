//! What must last: records that leave in order, each with a ticket, and everything that waits for them.
//!
//! Registrations, departures, kept messages and log entries have no effect that anybody else can see before their
//! record is stored. Cursors are stored lazily: after a crash the recipient gets something twice, and drops it.

use core::fmt;
use core::net::SocketAddr;

use super::event::Pending;
use super::mailbox::text;
use super::storage::{Journal, JournalSlot, LogSlot, MailSlot};
use super::{Server, StorageError};
use crate::containers::Slots;
use crate::crypto::PublicKey;
use crate::time::{Instant, UnixSeconds};
use crate::wire::Outcome;

/// After the store failed, changes of names are offered to it again this much later.
const STORE_AGAIN_MS: u64 = 1_000;

/// Identifies a record on its way to the store: 1, 2, 3 and so on, in the order in which they must be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// A ticket with this number, for those who drive a store without a server.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A record, and the ticket to report its fate under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persist<'a> {
    /// For [`Server::handle_stored`].
    pub ticket: Ticket,
    /// What to store.
    pub record: Record<'a>,
}

/// A record could not be stored, and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailed;

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record could not be stored")
    }
}

impl core::error::Error for StoreFailed {}

/// One fact for the store. Given back in their order to [`Server::restore`], the records make the same room again;
/// so do the latest `Name` and `Progress` of each name in front of the `Mail` and `Channel` records that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The life of this store: the first record of an empty one.
    Epoch {
        /// 64 random bits.
        epoch: u64,
        /// Kept messages had numbers up to this one, and log entries below the next: later ones have higher numbers,
        /// also if nothing of those is left.
        serial: u64,
        /// See `serial`.
        log_next: u32,
    },
    /// A name as it is now; replaces what was stored of it.
    Name(NameRecord<'a>),
    /// A message is kept. In the same step, the sender's request takes effect: a store keeps the record for a minute after
    /// the message was handed over, so that a server that starts again knows that, and repeats nothing out of order.
    Mail {
        /// Number of the message in this store: rising.
        serial: u64,
        /// The recipient.
        to: &'a str,
        /// The sender.
        from: &'a str,
        /// The sender's process.
        incarnation: u64,
        /// The sender's number of the message.
        counter: u32,
        /// The sender's number of the request.
        request: u32,
        /// When it was accepted.
        stamp: UnixSeconds,
        /// The sender's key, then the letter as in [`Frame::Store`](crate::wire::Frame::Store): nobody but the recipient
        /// can read it.
        letter: &'a [u8],
    },
    /// A channel message is in the log. In the same step, the sender's request takes effect.
    Channel {
        /// Number of the entry in this epoch: rising.
        number: u32,
        /// The sender.
        from: &'a str,
        /// The sender's process.
        incarnation: u64,
        /// The sender's number of the message.
        counter: u32,
        /// The sender's number of the request.
        request: u32,
        /// When it was accepted.
        stamp: UnixSeconds,
        /// The text.
        text: &'a str,
    },
    /// What a client has acknowledged: its kept messages up to `handed_over` can go.
    Progress {
        /// The client.
        name: &'a str,
        /// Serial number of the last message that it acknowledged.
        handed_over: u64,
        /// The next log entry that it has not acknowledged.
        log_next: u32,
    },
    /// A name is forgotten, with the messages for it.
    Forget {
        /// The name.
        name: &'a str,
        /// As in `Epoch`, which these numbers replace.
        serial: u64,
        /// See `serial`.
        log_next: u32,
    },
}

/// What is stored of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRecord<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether it is registered.
    pub registered: bool,
    /// Where it receives.
    pub address: SocketAddr,
    /// Its process.
    pub incarnation: u64,
    /// The key that the name belongs to.
    pub key: PublicKey,
    /// Number of the process's latest session.
    pub opening: u32,
    /// The id that the process writes to us in that session; 0 for none. A server that has started again uses it to
    /// tell the process so.
    pub session: u64,
    /// Processes that were displaced, in short.
    pub previous: [u32; 4],
    /// The latest request, and the outcomes of the last 32 in four bits each.
    pub last_request: u32,
    /// See `last_request`.
    pub outcomes: u128,
    /// The next log entry that it has not acknowledged.
    pub log_next: u32,
    /// For how many seconds it has been away, now: when it is given back, the store has added the time since. Those
    /// who are away longest should come first then, or are forgotten late.
    pub away_s: u32,
}

/// The records that are with the store, in order.
pub(super) struct JournalRing<'a> {
    slots: Slots<'a, JournalSlot>,
    /// The oldest ticket without an answer, and the next new one.
    oldest: u64,
    next: u64,
}

impl<'a> JournalRing<'a> {
    pub(super) fn new(slots: &'a mut [JournalSlot]) -> Result<Self, StorageError> {
        Ok(Self {
            slots: Slots::new(slots).ok_or(StorageError("journal"))?,
            oldest: 1,
            next: 1,
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a remainder of a u32")]
    fn place(&self, ticket: u64) -> u32 {
        ticket
            .checked_rem(self.slots.len().into())
            .unwrap_or_default() as u32
    }

    /// Records that are with the store.
    #[expect(clippy::cast_possible_truncation, reason = "at most as many as slots")]
    pub(super) fn used(&self) -> u32 {
        (self.next - self.oldest) as u32
    }

    /// Records that may be.
    pub(super) fn len(&self) -> u32 {
        self.slots.len()
    }

    fn is_full(&self) -> bool {
        self.used() >= self.len()
    }

    fn push(&mut self, entry: Journal) -> Ticket {
        let place = self.place(self.next);
        self.slots.at_mut(place).0 = entry;
        self.next += 1;
        Ticket(self.next - 1)
    }

    /// Takes the oldest record, if it has this ticket.
    fn pop(&mut self, ticket: Ticket) -> Option<Journal> {
        if ticket.0 != self.oldest || self.oldest == self.next {
            return None;
        }
        let place = self.place(ticket.0);
        self.oldest += 1;
        Some(core::mem::replace(
            &mut self.slots.at_mut(place).0,
            Journal::Vacant,
        ))
    }
}

impl Server<'_> {
    /// A change of this name is to be stored.
    pub(super) fn change_name(&mut self, slot: u32) {
        self.names.at_mut(slot).stored_after = self.mail.serial;
        self.unstable.push(&mut self.names, slot);
    }

    fn may_store_names(&self) -> bool {
        !self.unstable.is_empty() && (!self.store_failing || self.now >= self.store_again_at)
    }

    /// The next name to store. What was accepted before it changed goes first: messages of a name's earlier process
    /// must not be overtaken by its new entry. So do the entries of the log that it has passed: a server that lost them
    /// would go on behind them, and tell others that they missed what nobody has posted.
    fn next_name(&self) -> Option<u32> {
        let first = self.unstable.first().filter(|_| self.may_store_names())?;
        let name = self.names.at(first);
        let has_entries = self.channel.all_saved() || name.log_acked <= self.channel.saved;
        (has_entries && self.is_turn_of(name.stored_after)).then_some(first)
    }

    fn next_entry(&self) -> Option<u32> {
        let entry = self.channel.get(self.channel.saved)?;
        self.is_turn_of(entry.stored_after)
            .then_some(self.channel.saved)
    }

    fn is_turn_of(&self, stored_after: u64) -> bool {
        let next_mail = self.mail.unsaved.first();
        next_mail.is_none_or(|mail| stored_after < self.mail.slots.at(mail).serial)
    }

    pub(super) fn has_record_due(&self) -> bool {
        !self.journal.is_full()
            && (!self.epoch_stored
                || self.may_store_names()
                || !self.mail.unsaved.is_empty()
                || !self.channel.all_saved()
                || !self.progress.is_empty())
    }

    /// When the store is offered again what it has failed to take. While records wait for it, its answer comes first.
    pub(super) fn store_deadline(&self) -> Option<Instant> {
        let waits = self.store_failing && !self.unstable.is_empty() && !self.journal.is_full();
        waits.then_some(self.store_again_at)
    }

    /// Takes the next record to store. Records must become durable in this order; several may be stored together.
    /// O(1).
    pub fn poll_persist(&mut self) -> Option<Persist<'_>> {
        if self.journal.is_full() {
            return None;
        }
        if !self.epoch_stored {
            self.epoch_stored = true;
            let ticket = self.journal.push(Journal::Epoch);
            return Some(Persist {
                ticket,
                record: Record::Epoch {
                    epoch: self.epoch,
                    serial: self.mail.serial,
                    log_next: self.channel.saved_number(),
                },
            });
        }
        if let Some(slot) = self.next_name() {
            self.unstable.remove(&mut self.names, slot);
            if self.names.at(slot).forgetting {
                let ticket = self.journal.push(Journal::Forget(slot));
                let record = Record::Forget {
                    name: self.names.at(slot).name.as_str(),
                    serial: self.mail.serial,
                    log_next: self.channel.saved_number(),
                };
                return Some(Persist { ticket, record });
            }
            let ticket = self.journal.push(Journal::Name(slot));
            return Some(Persist {
                ticket,
                record: Record::Name(self.name_record(slot)),
            });
        }
        if let Some(number) = self.next_entry() {
            self.channel.saved += 1;
            let ticket = self.journal.push(Journal::Log(number));
            let entry = *self.channel.get(number)?;
            let record = Record::Channel {
                number,
                from: self.names.at(entry.from).name.as_str(),
                incarnation: entry.incarnation,
                counter: entry.counter,
                request: entry.request,
                stamp: entry.stamp,
                text: text(self.channel.texts.load(entry.text, &mut self.scratch)),
            };
            return Some(Persist { ticket, record });
        }
        // A message may lie where one lay that was handed over: the store must know of that first.
        if let Some(slot) = self.progress.pop(&mut self.names) {
            let ticket = self.journal.push(Journal::Progress);
            let name = self.names.at(slot);
            let record = Record::Progress {
                name: name.name.as_str(),
                handed_over: name.handed_over,
                log_next: name.log_acked,
            };
            return Some(Persist { ticket, record });
        }
        let index = self.mail.unsaved.pop(&self.mail.slots)?;
        let ticket = self.journal.push(Journal::Mail(index));
        let mail = self.mail.slots.at(index);
        let MailSlot {
            serial,
            incarnation,
            counter,
            request,
            stamp,
            ..
        } = *mail;
        let record = Record::Mail {
            serial,
            to: self.names.at(mail.to).name.as_str(),
            from: self.names.at(mail.from).name.as_str(),
            incarnation,
            counter,
            request,
            stamp,
            letter: self.mail.texts.load(mail.text, &mut self.scratch),
        };
        Some(Persist { ticket, record })
    }

    fn name_record(&self, slot: u32) -> NameRecord<'_> {
        let name = self.names.at(slot);
        let mut outcomes = name.outcomes;
        if name.leave_request != 0 {
            // The deregistration takes effect with this record.
            let mut left = name.clone();
            left.set_outcome(name.leave_request, Outcome::Left);
            outcomes = left.outcomes;
        }
        NameRecord {
            name: name.name.as_str(),
            registered: name.is_here(),
            address: name.address.get(),
            incarnation: name.incarnation,
            key: name.key,
            opening: name.opening,
            session: self.sessions.at(slot).local_id(),
            previous: name.previous,
            last_request: name.last_request,
            outcomes,
            log_next: name.log_acked,
            away_s: self.away_s(name),
        }
    }

    /// Tells the fate of a record. Answers come in the order of the tickets; any other is ignored.
    pub fn handle_stored(&mut self, now: Instant, ticket: Ticket, result: Result<(), StoreFailed>) {
        self.note_time(now);
        let Some(entry) = self.journal.pop(ticket) else {
            debug_assert!(false, "tickets are answered in order, once");
            return;
        };
        let stored = result.is_ok();
        self.note_store(stored);
        match entry {
            Journal::Name(slot) => self.name_stored(slot, stored),
            Journal::Mail(index) => self.mail_stored(index, stored),
            Journal::Log(number) => self.entry_stored(number, stored),
            Journal::Forget(slot) => self.forget_stored(slot, stored),
            Journal::Epoch => self.epoch_stored = stored,
            // A cursor that was not stored makes a repetition after a restart, which its recipient drops.
            Journal::Progress | Journal::Vacant => {}
        }
    }

    fn note_store(&mut self, stored: bool) {
        if stored == self.store_failing {
            self.store_failing = !stored;
            self.report(if stored {
                Pending::StoreRecovered
            } else {
                Pending::StoreFailed
            });
        }
        if !stored {
            self.store_again_at = self.now.plus_millis(STORE_AGAIN_MS);
        }
    }

    fn name_stored(&mut self, slot: u32, stored: bool) {
        if self.unstable.contains(&self.names, slot) {
            // A later change of the same name is on its way: that one decides.
            return;
        }
        if !stored {
            if self.names.at(slot).registering {
                return self.not_admitted(slot);
            }
            return self.change_name(slot);
        }
        let name = self.names.at_mut(slot);
        if core::mem::take(&mut name.announce) {
            self.announce(slot);
        }
        let name = self.names.at_mut(slot);
        let leave = core::mem::take(&mut name.leave_request);
        if leave != 0 {
            name.set_outcome(leave, Outcome::Left);
        }
        if name.registering {
            self.admitted(slot);
        }
        self.attend(slot);
    }

    fn mail_stored(&mut self, index: u32, stored: bool) {
        let MailSlot {
            from,
            to,
            request,
            incarnation,
            ..
        } = *self.mail.slots.at(index);
        if stored {
            self.keep(index);
        } else {
            self.names.at_mut(to).mail_count -= 1;
            self.remove_mail(index);
        }
        self.decide(from, incarnation, request, stored);
    }

    fn entry_stored(&mut self, number: u32, stored: bool) {
        self.publish(number, stored);
        if let Some(LogSlot {
            from,
            incarnation,
            request,
            ..
        }) = self.channel.get(number).copied()
        {
            self.decide(from, incarnation, request, stored);
        }
    }

    /// The outcome of a request that had to be stored is known.
    fn decide(&mut self, slot: u32, incarnation: u64, request: u32, stored: bool) {
        let name = self.names.at_mut(slot);
        if name.incarnation == incarnation {
            name.set_outcome(
                request,
                if stored {
                    Outcome::Saved
                } else {
                    Outcome::NotStored
                },
            );
            self.attend(slot);
        }
    }
}
