//! The store of the server. It syncs at once, late, or never, and a crash loses the records that
//! were not synced.

use std::collections::{BTreeMap, VecDeque};

use chatapp_core::{
    Persist, PublicKey, RestoreError, RestrictionKind, Server, StoreFailed, Subject, Ticket,
};

use crate::medium::Medium;
use crate::plan::StorePlan;
use crate::queue::Millis;
use crate::record::{Channel, Epoch, Forget, Mail, Name, Progress, Stored, Withdraw};
use crate::trace::{Kind, digest};
use crate::violation::Check;

/// Time that a compacting store has a delivered message: it proves that the sender's request was
/// done.
const PROOF: Millis = 60_000;

/// All records that were ever stored, in order.
pub struct Journal {
    /// The present faults of the store.
    pub faults: StorePlan,
    /// Number of log entries in a compacted store.
    log: usize,
    synced: Vec<Stored>,
    /// For each recipient, the messages that wait for it. Below, the time of delivery of the
    /// others.
    kept: BTreeMap<String, VecDeque<u64>>,
    handed_over_at: BTreeMap<u64, Millis>,
    waiting: VecDeque<(Ticket, Stored)>,
    /// Whether a sync has begun.
    syncing: bool,
    /// Whether the results of a sync are being reported.
    reporting: bool,
    /// The keys that each name may have; `None` after a change of the stored records.
    rightful: Option<BTreeMap<String, Vec<PublicKey>>>,
    /// The present key of each name.
    owners: BTreeMap<String, PublicKey>,
    /// Names whose key changed or was removed since the last call of `take_changes`.
    changes: Vec<(String, Option<PublicKey>)>,
}

