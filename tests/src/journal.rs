//! The store of the server: it syncs at once, late, or not at all, and a crash takes what was not synced.

use std::collections::VecDeque;

use chatapp_core::{Persist, RestoreError, Server, StoreFailed, Ticket};

use crate::medium::Medium;
use crate::plan::StorePlan;
use crate::queue::Millis;
use crate::record::Stored;
use crate::trace::{Kind, digest};

/// All records that were ever stored, in order.
pub struct Journal {
    /// What is wrong with the store at this time.
    pub faults: StorePlan,
    synced: Vec<Stored>,
    waiting: VecDeque<(Ticket, Stored)>,
    /// A sync is under way.
    syncing: bool,
    /// The results of a sync are being reported.
    reporting: bool,
}

impl Journal {
    /// An empty store.
    pub fn new(faults: StorePlan) -> Self {
        Self {
            faults,
            synced: Vec::new(),
            waiting: VecDeque::new(),
            syncing: false,
            reporting: false,
        }
    }

    /// Takes a record; the result, if it is known at once. A record never overtakes one that waits.
    pub fn write(
        &mut self,
        medium: &mut Medium,
        persist: Persist<'_>,
    ) -> Option<Result<(), StoreFailed>> {
        let record = Stored::from(persist.record).at(medium.now);
        if self.faults.slow != 0 || !self.waiting.is_empty() || self.reporting {
            self.waiting.push_back((persist.ticket, record));
            return None;
        }
        if medium.choices.chance(self.faults.fail) {
            note(medium, Kind::StoreFailed, &record);
            return Some(Err(StoreFailed));
        }
        note(medium, Kind::Stored, &record);
        self.synced.push(record);
        Some(Ok(()))
    }

    /// How long the sync takes that has to begin now, if one has to.
    pub fn begin_sync(&mut self, medium: &mut Medium) -> Option<Millis> {
        if self.syncing || self.waiting.is_empty() {
            return None;
        }
        self.syncing = true;
        Some(medium.choices.between(0, self.faults.slow))
    }

    /// The sync is over, for all that waits together: the tickets in order, and whether they are stored.
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
        for (ticket, record) in self.waiting.drain(..) {
            note(medium, kind, &record);
            if !failed {
                self.synced.push(record);
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
        for (place, (_, record)) in self.waiting.drain(..).enumerate() {
            if place < lucky {
                note(medium, Kind::StoredLate, &record);
                self.synced.push(record);
            } else {
                note(medium, Kind::NotSynced, &record);
            }
        }
    }

    /// Everything is forgotten.
    pub fn forget(&mut self) {
        self.synced.clear();
    }

    /// Gives everything to a new server: as it was written, or as a store keeps it that only has what counts.
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
            self.synced = compacted(std::mem::take(&mut self.synced));
        }
        self.synced
            .iter()
            .try_for_each(|record| server.restore(record.clone().at(now).record()))
    }
}

/// The latest of each name and then of its progress, in front of the messages and entries that are left. Names come in
/// the order in which they were stored last.
fn compacted(records: Vec<Stored>) -> Vec<Stored> {
    let (mut epoch, mut names, mut progress, mut left) = (None, Vec::new(), Vec::new(), Vec::new());
    for record in records {
        match &record {
            Stored::Epoch { .. } => epoch = Some(record),
            Stored::Name { name: new, .. } => {
                names.retain(|old| !matches!(old, Stored::Name { name, .. } if name == new));
                names.push(record);
            }
            Stored::Progress { name: new, .. } => {
                progress.retain(|old| !matches!(old, Stored::Progress { name, .. } if name == new));
                progress.push(record);
            }
            Stored::Mail { .. } | Stored::Channel { .. } => left.push(record),
            Stored::Forget {
                name: gone,
                serial: last,
                log_next: next,
            } => {
                names.retain(|old| !matches!(old, Stored::Name { name, .. } if name == gone));
                progress
                    .retain(|old| !matches!(old, Stored::Progress { name, .. } if name == gone));
                left.retain(|old| !matches!(old, Stored::Mail { to, .. } if to == gone));
                if let Some(Stored::Epoch {
                    serial, log_next, ..
                }) = &mut epoch
                {
                    (*serial, *log_next) = (*last, *next);
                }
            }
        }
    }
    left.retain(|record| match record {
        Stored::Mail { serial, to, .. } => !progress.iter().any(|head| {
            matches!(head, Stored::Progress { name, handed_over, .. } if name == to && handed_over >= serial)
        }),
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
