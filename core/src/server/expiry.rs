//! Names that were away for too long are forgotten, with what waits for them.
//!
//! The time of a departure is kept as an instant of this life of the server, and what of the absence was before it. The
//! slot of a forgotten name stays its own while kept messages or log entries come from it, and goes to a new name
//! when there is no other: by then those who were not told that the old name is gone need the whole table.

use super::Server;
use super::event::Pending;
use super::storage::{MailSlot, NameSlot, Standing};
use crate::name::Name;
use crate::session::connection::Connection;
use crate::time::Instant;

impl Server<'_> {
    // ---- absence ----

    /// A name is away from now on, or was for so many seconds in an earlier life of the server.
    pub(super) fn is_away(&mut self, slot: u32, before_s: u32) {
        let now = self.now;
        self.away.remove(&mut self.names, slot);
        let name = self.names.at_mut(slot);
        name.left_at = now;
        name.away_before_s = before_s;
        self.away.push(&mut self.names, slot);
    }

    /// For how many seconds a name has been away.
    pub(super) fn away_s(&self, name: &NameSlot) -> u32 {
        if name.is_here() {
            return 0;
        }
        let since = self.now.millis_since(name.left_at) / 1_000;
        u32::try_from(since)
            .unwrap_or(u32::MAX)
            .saturating_add(name.away_before_s)
    }

    fn forgotten_at(&self, slot: u32) -> Instant {
        let name = self.names.at(slot);
        let left_s = self.keep_s.saturating_sub(name.away_before_s);
        name.left_at.plus_millis(u64::from(left_s) * 1_000)
    }

    /// When the next name is to be forgotten. They stand in the order in which they left, so that it is the first one;
    /// a store that gives them back in another order makes it late.
    pub(super) fn expiry_deadline(&self) -> Option<Instant> {
        self.away.first().map(|slot| self.forgotten_at(slot))
    }

    /// Begins to forget the name whose time has come; false if there is none.
    pub(super) fn expire_one(&mut self) -> bool {
        let Some(slot) = self.away.first() else {
            return false;
        };
        if self.forgotten_at(slot) > self.now {
            return false;
        }
        if self.names.at(slot).leave_request != 0 {
            // The store has not even taken that it left.
            self.is_away(slot, 0);
            return true;
        }
        self.away.remove(&mut self.names, slot);
        self.end_session(slot);
        self.progress.remove(&mut self.names, slot);
        self.names.at_mut(slot).forgetting = true;
        self.change_name(slot);
        true
    }

    /// The store knows that a name is to be forgotten, or could not be told.
    pub(super) fn forget_stored(&mut self, slot: u32, stored: bool) {
        if !stored {
            return self.change_name(slot);
        }
        self.report(Pending::Forgotten { slot });
        self.forget(slot);
    }

    /// Forgets a name with what waits for it. What it sent stays.
    pub(super) fn forget(&mut self, slot: u32) {
        while let Some(index) = self.names.at_mut(slot).mailbox.pop(&self.mail.slots) {
            self.remove_mail(index);
        }
        self.drop_receipts(slot);
        self.unstable.remove(&mut self.names, slot);
        self.sessions.change(slot, Connection::close);
        self.away.remove(&mut self.names, slot);
        self.silence.remove(&mut self.names, slot);
        self.forget_recall(slot);
        let NameSlot {
            name,
            links,
            references,
            version,
            ..
        } = self.names.at(slot).clone();
        *self.names.at_mut(slot) = NameSlot {
            name,
            links,
            references,
            version,
            standing: Standing::Offline,
            gone: true,
            ..NameSlot::VACANT
        };
        if version != 0 {
            self.announce(slot);
        }
        self.vacate(slot);
    }

    // ---- slots ----

    /// The slot of a forgotten name can go to another name, once nothing comes from it any more.
    pub(super) fn vacate(&mut self, slot: u32) {
        let name = self.names.at(slot);
        if name.gone && name.references == 0 && !name.registering {
            self.vacated.push(&mut self.names, slot);
        }
    }

    /// A slot for a new name: one that was never used, or that of a forgotten name.
    pub(super) fn free_slot(&mut self) -> Option<u32> {
        if self.names_used < self.names.len() {
            self.names_used += 1;
            return Some(self.names_used - 1);
        }
        let slot = self.vacated.pop(&mut self.names)?;
        let (key, names) = (self.hash_key, &self.names);
        let hash = |slot| key.hash(names.at(slot).name.as_str().as_bytes());
        self.index.remove(hash(slot), slot, hash);
        self.sessions.change(slot, Connection::close);
        self.changes_floor = self.changes_floor.max(self.names.at(slot).version);
        Some(slot)
    }

    /// The slot of a sender that may have been forgotten since.
    pub(super) fn sender_slot(&mut self, name: &str) -> Option<u32> {
        if let Some(slot) = self.find(name) {
            return Some(slot);
        }
        let slot = self.insert(Name::new(name).ok()?)?;
        self.names.at_mut(slot).gone = true;
        Some(slot)
    }

    pub(super) fn refer(&mut self, slot: u32) {
        self.names.at_mut(slot).references += 1;
        self.vacated.remove(&mut self.names, slot);
    }

    pub(super) fn release(&mut self, slot: u32) {
        self.names.at_mut(slot).references -= 1;
        self.vacate(slot);
    }

    /// Takes a slot for a message; `None` if there is no slot or no room for the text.
    pub(super) fn insert_mail(&mut self, mail: MailSlot, letter: &[u8]) -> Option<u32> {
        let index = self.mail.insert(mail, letter)?;
        self.refer(mail.from);
        self.refer(mail.to);
        Some(index)
    }

    pub(super) fn remove_mail(&mut self, index: u32) {
        let MailSlot { from, to, .. } = *self.mail.slots.at(index);
        let sender = self.names.at_mut(from);
        if sender.kept_last == index + 1 {
            sender.kept_last = 0;
        }
        self.mail.remove(index);
        self.release(from);
        self.release(to);
    }
}