impl Journal {
    /// Creates an empty store.
    pub fn new(faults: StorePlan, log: usize) -> Self {
        Self {
            faults,
            log,
            synced: Vec::new(),
            kept: BTreeMap::new(),
            handed_over_at: BTreeMap::new(),
            waiting: VecDeque::new(),
            syncing: false,
            reporting: false,
            rightful: Some(BTreeMap::new()),
            owners: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// Allows a name to have this key whenever it has none.
    pub fn allow(&mut self, name: &str, key: PublicKey) {
        if let Some(rightful) = &mut self.rightful {
            rightful.entry(name.to_owned()).or_default().push(key);
        }
    }

    /// Returns the key of a name.
    pub fn owner(&self, name: &str) -> Option<PublicKey> {
        self.owners.get(name).copied()
    }

    /// Returns names whose key changed or was removed since the last call, in the order of the
    /// records.
    pub fn take_changes(&mut self) -> Vec<(String, Option<PublicKey>)> {
        std::mem::take(&mut self.changes)
    }

    /// Returns whether a name has this key, or may get it because it has none.
    fn may_have(&self, name: &str, key: &PublicKey) -> bool {
        let Some(rightful) = &self.rightful else {
            return true;
        };
        match self.owners.get(name) {
            Some(owner) => owner == key,
            None => rightful.get(name).is_some_and(|keys| keys.contains(key)),
        }
    }

    fn set_owner(&mut self, name: &str, key: Option<PublicKey>) {
        let before = match key {
            Some(key) => self.owners.insert(name.to_owned(), key),
            None => self.owners.remove(name),
        };
        if before != key {
            self.changes.push((name.to_owned(), key));
        }
    }

    /// Takes a record, and returns the result if it is known at once. A record never overtakes one
    /// that waits.
    pub fn write(
        &mut self,
        medium: &mut Medium,
        persist: Persist<'_>,
    ) -> Option<Result<(), StoreFailed>> {
        let record = Stored::from(persist.record).at(medium.now);
        if let Stored::Name(Name { name, key, .. }) = &record
            && !self.may_have(name, key)
        {
            let detail = format!("{name} is stored with {key:?}, of another client");
            medium.wiretap.breaks(Check::NamesBelongToKeys, detail);
        }
        if self.faults.slow != 0 || !self.waiting.is_empty() || self.reporting {
            self.waiting.push_back((persist.ticket, record));
            return None;
        }
        if medium.choices.chance(self.faults.fail) {
            note(medium, Kind::StoreFailed, &record);
            return Some(Err(StoreFailed));
        }
        note(medium, Kind::Stored, &record);
        self.sync(record, medium.now);
        Some(Ok(()))
    }

    fn sync(&mut self, record: Stored, now: Millis) {
        match &record {
            Stored::Name(Name { name, key, .. }) => self.set_owner(name, Some(*key)),
            Stored::Forget(Forget { name, .. }) => self.set_owner(name, None),
            Stored::Mail(Mail { serial, to, .. }) => {
                self.kept.entry(to.clone()).or_default().push_back(*serial);
            }
            Stored::Progress(Progress {
                name, handed_over, ..
            }) => {
                let kept = self.kept.entry(name.clone()).or_default();
                while let Some(serial) = kept.front().filter(|serial| *serial <= handed_over) {
                    self.handed_over_at.insert(*serial, now);
                    kept.pop_front();
                }
            }
            _ => {}
        }
        self.synced.push(record);
    }

    /// Returns how long the sync takes that has to begin now, if there is one.
    pub fn begin_sync(&mut self, medium: &mut Medium) -> Option<Millis> {
        if self.syncing || self.waiting.is_empty() {
            return None;
        }
        self.syncing = true;
        Some(medium.choices.between(0, self.faults.slow))
    }

    /// Ends the sync of all waiting records. Returns their tickets in order, and whether they are
    /// stored.
    pub fn end_sync(&mut self, medium: &mut Medium) -> Vec<(Ticket, Result<(), StoreFailed>)> {
        self.syncing = false;
        self.reporting = true;
        let failed = medium.choices.chance(self.faults.fail);
        let kind = if failed {
            Kind::StoreFailed
        } else {
            Kind::StoredLate
        };
        let mut results = Vec::new();
        for (ticket, record) in std::mem::take(&mut self.waiting) {
            note(medium, kind, &record);
            if !failed {
                self.sync(record, medium.now);
            }
            results.push((ticket, if failed { Err(StoreFailed) } else { Ok(()) }));
        }
        results
    }

    /// Notes that all results of the sync were reported.
    pub fn reported(&mut self) {
        self.reporting = false;
    }

    /// Crashes with the server: some of the first waiting records may have reached the disk.
    pub fn crash(&mut self, medium: &mut Medium) {
        (self.syncing, self.reporting) = (false, false);
        let lucky = medium.choices.index(self.waiting.len() + 1);
        for (place, (_, record)) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            if place < lucky {
                note(medium, Kind::StoredLate, &record);
                self.sync(record, medium.now);
            } else {
                note(medium, Kind::NotSynced, &record);
            }
        }
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.synced.clear();
        self.kept.clear();
        self.handed_over_at.clear();
        let owned = std::mem::take(&mut self.owners).into_keys();
        self.changes.extend(owned.map(|name| (name, None)));
    }

    /// Changes stored records against the will of their owners.
    pub fn falsify(&mut self, change: impl FnMut(&mut Stored)) {
        self.rightful = None;
        self.synced.iter_mut().for_each(change);
    }

    /// Returns all stored records.
    pub fn records(&self) -> &[Stored] {
        &self.synced
    }

    /// Gives all records to a new server, either as they were written or compacted.
    ///
    /// # Errors
    /// The first error of the server.
    pub fn restore(
        &mut self,
        server: &mut Server<'_>,
        compact: bool,
        now: Millis,
    ) -> Result<(), RestoreError> {
        if compact {
            let proves = |serial| {
                let handed_over = self.handed_over_at.get(&serial);
                handed_over.is_some_and(|at| now < at + PROOF)
            };
            self.synced = compacted(std::mem::take(&mut self.synced), self.log, proves);
        }
        self.synced
            .iter()
            .try_for_each(|record| server.restore(record.clone().at(now).record()))
    }
}

/// Compacts records: the latest of each name, the latest progress of each name, then the remaining
/// messages and entries, and of the channel only the latest. Names are in the order of their latest
/// records.
fn compacted(records: Vec<Stored>, log: usize, proves: impl Fn(u64) -> bool) -> Vec<Stored> {
    let (mut epoch, mut names, mut progress, mut left) = (None, Vec::new(), Vec::new(), Vec::new());
    let mut restrictions = Vec::new();
    for record in records {
        match &record {
            Stored::Epoch(_) => epoch = Some(record),
            Stored::Name(Name { name: new, .. }) => {
                names.retain(|old| !matches!(old, Stored::Name(Name { name, .. }) if name == new));
                names.push(record);
            }
            Stored::Progress(Progress { name: new, .. }) => {
                progress.retain(
                    |old| !matches!(old, Stored::Progress(Progress { name, .. }) if name == new),
                );
                progress.push(record);
            }
            Stored::Mail(_) | Stored::Channel(_) => left.push(record),
            Stored::Restrict(new) => {
                restrictions.retain(|old| !is_restriction(old, new.kind, &new.subject));
                restrictions.push(record);
            }
            Stored::Withdraw(withdrawn) => withdraw(&mut left, withdrawn),
            Stored::Lift(kind, subject) => {
                restrictions.retain(|old| !is_restriction(old, *kind, subject));
            }
            Stored::Forget(Forget {
                name: gone,
                serial: last,
                log_next: next,
            }) => {
                names.retain(|old| !matches!(old, Stored::Name(Name { name, .. }) if name == gone));
                progress.retain(
                    |old| !matches!(old, Stored::Progress(Progress { name, .. }) if name == gone),
                );
                left.retain(|old| !matches!(old, Stored::Mail(Mail { to, .. }) if to == gone));
                if let Some(Stored::Epoch(Epoch {
                    serial, log_next, ..
                })) = &mut epoch
                {
                    (*serial, *log_next) = (*last, *next);
                }
            }
        }
    }
    let newest = left.iter().filter_map(|record| match record {
        Stored::Channel(Channel { number, .. }) => Some(*number as usize),
        _ => None,
    });
    let newest = newest.max().unwrap_or_default();
    left.retain(|record| match record {
        Stored::Channel(Channel { number, .. }) => *number as usize + log > newest,
        Stored::Mail(Mail { serial, to, .. }) => {
            let is_over = progress.iter().any(|head| match head {
                Stored::Progress(Progress {
                    name, handed_over, ..
                }) => name == to && handed_over >= serial,
                _ => false,
            });
            !is_over || proves(*serial)
        }
        _ => true,
    });
    epoch
        .into_iter()
        .chain(restrictions)
        .chain(names)
        .chain(progress)
        .chain(left)
        .collect()
}

/// Drops the content of the messages of a name. The records stay: they prove that its requests were
/// done.
fn withdraw(records: &mut [Stored], withdrawn: &Withdraw) {
    for record in records {
        match record {
            Stored::Mail(mail)
                if mail.from == withdrawn.name && mail.serial <= withdrawn.serial =>
            {
                mail.ciphertext.clear();
            }
            Stored::Channel(entry)
                if entry.from == withdrawn.name && entry.number < withdrawn.log_next =>
            {
                entry.text.clear();
            }
            _ => {}
        }
    }
}

fn is_restriction(record: &Stored, kind: RestrictionKind, subject: &Subject) -> bool {
    matches!(record, Stored::Restrict(old) if old.kind == kind && old.subject == *subject)
}

fn note(medium: &mut Medium, kind: Kind, record: &Stored) {
    medium.note(kind, &[digest(format!("{record:?}").as_bytes())], || {
        format!("{record:?}")
    });
}
