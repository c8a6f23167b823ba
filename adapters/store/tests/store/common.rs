//! Sample records, and a journal with blocking calls.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use chatapp_core::{Journal, NameRecord, PublicKey, Record, Ticket, UnixSeconds};
use chatapp_store::{Error, Options, Store, StoreJournal};
use tempfile::TempDir;

/// Creates a folder in memory where possible: these tests do not depend on a real disk, which is
/// slow.
pub(crate) fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .expect("a temporary folder can be made")
}

/// Time limit for a commit on a very busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A journal, and the flag that wakes its user.
pub(crate) struct Desk {
    journal: StoreJournal,
    woken: Receiver<()>,
    next: u64,
}

impl Desk {
    /// Opens the store in a folder.
    pub(crate) fn open(folder: &Path, vfs: Option<&str>) -> Result<Self, Error> {
        let mut options = Options::default();
        options.vfs = vfs.map(str::to_owned);
        let (wake, woken) = channel();
        let store = Store::open(folder, &options)?;
        let journal = store.into_journal(move || {
            let _ = wake.send(());
        })?;
        Ok(Self {
            journal,
            woken,
            next: 1,
        })
    }

    /// Submits a record without waiting.
    pub(crate) fn submit(&mut self, record: Record<'_>) {
        self.journal.store(Ticket::new(self.next), record);
        self.next += 1;
    }

    /// Returns whether the result of a record is known already.
    pub(crate) fn has_result(&mut self) -> bool {
        self.journal.poll_stored().is_some()
    }

    /// Stores all submitted records, and waits for the next result.
    pub(crate) fn result(&mut self) -> bool {
        self.journal.submit();
        loop {
            if let Some((_, result)) = self.journal.poll_stored() {
                return result.is_ok();
            }
            self.woken
                .recv_timeout(PATIENCE)
                .expect("a commit returns in time");
        }
    }

    /// Stores a record and waits; returns whether it is stored.
    pub(crate) fn stores(&mut self, record: Record<'_>) -> bool {
        self.submit(record);
        self.result()
    }

    /// Returns the reason of the last failure.
    pub(crate) fn failure(&self) -> String {
        self.journal.failure().unwrap_or_default().to_owned()
    }
}

pub(crate) fn name(name: &str) -> Record<'_> {
    Record::Name(NameRecord {
        name,
        registered: true,
        address: "192.0.2.1:4119".parse().expect("an address"),
        incarnation: u64::MAX,
        key: PublicKey([0xa5; 32]),
        session_sequence: 1,
        session: 7,
        previous: [1, 2, 3, u32::MAX],
        last_request: 0,
        outcomes: u128::MAX / 3,
        log_next: 1,
        away_s: 0,
        medium_key: PublicKey::NONE,
    })
}

pub(crate) fn mail<'a>(
    serial: u64,
    to: &'a str,
    from: &'a str,
    ciphertext: &'a [u8],
) -> Record<'a> {
    Record::Mail {
        serial,
        to,
        from,
        incarnation: u64::MAX,
        counter: 3,
        request: 2,
        stamp: UnixSeconds(u32::MAX),
        ciphertext,
    }
}

pub(crate) fn post<'a>(number: u32, from: &'a str, text: &'a str) -> Record<'a> {
    Record::Channel {
        number,
        from,
        incarnation: 5,
        counter: 4,
        request: 3,
        stamp: UnixSeconds(1),
        text,
    }
}

/// Returns a record as a line, with stored messages in plain text.
pub(crate) fn line(record: &Record<'_>) -> String {
    match record {
        Record::Mail { ciphertext, .. } => format!("{record:?} {}", ciphertext.escape_ascii()),
        _ => format!("{record:?}"),
    }
}

/// Returns the content of the store, one line for each record.
pub(crate) fn content(folder: &Path) -> Vec<String> {
    let mut store = Store::open(folder, &Options::default()).expect("the store opens");
    let mut records = Vec::new();
    store
        .restore(UnixSeconds(0), |record| {
            records.push(line(&record));
            Ok(())
        })
        .expect("the store can be read");
    records
}
