//! The store of the server: it syncs at once, late, or not at all, and a crash takes what was not
//! synced.

use std::collections::{BTreeMap, VecDeque};

use chatapp_core::{Persist, PublicKey, RestoreError, Server, StoreFailed, Ticket};

use crate::medium::Medium;
use crate::plan::StorePlan;
use crate::queue::Millis;
use crate::record::{Channel, Epoch, Forget, Mail, Name, Progress, Stored};
use crate::trace::{Kind, digest};
use crate::violation::Check;

/// How long a message that was handed over stays in a store that only has what counts: as the proof
/// that its sender's request was done.
const PROOF: Millis = 60_000;

/// All records that were ever stored, in order.
pub struct Journal {
    /// The faults of the store at this time.
    pub faults: StorePlan,
    /// Entries of the channel that a store has that only has what counts.
    log: usize,
    synced: Vec<Stored>,
    /// For each recipient the messages that wait for it; and when those that do not any more were
    /// handed over.
    kept: BTreeMap<String, VecDeque<u64>>,
    handed_over_at: BTreeMap<u64, Millis>,
    waiting: VecDeque<(Ticket, Stored)>,
    /// A sync is under way.
    syncing: bool,
    /// The results of a sync are being reported.
    reporting: bool,
    /// The keys that a name can ever have, as long as nobody has changed what is stored.
    rightful: Option<BTreeMap<String, Vec<PublicKey>>>,
    /// The key that each name has.
    owners: BTreeMap<String, PublicKey>,
    /// Names that have another key since this was last asked, or none.
    changes: Vec<(String, Option<PublicKey>)>,
}

impl Journal {
    /// An empty store.
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

    /// A name may have this key, whenever it has none.
    pub fn allow(&mut self, name: &str, key: PublicKey) {
        if let Some(rightful) = &mut self.rightful {
            rightful.entry(name.to_owned()).or_default().push(key);
        }
    }

    /// The key that a name has.
    pub fn owner(&self, name: &str) -> Option<PublicKey> {
        self.owners.get(name).copied()
    }

    /// Names that have another key since this was last asked, or none, in the order in which that
    /// was stored.
    pub fn take_changes(&mut self) -> Vec<(String, Option<PublicKey>)> {
        std::mem::take(&mut self.changes)
    }

    /// Whether a name has this key, or may get it, because it has none.
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

    /// Takes a record; the result, if it is known at once. A record never overtakes one that waits.
    pub fn write(
        &mut self,
        medium: &mut Medium,
        persist: Persist<'_>,
    ) -> Option<Result<(), StoreFailed>> {
        let record = Stored::from(persist.record).at(medium.now);
        if let Stored::Name(Name { name, key, .. }) = &record
            && !self.may_have(name, key)
        {
            let detail = format!("{name} is stored with {key:?}, of somebody else");
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

    /// How long the sync takes that has to begin now, if one has to.
    pub fn begin_sync(&mut self, medium: &mut Medium) -> Option<Millis> {
        if self.syncing || self.waiting.is_empty() {
            return None;
        }
        self.syncing = true;
        Some(medium.choices.between(0, self.faults.slow))
    }

    /// The sync is over, for all that waits together: the tickets in order, and whether they are
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

    /// All results of the sync have been reported.
    pub fn reported(&mut self) {
        self.reporting = false;
    }

    /// The server crashed: of what waited, some of the first may have reached the disk.
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

    /// Everything is forgotten.
    pub fn forget(&mut self) {
        self.synced.clear();
        self.kept.clear();
        self.handed_over_at.clear();
        let owned = std::mem::take(&mut self.owners).into_keys();
        self.changes.extend(owned.map(|name| (name, None)));
    }

    /// Changes stored records, against the will of their owners.
    pub fn falsify(&mut self, change: impl FnMut(&mut Stored)) {
        self.rightful = None;
        self.synced.iter_mut().for_each(change);
    }

    /// All that is stored.
    pub fn records(&self) -> &[Stored] {
        &self.synced
    }

    /// Gives everything to a new server: as it was written, or as a store keeps it that only has
    /// what counts.
    ///
    /// # Errors
    /// The first record that the server does not take.
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

/// The latest of each name and then of its progress, in front of the messages and entries that are
/// left, of the channel the latest. Names come in the order in which they were stored last.
fn compacted(records: Vec<Stored>, log: usize, proves: impl Fn(u64) -> bool) -> Vec<Stored> {
    let (mut epoch, mut names, mut progress, mut left) = (None, Vec::new(), Vec::new(), Vec::new());
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
        .chain(names)
        .chain(progress)
        .chain(left)
        .collect()
}

fn note(medium: &mut Medium, kind: Kind, record: &Stored) {
    medium.note(kind, &[digest(format!("{record:?}").as_bytes())], || {
        format!("{record:?}")
    });
}
